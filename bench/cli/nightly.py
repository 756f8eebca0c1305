"""`bench nightly`: a whole night of a suite, and one line for the morning."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import echo, json_option, print_json, results_option, store_option
from bench.cli.suite import plan_options

if TYPE_CHECKING:
    from bench.nightly.night import Work
    from bench.nightly.outcome import Outcome
    from bench.running.executors.base import Executor


@click.command()
@click.argument("suite")
@plan_options
@click.option("--baseline", metavar="WHICH", help="previous (the default), best, tag:NAME, or a run.")
@click.option("--deadline", metavar="WHEN", help="Stop at this time of day (06:00), or after so long (3 h).")
@click.option("--keep-nights", type=click.IntRange(min=1), help="Keep raw timings and answers of N nights.")
@click.option("--notify", type=click.Choice(["always", "problems"]), help="When to tell somebody.")
@click.option("--command", metavar="COMMAND", help="Shell command that reads the outcome as JSON.")
@click.option("--webhook", metavar="URL", envvar="BENCH_WEBHOOK", show_envvar=True, help="Is posted the same JSON.")
@click.option("--strict", is_flag=True, default=None, help="A suspicion that nothing refuted fails the night, too.")
@click.option("--rerun", is_flag=True, help="Begin anew, also after an interruption.")
@store_option
@results_option
@json_option
def nightly(suite: str, results: Path, store_url: str | None, as_json: bool, webhook: str | None, rerun: bool,
            limit: int | None, only: str | None, profile: str | None, **asked: Any) -> None:  # fmt: skip
    """Run SUITE as a night: measure, judge, write the pages, clear up, tell somebody.

    Options not given are those of the suite's `nightly:`. After an interruption the same command goes on where it
    stopped. Exit codes: 0 nothing to do · 6 something regressed (with --strict: or is suspected) · 5 a cell failed ·
    7 another night is running · 8 the deadline came first · 1 something else went wrong.
    """
    from bench.nightly.lock import night_lock
    from bench.planning import Options, open_suite
    from bench.running.executors import executor_of
    from bench.running.signals import terminable

    now = _now()
    located = open_suite(suite)
    executor = executor_of(located).open()
    spec = located.value.nightly
    wanted = type(spec).model_validate({**spec.model_dump(), **{k: v for k, v in asked.items() if v is not None}})
    deadline = _checked(wanted.deadline, webhook, now)
    with terminable(), night_lock(results, located.value.name, now):
        work = _work(located, results, Options(limit, only, profile), rerun, wanted, deadline, webhook)
        outcome = _run(work, executor, results, store_url, now)
    _say(outcome, as_json)
    click.get_current_context().exit(outcome.exit_code)


def _now() -> Any:
    from datetime import datetime

    return datetime.now().astimezone()


def _checked(deadline: str | None, webhook: str | None, now: Any) -> Any:
    """Returns the deadline, after a look at everything that would else fail in the middle of the night."""
    from bench.nightly.deadline import parse_deadline
    from bench.nightly.notify import check_webhook

    if webhook is not None:
        check_webhook(webhook)
    return None if deadline is None else parse_deadline(deadline, now)


def _work(located: Any, results: Path, options: Any, rerun: bool, wanted: Any, deadline: Any,
          webhook: str | None) -> Work:  # fmt: skip
    from bench.cli.run import fit_missing, run_info
    from bench.nightly.night import Work
    from bench.planning import make_plan

    plan = make_plan(located, results, options)
    failed = fit_missing(plan, results) if plan.fits else {}
    if plan.fits:
        plan = make_plan(located, results, options)
    skip = {cell.id: failed[cell.model] for cell in plan.cells if cell.model in failed}
    return Work(plan, run_info(plan), wanted, deadline, webhook, skip, rerun)


def _run(work: Work, executor: Executor, results: Path, store_url: str | None, now: Any) -> Outcome:
    from dataclasses import replace

    from bench.nightly.night import run_night
    from bench.running.progress import progress_for
    from bench.store import open_or_beside

    store, trouble = open_or_beside(results, store_url)
    if trouble is not None:
        work = replace(work, troubles=(f"storage: {trouble}",))
    with store:
        return run_night(work, store, executor, progress_for(sys.stderr), now,
                         lambda line: echo(line, err=True))  # fmt: skip


def _say(outcome: Outcome, as_json: bool) -> None:
    """Prints what moved, where to read on, and last the sentence."""
    from bench.cli.gate import print_gate

    if as_json:
        print_json(outcome.to_json())
        return
    if outcome.gate is not None:
        print_gate(outcome.gate, closing=False)
    for cell in outcome.failed:
        echo(f"{cell.status}: {cell.label}: {cell.reason}")
    for problem in outcome.problems:
        echo(f"trouble: {problem}")
    for name in ("report", "index"):
        echo(f"{name}: {outcome.pages[name]}")
    echo(outcome.sentence)
