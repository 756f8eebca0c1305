"""`bench gate` and `bench tag`: whether a run is worse than its baseline, and names for baselines."""

from __future__ import annotations

import re
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import json_option, on_option, results_option, store_option
from bench.cli.output import print_json, print_table, remark, say

if TYPE_CHECKING:
    from bench.gate.verdict import GateResult
    from bench.running.executors.base import Executor
    from bench.store import Store

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a tag may be called."""


@click.command()
@click.argument("run", default="latest")
@click.option(
    "--baseline", default="previous", show_default=True, metavar="WHICH", help="previous, best, tag:NAME, or a run."
)
@click.option("--no-rerun", is_flag=True, help="Run nothing again; then no efficiency reading can fail.")
@click.option("--strict", is_flag=True, help="Also fail when a suspicion is neither confirmed nor refuted.")
@click.option("--rounds", type=click.IntRange(min=3), help="Pairs of fresh processes at each look of the rerun.")
@on_option
@store_option
@results_option
@json_option
def gate(
    run: str,
    baseline: str,
    no_rerun: bool,
    strict: bool,
    rounds: int | None,
    executor: str | None,
    store_url: str | None,
    results: Path,
    as_json: bool,
) -> None:
    """Say whether RUN is worse than its baseline.

    Readings that look different are measured again, candidate and baseline in turn in fresh processes, and only
    what that confirms fails. Exit code 6 when something regressed (with --strict: or is suspected), else 0.
    """
    from bench.gate.gate import gate as judge
    from bench.gate.settle import ROUNDS
    from bench.store import Store

    with (
        Store.open(results, store_url, create=False) as store,
        nullcontext() if no_rerun else closing(_opened(store, run, executor)) as opened,
    ):
        result = judge(
            store,
            run,
            baseline,
            executor=opened,
            rounds=ROUNDS if rounds is None else (rounds,),
            say=remark,
            strict=strict,
        )
    if as_json:
        print_json(result.to_json())
    else:
        print_gate(result)
    click.get_current_context().exit(result.exit_code)


def _opened(store: Store, run: str, executor: str | None) -> Executor:
    """Open what runs the rerun, on the machines that the run's suite counts on."""
    from bench.running.executors import chosen_executor
    from bench.suite.machines import MachinesSpec

    settings = store.choose(run).info.settings.get("machines")
    machines = None if settings is None else MachinesSpec.model_validate(settings)
    return chosen_executor(executor or "local", machines).open(tell=remark)


def print_gate(result: GateResult, *, with_sentence: bool = True) -> None:
    """Print every line, the worst first, and the sentence last unless the caller ends with one of its own."""
    from bench.words.gate import label

    rows = [[line.verdict, label(line), line.text] for line in result.lines]
    if rows:
        print_table(["verdict", "reading", "evidence"], rows)
    for text in (*(front.text for front in result.fronts), *(alarm.text for alarm in result.alarms), *result.remarks):
        say(text)
    if with_sentence:
        say(result.sentence)


@click.command()
@click.argument("run")
@click.argument("name")
@store_option
@results_option
def tag(run: str, name: str, store_url: str | None, results: Path) -> None:
    """Give RUN the name NAME among the runs of its suite, in place of the run that had it."""
    from bench.cli.results import named
    from bench.errors import UsageError
    from bench.store import Store

    if not NAME.fullmatch(name):
        raise UsageError(f"'{name}' is not a valid tag; use letters, digits, '.', '_' and '-', at most 100")
    with Store.open(results, store_url, create=False) as store:
        info = store.find(named(store, run))
        before = store.tag(info.id, name)
    moved = f" (before: {before})" if before not in (None, info.id) else ""
    say(f"{info.id} of '{info.suite}' is now '{name}'{moved}; use it with --baseline tag:{name}")
