"""The steps of a night, in their order; one that fails is written down, and the others are done all the same."""

from __future__ import annotations

import os
import re
import shutil
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bench.digest import content_hash
from bench.errors import BenchError
from bench.gate.gate import gate
from bench.history.remember import remember
from bench.history.retain import retain
from bench.history.series import read_history
from bench.nightly.deadline import Deadline, DeadlineExecutor
from bench.nightly.junit import junit_xml
from bench.nightly.markdown import as_markdown
from bench.nightly.notify import append_step_summary, post, run_command
from bench.nightly.outcome import CellResult, Outcome, read_outcome, write_outcome
from bench.planning import Plan
from bench.record import Record, Status
from bench.report import view_of, write_html
from bench.report.nights import NightRow, write_pages
from bench.running.executors.base import Executor
from bench.running.progress import Progress
from bench.running.runner import BAD, run
from bench.store import RunInfo, Store, StoredRun
from bench.suite import NightlySpec

SAME_NIGHT = timedelta(hours=18)
"""A run that began longer ago belongs to another night, and is not gone on with: less than a day, more than the
longest night between two evenings."""
LATEST = "latest"
"""Folder that holds a copy of the newest night."""
RANK: tuple[Status, ...] = (*BAD, "skipped", "unsupported", "ok")
_NOT_IN_A_PATH = re.compile(r"[^A-Za-z0-9._-]+")

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Work:
    """What a night is asked to do."""

    plan: Plan
    info: RunInfo
    asked: NightlySpec
    """Of the suite, with the command line's options over it."""
    deadline: Deadline | None = None
    webhook: str | None = None
    skip: dict[str, str] = field(default_factory=dict)
    """Cell id → reason, for models that could not be trained."""
    rerun: bool = False
    """Begin anew, also when this night has a run already that was interrupted."""
    troubles: tuple[str, ...] = ()
    """What is wrong before anything has begun."""


@dataclass(slots=True)
class _Night:
    """One go at a night."""

    work: Work
    store: Store
    executor: Executor
    progress: Progress
    say: Say
    problems: list[str] = field(default_factory=list)

    def step(self, name: str, do: Callable[[], T]) -> T | None:
        """Returns what a step returns; None, and a problem, when it failed in whatever way: the alert must go out."""
        try:
            return do()
        except BenchError as error:
            self.problems.append(f"{name}: {error}")
        except Exception as error:  # noqa: BLE001 - recorded, and told: a bug in a page must not silence the alarm
            self.problems.append(f"{name}: {type(error).__name__}: {error} (a bug of bench, please report it)")
            self.say(traceback.format_exc())
        return None


def folder_of(results: Path, suite: str) -> Path:
    """Returns where the pages of a suite's nights are; two names never share one."""
    plain = _NOT_IN_A_PATH.sub("-", suite).strip("-.")
    return results / "nightly" / (plain if plain == suite else f"{plain or 'suite'}-{content_hash(suite)[:6]}")


def run_night(work: Work, store: Store, executor: Executor, progress: Progress, now: datetime, say: Say) -> Outcome:
    """Does a whole night, or what is left of one that was interrupted, and returns what it came to.

    Args:
        work: what is asked.
        store: where the runs are.
        executor: runs cells, and the gate's reruns.
        progress: shows the run.
        now: the time, with its zone.
        say: told what is going on.

    Raises:
        KeyboardInterrupt: the user stopped it; the same command goes on with it.
        StoreError: the run could not be begun.
    """
    bounded = executor if work.deadline is None else DeadlineExecutor(executor, work.deadline)
    night = _Night(work, store, bounded, progress, say, list(work.troubles))
    since = (now - SAME_NIGHT).isoformat()
    _close_abandoned(store, work.info.suite, since)
    run_id = _only_judging_left(work, store, since) or _measure(night, since)
    night.step("summaries", lambda: remember(store, run_id))
    outcome = _judged(night, run_id)
    folder = folder_of(store.results, outcome.suite)
    outcome = _written(night, outcome, folder)
    night.step("pages", lambda: _pages(store, outcome.suite, folder))
    if work.asked.keep_nights is not None:
        night.step("retention", lambda: retain(store, int(work.asked.keep_nights or 1)))
    return _told(night, replace(outcome, problems=tuple(night.problems)), folder)


def _measure(night: _Night, since: str) -> str:
    work, store = night.work, night.store
    cells = work.plan.written(store.results)
    # A timing is never taken from another night; one of this night, that was interrupted, is gone on with.
    finished = run(
        cells, night.executor, store, work.info, processes=work.plan.processes,
        seed=work.plan.suite.value.defaults.seed, rerun=True, progress=night.progress, skip=work.skip,
        canary=work.plan.measures,
        since=None if work.rerun else since,
    )  # fmt: skip
    if finished.interrupted:
        raise KeyboardInterrupt
    return finished.run_id


def _close_abandoned(store: Store, suite: str, since: str) -> None:
    """Closes runs of earlier nights whose process was killed, so that history shows what they have."""
    for info in store.runs(suite):
        if info.status == "running" and info.started_at < since and store.hold(info.id):
            store.finish_run(info.id, "interrupted")


def _only_judging_left(work: Work, store: Store, since: str) -> str | None:
    """Returns this night's run where all is measured and nobody was told: it was killed in between."""
    if work.rerun:
        return None
    plan = tuple((cell.id, cell.label) for cell in work.plan.cells)
    wanted = replace(work.info, plan=plan)
    newest = next(iter(store.runs(work.info.suite)), None)
    if newest is None or newest.status != "complete" or newest.started_at < since or not newest.rerun:
        return None
    keys = [(one.suite_hash, one.plan_hash, one.machine_key) for one in (newest, wanted)]
    told = read_outcome(folder_of(store.results, newest.suite) / newest.id)
    begun = (store.results / "nightly").exists() and told is not None
    return newest.id if keys[0] == keys[1] and begun and told is not None and not told.get("done") else None


def _judged(night: _Night, run_id: str) -> Outcome:
    work, store = night.work, night.store
    stored = store.load(run_id)
    info = stored.info
    _mark_begun(store, info)
    found = night.step(
        "gate",
        lambda: gate(
            store, run_id, work.asked.baseline, executor=night.executor, say=night.say, strict=work.asked.strict
        ),
    )
    cut = work.deadline.why if info.status == "interrupted" and work.deadline is not None else None
    return Outcome(
        suite=info.suite, run_id=run_id, started_at=info.started_at, finished_at=info.finished_at or "",
        cells=_cells(stored), planned=len(info.plan), cut=cut, gate=found, problems=tuple(night.problems),
    )  # fmt: skip


def _mark_begun(store: Store, info: RunInfo) -> None:
    """Leaves a note that this run's night is not over, for the case that it is killed from here on."""
    folder = folder_of(store.results, info.suite) / info.id
    folder.mkdir(parents=True, exist_ok=True)
    write_outcome(Outcome(info.suite, info.id, info.started_at, "", (), len(info.plan), None, None), folder)


def _cells(stored: StoredRun) -> tuple[CellResult, ...]:
    by_label: dict[str, list[Record]] = {}
    for record in stored.records:
        by_label.setdefault(record.cell.label, []).append(record)
    found = []
    for label, records in by_label.items():
        worst = min(records, key=lambda record: RANK.index(record.status))
        cell, wall = worst.cell, sum(record.wall_s or 0.0 for record in records)
        found.append(CellResult(label, cell.model, cell.variant, cell.task, worst.status, worst.reason, wall))
    return tuple(found)


def _written(night: _Night, outcome: Outcome, folder: Path) -> Outcome:
    """Writes the night's own files and returns the outcome with their paths."""
    place = folder / outcome.run_id
    files = {
        "report": place / "report.html", "summary": place / "summary.md", "junit": place / "junit.xml",
        "index": folder / "index.html", "trends": folder / "trends.html",
    }  # fmt: skip
    night.step("report", lambda: write_html(view_of(night.store.load(outcome.run_id)), files["report"]))
    pages = {name: str(path.resolve()) for name, path in files.items()}
    found = replace(outcome, pages=pages, problems=tuple(night.problems))
    night.step("summary", lambda: _exports(found, place))
    return found


def _exports(outcome: Outcome, place: Path) -> None:
    (place / "summary.md").write_text(as_markdown(outcome), encoding="utf-8")
    (place / "junit.xml").write_text(junit_xml(outcome), encoding="utf-8")
    write_outcome(outcome, place)


def _pages(store: Store, suite: str, folder: Path) -> None:
    history = read_history(store, suite)
    rows = {}
    for night in history.nights:
        told = read_outcome(folder / night.run_id)
        if told is not None:
            href = f"{night.run_id}/report.html" if (folder / night.run_id / "report.html").exists() else None
            rows[night.run_id] = NightRow(
                str(told["verdict"]), str(told["sentence"]).removeprefix(f"{suite}:").strip(), href,
                dict(told["counts"]), int(told["planned"]), told["cut"],
            )  # fmt: skip
    write_pages(history, rows, folder)


def _told(night: _Night, outcome: Outcome, folder: Path) -> Outcome:
    """Tells whoever wants to know, and closes the night."""
    asked, webhook = night.work.asked, night.work.webhook
    place = folder / outcome.run_id
    night.step("summary", lambda: append_step_summary(as_markdown(outcome), os.environ))
    if asked.notify == "always" or outcome.is_problem:
        payload = outcome.brief()
        if asked.command is not None:
            command = asked.command
            night.step("alert", lambda: run_command(command, payload))
        if webhook is not None:
            night.step("alert", lambda: post(webhook, payload))
    final = replace(outcome, problems=tuple(night.problems), done=True)
    night.step("summary", lambda: _exports(final, place))
    night.step("latest", lambda: _copy_latest(place, folder / LATEST))
    return replace(final, problems=tuple(night.problems))


def _copy_latest(place: Path, latest: Path) -> None:
    """Copies the night to a path that is the same every night, for a CI service to keep; of a link it keeps a link."""
    partial = latest.with_name(f"{LATEST}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(place, partial)
    shutil.rmtree(latest, ignore_errors=True)
    partial.rename(latest)
