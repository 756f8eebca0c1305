"""`bench nightly`: a whole night of a suite, and one line for the morning."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import blobs_option, json_option, on_option, plan_options, results_option, store_option
from bench.cli.output import print_json, remark, say

if TYPE_CHECKING:
    from bench.nightly.outcome import Outcome
    from bench.store import Store


@click.command()
@click.argument("suite")
@plan_options
@click.option("--baseline", metavar="WHICH", help="previous (the default), best, tag:NAME, or a run.")
@click.option("--deadline", metavar="WHEN", help="Stop at this time of day (06:00), or after so long (3 h).")
@click.option("--keep-nights", type=click.IntRange(min=1), help="Keep raw timings and answers of N nights.")
@click.option("--notify", type=click.Choice(["always", "problems"]), help="When to tell somebody.")
@click.option("--command", metavar="COMMAND", help="Shell command that reads the outcome as JSON.")
@click.option(
    "--webhook",
    metavar="URL",
    envvar="BENCH_WEBHOOK",
    show_envvar=True,
    help="Address that the same JSON is posted to.",
)
@click.option("--strict", is_flag=True, default=None, help="Also fail the night when a suspicion was not refuted.")
@click.option("--rerun", is_flag=True, help="Start over, even after an interruption.")
@on_option
@store_option
@blobs_option
@results_option
@json_option
def nightly(
    suite: str,
    limit: int | None,
    only: tuple[str, ...],
    profile: str | None,
    webhook: str | None,
    rerun: bool,
    executor: str | None,
    store_url: str | None,
    blobs: str | None,
    results: Path,
    as_json: bool,
    **overrides: str | int | bool | None,
) -> None:
    """Run SUITE as a night: measure, judge, write the pages, clear up, tell somebody.

    Options not given are those of the suite's `nightly:`. After an interruption the same command resumes where it
    stopped. Exit codes: 0 all is well · 6 something regressed (with --strict: or is suspected) · 5 a cell failed ·
    7 another night is running, or another machine judges this one · 8 the deadline came first · 1 something else went
    wrong.
    """
    from bench.cli.run import command_line
    from bench.nightly.deadline import deadline_at
    from bench.nightly.lock import night_lock
    from bench.nightly.night import Work, run_night
    from bench.nightly.notify import check_webhook
    from bench.planning import Options, make_plan, open_suite
    from bench.running.executors import executor_of
    from bench.running.launch import run_info, with_checkpoints
    from bench.running.progress import progress_for
    from bench.running.signals import terminable
    from bench.store import open_or_beside

    now = datetime.now().astimezone()
    located = open_suite(suite)
    opened = executor_of(located, executor).open(measuring=located.value.measures(profile), tell=remark)
    settings = located.value.nightly
    overriding = {name: value for name, value in overrides.items() if value is not None}
    # Check now what would otherwise fail in the middle of the night.
    if webhook is not None:
        check_webhook(webhook)
    end = overriding.get("deadline", settings.deadline)
    deadline = None if end is None else deadline_at(str(end), now)
    settings = type(settings).model_validate(settings.model_dump() | overriding)
    with (
        terminable(),
        night_lock(results, located.value.name, now),
        closing(opened),
        opened.holding(located.value.secrets),
    ):
        plan = make_plan(located, results, Options(limit, only, profile))
        machine = opened.fingerprint()
        plan, skip = with_checkpoints(plan, results, remark)
        work = Work(
            plan,
            run_info(plan, command_line(sys.argv[1:]), machine),
            settings,
            deadline,
            webhook,
            skip,
            rerun,
        )
        store, trouble = open_or_beside(results, store_url, blobs)
        if trouble is not None:
            work = replace(work, troubles=(f"storage: {trouble}",))
        with store:
            if trouble is None:
                _warn_of_no_baseline(store, located.value.name, settings.baseline)
            outcome = run_night(work, store, opened, progress_for(sys.stderr), now, remark)
    _print(outcome, as_json)
    click.get_current_context().exit(outcome.exit_code)


def _warn_of_no_baseline(store: Store, suite: str, baseline: str) -> None:
    """Say before anything is measured that the run to compare with is not there: it can still be tagged meanwhile."""
    from bench.errors import UsageError
    from bench.gate.baseline import RELATIVE, find_named

    if baseline in RELATIVE:
        return
    try:
        find_named(store, suite, baseline)
    except UsageError as error:
        remark(f"baseline: {error}; until then the gate of this night cannot be run")


def _print(outcome: Outcome, as_json: bool) -> None:
    """Print what moved, where to read on, and the sentence last."""
    from bench.cli.gate import print_gate

    if as_json:
        print_json(outcome.to_json())
        return
    if outcome.gate is not None:
        print_gate(outcome.gate, with_sentence=False)
    for cell in outcome.failed:
        say(f"{cell.status}: {cell.label}: {cell.reason}")
    for problem in outcome.problems:
        say(f"trouble: {problem}")
    for name in ("report", "index"):
        say(f"{name}: {outcome.pages[name]}")
    say(outcome.sentence)
