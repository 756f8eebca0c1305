"""The steps of a night, in order; a step that fails is recorded, and the others run anyway."""

from __future__ import annotations

import os
import re
import shutil
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bench.digest import content_hash
from bench.errors import BenchError, BusyError
from bench.gate.gate import gate
from bench.history.remember import remember
from bench.history.retain import retain
from bench.history.series import read_history
from bench.nightly.deadline import Deadline, DeadlineExecutor
from bench.nightly.junit import junit_xml
from bench.nightly.markdown import as_markdown
from bench.nightly.notify import append_step_summary, post, run_command
from bench.nightly.outcome import FILE, CellResult, Outcome, parsed_outcome, read_outcome, write_outcome
from bench.planning import Plan
from bench.record import Record, Status
from bench.report import view_of, write_html
from bench.report.nights import NightRow, write_pages
from bench.running.conversions import converted
from bench.running.executors.base import Executor
from bench.running.progress import Progress
from bench.running.runner import BAD, run
from bench.store import Document, RunInfo, Store, StoredRun
from bench.store.files import write_file, write_folder
from bench.store.mirror import Mirror
from bench.suite import NightlySpec

SAME_NIGHT = timedelta(hours=18)
"""A run that began longer ago belongs to another night and is not resumed: less than a day, more than the longest night
between two evenings."""
LATEST = "latest"
"""Folder that holds a copy of the newest night."""
RANK: tuple[Status, ...] = (*BAD, "skipped", "unsupported", "settled", "ok")
_NOT_IN_A_PATH = re.compile(r"[^A-Za-z0-9._-]+")

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Work:
    """The work of one night, as the suite and the command line ask for it."""

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
    """One attempt at a night."""

    work: Work
    store: Store
    executor: Executor
    progress: Progress
    say: Say
    problems: list[str] = field(default_factory=list)

    def step(self, name: str, do: Callable[[], T]) -> T | None:
        """Run one step and return its result; a failure becomes a problem and None, because the alert must go out."""
        try:
            return do()
        except BenchError as error:
            self.problems.append(f"{name}: {error}")
        except Exception as error:  # noqa: BLE001 - recorded, and told: a bug in a page must not silence the alarm
            self.problems.append(f"{name}: {type(error).__name__}: {error} (a bug of bench, please report it)")
            self.say(traceback.format_exc())
        return None


def folder_of(results: Path, suite: str) -> Path:
    """Name the folder with the pages of a suite's nights; two names never share one."""
    plain = _NOT_IN_A_PATH.sub("-", suite).strip("-.")
    return results / "nightly" / (plain if plain == suite else f"{plain or 'suite'}-{content_hash(suite)[:6]}")


def run_night(work: Work, store: Store, executor: Executor, progress: Progress, now: datetime, say: Say) -> Outcome:
    """Run a whole night, or the rest of one that was interrupted, and return its outcome.

    Args:
        work: what is asked.
        store: where the runs are.
        executor: runs cells, and the gate's reruns.
        progress: shows the run.
        now: the time, with its zone.
        say: receives lines about the progress.

    Raises:
        KeyboardInterrupt: the user stopped it; the same command resumes it.
        BusyError: another process judges this night now.
        StoreError: the run could not be begun.
    """
    bounded = executor if work.deadline is None else DeadlineExecutor(executor, work.deadline)
    night = _Night(work, store, bounded, progress, say, list(work.troubles))
    since = (now - SAME_NIGHT).isoformat()
    _close_abandoned(store, work.info.suite, since)
    folder = folder_of(store.results, work.info.suite)
    mirror = Mirror(store.results, folder)
    run_id = _only_judging_left(night, since, folder, mirror) or _measure(night, since, folder, mirror)
    night.step("summaries", lambda: remember(store, run_id))
    outcome = _judged(night, run_id)
    outcome = _written(night, outcome, folder, mirror)
    there = night.step("nights elsewhere", mirror.names) or set()
    night.step("nights elsewhere", lambda: _fetch_others(store, outcome, folder, mirror, there))
    night.step("pages", lambda: _pages(store, outcome.suite, folder, there))
    night.step("upload", mirror.upload)  # now, since the alert leads there, and tells what fails
    if (refused := store.files.told()) is not None:
        night.problems.append(f"storage: {refused}")
    if work.asked.keep_nights is not None:
        night.step("retention", lambda: retain(store, int(work.asked.keep_nights or 1)))
    outcome = _told(night, replace(outcome, problems=tuple(night.problems)), folder)
    night.step("upload", mirror.upload)  # of what telling has changed
    return replace(outcome, problems=tuple(dict.fromkeys(night.problems)))


def _measure(night: _Night, since: str, folder: Path, mirror: Mirror) -> str:
    """Run what the night has not measured yet, and return the run, which this process holds then.

    The note that it is not over is there before the run is: whoever takes it up meanwhile judges it, and nobody
    measures it again.
    """
    work, store = night.work, night.store
    # A timing is never taken from another night; a run of this night that was interrupted is resumed.
    cells, skip = converted(work.plan.written(store.results), work.skip, store.results, night.say)
    finished = run(
        cells,
        night.executor,
        store,
        work.info,
        processes=work.plan.processes,
        seed=work.plan.suite.value.defaults.seed,
        rerun=True,
        progress=night.progress,
        skip=skip,
        canary=work.plan.measures,
        since=None if work.rerun else since,
        before_end=lambda run_id: night.step("note", lambda: _mark_begun(night, run_id, folder, mirror)),
    )
    if finished.interrupted:
        raise KeyboardInterrupt
    if night.step("lock", lambda: store.hold(finished.run_id)) is False:
        raise _taken(finished.run_id)
    return finished.run_id


def _taken(run_id: str) -> BusyError:
    return BusyError(
        f"another process has taken up {run_id}, the run of this night, and sees to the rest; nothing is left to do "
        "here (--rerun measures the night again)"
    )


def _close_abandoned(store: Store, suite: str, since: str) -> None:
    """Close runs of earlier nights whose process was killed, so that history shows what they have."""
    for info in store.runs(suite):
        if info.status == "running" and info.started_at < since and store.hold(info.id):
            store.finish_run(info.id, "interrupted")


def _only_judging_left(night: _Night, since: str, folder: Path, mirror: Mirror) -> str | None:
    """Find this night's run where everything is measured but nobody was told, because bench was killed in between, and
    hold it.

    The disk may have been lost, too: the note that the night is not over lies in the object store as well.

    Raises:
        BusyError: another process judges it now; it is not measured again meanwhile.
    """
    work, store = night.work, night.store
    if work.rerun:
        return None
    newest = next(iter(store.runs(work.info.suite)), None)
    if newest is None or newest.status == "running" or newest.started_at < since or not newest.rerun:
        return None
    expected_run = replace(work.info, plan=tuple((cell.id, cell.label) for cell in work.plan.cells))
    is_same = all(
        getattr(newest, name) == getattr(expected_run, name) for name in ("suite_hash", "plan_hash", "machine_key")
    )
    if not is_same:
        return None
    is_held = store.hold(newest.id)  # before the note is read, which its holder may change
    written = _outcome_of(night, newest.id, folder, mirror)
    is_over = written is None or written.get("done")
    if not is_over and not is_held:
        raise _taken(newest.id)
    if not is_over and newest.status == "complete":
        night.step("upload", lambda: mirror.drop_uploads(newest.id))
        return newest.id
    store.release(newest.id)
    return None


def _outcome_of(night: _Night, run_id: str, folder: Path, mirror: Mirror) -> Document | None:
    """Read how a night ended, here or in the object store; None where neither has it.

    A note of this machine that it is not over is out of date where another machine has judged it since.
    """
    here = read_outcome(folder / run_id)
    if here is not None and here.get("done"):
        return here
    there = night.step("nights elsewhere", lambda: _outcome_there(run_id, mirror))
    return here if there is None else there


def _outcome_there(run_id: str, mirror: Mirror) -> Document | None:
    name = f"{run_id}/{FILE}"
    return parsed_outcome(mirror.get(name)) if name in mirror.names() else None


def _judged(night: _Night, run_id: str) -> Outcome:
    work, store = night.work, night.store
    stored = store.load(run_id)
    info = stored.info
    verdict = night.step(
        "gate",
        lambda: gate(
            store, run_id, work.asked.baseline, executor=night.executor, say=night.say, strict=work.asked.strict
        ),
    )
    cut = work.deadline.why if info.status == "interrupted" and work.deadline is not None else None
    return Outcome(
        suite=info.suite,
        run_id=run_id,
        started_at=info.started_at,
        finished_at=info.finished_at or "",
        cells=_cells(stored),
        planned=len(info.plan),
        cut=cut,
        gate=verdict,
        problems=tuple(night.problems),
    )


def _mark_begun(night: _Night, run_id: str, folder: Path, mirror: Mirror) -> None:
    """Leave a note that this run's night is not over, in case it is killed from here on, or the disk lost."""
    info = night.store.find(run_id)
    note = Outcome(info.suite, info.id, info.started_at, "", (), len(info.plan), None, None)
    path = write_outcome(note, folder / run_id)
    night.step("upload", lambda: mirror.upload(path))


def _cells(stored: StoredRun) -> tuple[CellResult, ...]:
    by_label: dict[str, list[Record]] = {}
    for record in stored.records:
        by_label.setdefault(record.cell.label, []).append(record)
    cells = []
    for label, records in by_label.items():
        worst = min(records, key=lambda record: RANK.index(record.status))
        cell, wall = worst.cell, sum(record.wall_s or 0.0 for record in records)
        cells.append(CellResult(label, cell.model, cell.variant, cell.task, worst.status, worst.reason, wall))
    return tuple(cells)


def _written(night: _Night, outcome: Outcome, folder: Path, mirror: Mirror) -> Outcome:
    """Write the night's own files, and return the outcome with the places where they are read."""
    place = folder / outcome.run_id
    files = {
        "report": place / "report.html",
        "summary": place / "summary.md",
        "junit": place / "junit.xml",
        "index": folder / "index.html",
        "trends": folder / "trends.html",
    }
    night.step("report", lambda: write_html(view_of(night.store.load(outcome.run_id)), files["report"]))
    pages = {name: mirror.place_of(path) for name, path in files.items()}
    written = replace(outcome, pages=pages, problems=tuple(night.problems))
    night.step("summary", lambda: _exports(written, place))
    return written


def _exports(outcome: Outcome, place: Path) -> None:
    write_file(place / "summary.md", as_markdown(outcome))
    write_file(place / "junit.xml", junit_xml(outcome))
    write_outcome(outcome, place)


def _fetch_others(store: Store, own: Outcome, folder: Path, mirror: Mirror, there: Collection[str]) -> None:
    """Fetch how nights ended that other machines have run, or taken up after this one died, into the same object
    store."""
    for info in store.runs(own.suite):
        name, here = f"{info.id}/{FILE}", read_outcome(folder / info.id)
        if info.id == own.run_id or name not in there or (here is not None and here.get("done")):
            continue
        content = mirror.get(name)
        outcome = parsed_outcome(content)
        if outcome is not None and outcome.get("done"):  # else it changes yet
            shutil.rmtree(folder / info.id, ignore_errors=True)  # what was begun here is never to be uploaded over it
            mirror.keep(name, content)


def _pages(store: Store, suite: str, folder: Path, there: Collection[str]) -> None:
    """Write the pages over all nights; the report of one may lie here or `there`, in the object store."""
    history = read_history(store, suite)
    rows = {}
    for night in history.nights:
        outcome = read_outcome(folder / night.run_id)
        if outcome is not None:
            href = f"{night.run_id}/report.html"
            rows[night.run_id] = NightRow(
                str(outcome["verdict"]),
                str(outcome.get("findings", outcome["sentence"])),  # nights of older versions have the sentence alone
                href if href in there or (folder / href).exists() else None,
                dict(outcome["counts"]),
                int(outcome["planned"]),
                outcome["cut"],
            )
    write_pages(history, rows, folder)


def _told(night: _Night, outcome: Outcome, folder: Path) -> Outcome:
    """Send the alert where one is due, and close the night."""
    settings, webhook = night.work.asked, night.work.webhook
    place = folder / outcome.run_id
    night.step("summary", lambda: append_step_summary(as_markdown(outcome), os.environ))
    if settings.notify == "always" or outcome.is_problem:
        payload = outcome.brief()
        if settings.command is not None:
            command = settings.command
            night.step("alert", lambda: run_command(command, payload))
        if webhook is not None:
            night.step("alert", lambda: post(webhook, payload))
    final = replace(outcome, problems=tuple(night.problems), done=True)
    night.step("summary", lambda: _exports(final, place))
    if _is_latest(night.store, outcome):
        night.step("latest", lambda: _copy_latest(place, folder / LATEST))
    return replace(final, problems=tuple(night.problems))


def _is_latest(store: Store, outcome: Outcome) -> bool:
    """Tell whether a night takes the place of the one before: one of a part of the suite only where none was whole."""
    nights = [info for info in store.runs(outcome.suite) if info.status != "running"]
    return all(info.is_partial for info in nights) or not store.find(outcome.run_id).is_partial


def _copy_latest(place: Path, latest: Path) -> None:
    """Copy the night to a path that is the same every night, for a CI service to keep; a link there stays a link."""
    write_folder(latest, lambda fresh: shutil.copytree(place, fresh, dirs_exist_ok=True))
