"""`bench run`: plan, train what is missing, run the cells, write the report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from contextlib import closing, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import (
    blobs_option,
    json_option,
    on_option,
    plan_options,
    race_options,
    results_option,
    store_option,
)
from bench.cli.output import print_json, remark, say

if TYPE_CHECKING:
    from bench.report import RunView
    from bench.running.executors.base import Executor
    from bench.running.server import Early
    from bench.store import Store
    from bench.suite import Suite
    from bench.suite.yaml_file import Located

SECRET_OPTION = "--webhook"
"""Whoever has a webhook's address can post to it."""
STORE_OPTION = "--store"
HIDDEN = "…"
LATER = ("pandas", "bench.cli.results", "bench.report.view", "bench.store.parquet", "bench.words.decision")
"""What is needed once the cells are done."""


@click.command()
@click.argument("suite")
@plan_options
@race_options
@results_option
@click.option("--rerun", is_flag=True, help="Run finished cells again.")
@on_option
@click.option("--report", "report_path", type=click.Path(dir_okay=False, path_type=Path), help="Where the report goes.")
@click.option("--no-report", is_flag=True, help="Write no report.")
@store_option
@blobs_option
@json_option
def run(
    suite: str,
    limit: int | None,
    only: tuple[str, ...],
    profile: str | None,
    until: str | None,
    budget: str | None,
    risk: float | None,
    margin: float | None,
    guarantee: str | None,
    results: Path,
    rerun: bool,
    executor: str | None,
    report_path: Path | None,
    no_report: bool,
    store_url: str | None,
    blobs: str | None,
    as_json: bool,
) -> None:
    """Run SUITE (a file, or the name of an embedded suite), and write its report.

    Finished cells are kept: after an interruption the same command goes on where it stopped.
    """
    from bench.running.server import MEASURING, begun_early

    # Torch is imported there while this process goes on.
    with begun_early(MEASURING) if executor is None and _holds_no_secret(suite) else nullcontext() as early:
        from bench.planning import Options, make_plan, open_suite

        located = open_suite(suite)
        opened = _opened(located, executor, profile, early)
        click.get_current_context().with_resource(closing(opened))
        click.get_current_context().with_resource(opened.holding(located.value.secrets))
        if _needs_torch(located.value, profile):
            opened.prepare()
        asked = {"until": until, "budget": budget, "risk": risk, "margin": margin, "guarantee": guarantee}
        race = {key: value for key, value in asked.items() if value is not None}
        plan = make_plan(located, results, Options(limit, only, profile, race))

    from bench.candidates import without_torch
    from bench.doubts import DOUBTS
    from bench.errors import EXIT_CELL_FAILED
    from bench.meters.cascade import SOURCES
    from bench.metrics.catalogue import METRICS
    from bench.racing.rounds import racing
    from bench.running.launch import launch
    from bench.running.progress import progress_for
    from bench.store import Store

    # The server still imports torch and nothing is measured yet: later these would be waited for.
    for module in (*LATER, *(() if no_report else ("bench.report.page",))):
        import_module(module)
    for declared in (METRICS, DOUBTS, SOURCES):
        declared.prepare()
    if any(without_torch(cell.job) for cell in plan.cells if cell.unsupported is None):
        opened.prepare(light=True)  # only now: with three that import, the one with torch would wait for a core
    with Store.open(results, store_url, blobs=blobs) as store:
        finished = launch(
            plan,
            opened,
            store,
            command=command_line(sys.argv[1:]),
            rerun=rerun,
            progress=progress_for(sys.stderr),
            echo=remark,
            rounds_of=racing,
        )
        view = _remembered(store, finished.run_id)
        if (refused := store.files.told()) is not None:
            remark(refused)
    _print(view, as_json)
    if not no_report:
        _write(view, report_path or results / "reports" / f"{finished.run_id}.html", results, as_json)
    skipped = EXIT_CELL_FAILED if finished.counts.get("skipped") else 0
    click.get_current_context().exit(finished.exit_code or skipped)


def _holds_no_secret(suite: str) -> bool:
    """Tell whether a suite speaks of no environment variable, before it is read: a server that is started then has the
    whole environment, and whatever holds the key of an endpoint is kept from all but that."""
    from bench.host.package import embedded_suites

    path = Path(suite)
    try:
        return "_env" not in (path if path.is_file() else embedded_suites()[suite]).read_text(encoding="utf-8")
    except (KeyError, OSError, ValueError):  # no suite
        return False


def _opened(located: Located[Suite], executor: str | None, profile: str | None, early: Early | None) -> Executor:
    """Make the executor of a suite; end a server that was started before, where it is of no use or knows too much."""
    from bench.running.executors import executor_of
    from bench.running.executors.local import LocalExecutor

    suite, chosen = located.value, executor_of(located, executor)
    of_use = chosen.kind is LocalExecutor and _needs_torch(suite, profile)
    if early is not None and (suite.secrets or not of_use):
        early.end()  # its environment may hold the key of an endpoint
    return chosen.open(measuring=suite.measures(profile), tell=remark)


def _needs_torch(suite: Suite, profile: str | None) -> bool:
    """Tell whether anything imports torch: measuring in any case, else some models, and what trains."""
    from bench.candidates import uses_torch

    return suite.measures(profile) or any(uses_torch(model) or model.fit is not None for model in suite.models)


def command_line(words: Sequence[str]) -> str:
    """Write the words of a command line as they may be stored: without a webhook, without the password of a
    database."""
    from bench.store.addresses import redact, shown_address

    arguments = []
    for before, argument in zip(["", *words], words, strict=False):
        option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
        if SECRET_OPTION in (before, option):
            value = HIDDEN if equals or before == SECRET_OPTION else value
        else:
            value = shown_address(value) if STORE_OPTION in (before, option) else redact(value)
        arguments.append(option + equals + value)
    return shlex.join(["bench", *arguments])


def _remembered(store: Store, run_id: str) -> RunView:
    """Read a run back, decide on it, and store its summaries for the history."""
    from bench.decision import Question, decide
    from bench.history.remember import remember_entries
    from bench.report.view import suite_of, view_of
    from bench.summary import summarise_run

    stored = store.load(run_id)
    entries, suite = summarise_run(stored), suite_of(stored.info)
    remember_entries(store, stored, entries)
    return view_of(stored, suite, decide(entries, Question.of(suite)))


def _print(view: RunView, as_json: bool) -> None:
    from bench.cli.results import print_view, run_json

    if as_json:
        print_json(run_json(view))
    else:
        print_view(view)


def _write(view: RunView, path: Path, results: Path, as_json: bool) -> None:
    from bench.report.page import write_html
    from bench.store.elsewhere import publish

    path.parent.mkdir(parents=True, exist_ok=True)
    write_html(view, path)
    tell = remark if as_json else say  # stdout is for the JSON alone
    tell(f"report: {publish(results, path) or path.resolve()}")
