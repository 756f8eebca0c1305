"""`bench recommend`, `bench compare`, `bench doctor`: what follows from the numbers, and how far to trust them here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import json_option, results_option, store_option
from bench.cli.output import print_json, print_table, say
from bench.cli.results import named

if TYPE_CHECKING:
    from bench.compare.remarks import Apart
    from bench.store import RunInfo
    from bench.summary import Entry


@click.command()
@click.argument("run", default="latest")
@click.option("--where", multiple=True, metavar="LIMIT", help="A limit, such as 'latency_p95_s <= 50 ms'; repeatable.")
@click.option("--prefer", metavar="NAME", help="The objective to optimise.")
@click.option("--rule", metavar="RULE", help="How to pick; `bench ls rules` lists the rules.")
@click.option("--long", "in_full", is_flag=True, help="Every sentence: who is excluded, labels, sensitivity.")
@results_option
@store_option
@json_option
def recommend(
    run: str,
    where: Sequence[str],
    prefer: str | None,
    rule: str | None,
    in_full: bool,
    results: Path,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Say which model of RUN to ship, with the suite's limits and those of --where.

    Four lines a task: what to ship, what that risks, what to know of it, and what would change it; --long says
    everything. For all tasks together it names one model, and the cheapest set of models that covers them.
    """
    import bench
    from bench.store import Store
    from bench.words import decision as words
    from bench.words.documents import decision_document

    with Store.open(results, store_url, create=False) as opened:
        info = opened.find(named(opened, run))
    decision = bench.decide(info.id, where=where, prefer=prefer, rule=rule, results=results, store=store_url)
    if as_json:
        print_json(decision_document(decision) | {"partial": info.restricted_by or None, "status": info.status})
        return
    if info.is_partial:
        say(f"partial: {info.restricted_by}")
    if info.cut_short:
        say(info.cut_short)
    for sentence in words.replaced(decision):
        say(sentence)
    for name, sentences in words.answers(decision, in_full=in_full).items():
        say(name)
        for sentence in sentences:
            say(f"  {sentence}")
    for sentence in [*words.without_tasks(decision), *words.assumptions(decision)] if in_full else ():
        say(sentence)


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--run", default="latest", show_default=True, help="Run that has the models.")
@results_option
@store_option
@json_option
def compare(a: str, b: str, run: str, results: Path, store_url: str | None, as_json: bool) -> None:
    """Compare A with B on the same examples.

    Each is a model of the run, a model of another run written RUN:MODEL, or a whole run, compared model by model.
    """
    from bench.compare.pairs import compare as compare_entries
    from bench.words.compare import sentences
    from bench.words.documents import comparison_document

    sides = [_side(text, run, results, store_url) for text in (a, b)]
    first, second = (entries for entries, _ in sides)
    comparison = compare_entries(first, second, a, b, remarks=_apart(*(info for _, info in sides)))
    if as_json:
        print_json(comparison_document(comparison))
        return
    for sentence in sentences(comparison):
        say(sentence)


def _side(text: str, run: str, results: Path, store_url: str | None) -> tuple[Sequence[Entry], RunInfo]:
    """Read the entries of one side of a comparison, and the description of their run."""
    from bench.errors import UsageError, nearest
    from bench.store import Store
    from bench.summary import summarise_run

    chosen, _, model = text.rpartition(":")
    with Store.open(results, store_url, create=False) as store:
        stored = store.load(named(store, chosen or run))
        names = {record.cell.model for record in stored.records}
        if not chosen and not any(model == name or model.startswith(f"{name}[") for name in names):
            try:
                whole = store.load(model)
            except UsageError as error:
                hint = nearest(model, names)
                raise UsageError(f"'{model}' is no run and no model of run {stored.info.id}; {hint}") from error
            return summarise_run(whole), whole.info
    entries = summarise_run(stored)
    chosen_entries = [entry for entry in entries if entry.candidate == model]
    if not chosen_entries:
        names = {entry.candidate for entry in entries}
        raise UsageError(f"run {stored.info.id} has no model '{model}'; {nearest(model, names)}")
    return chosen_entries, stored.info


def _apart(a: RunInfo, b: RunInfo) -> list[Apart]:
    """Tell how the machines of two runs differ; nothing for one run."""
    from bench.compare.remarks import Apart

    if a.id == b.id:
        return []
    return [Apart.OTHER_MACHINE if a.machine_key != b.machine_key else Apart.OTHER_TIME]


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what this machine is, which meters work here and why others do not, and what would make it quieter."""
    from bench.meters.doctor import doctor as examine

    machine = examine()
    if as_json:
        print_json(machine.as_dict())
        return
    say("This machine")
    _print_tree(machine.fingerprint, 1)
    say("\nMeters")
    rows = [[meter.name, meter.reads, "yes" if meter.works else "no", meter.reason] for meter in machine.meters]
    print_table(["meter", "reads", "works", "because"], rows)
    say("\nFor quieter measurements (bench changes nothing by itself)")
    for advice in machine.advice:
        say(f"  {advice.finding}")
        if advice.command is not None:
            say(f"    {advice.command}")
    if not machine.advice:
        say("  nothing to add")


def _print_tree(values: Mapping[str, object], depth: int) -> None:
    reasons = values.get("reasons")
    for key, value in values.items():
        if key == "reasons":
            continue
        if isinstance(value, dict):
            say("  " * depth + key)
            _print_tree(value, depth + 1)
        else:
            missing = reasons.get(key, "unknown") if isinstance(reasons, dict) else "unknown"
            say("  " * depth + f"{key}: {f'({missing})' if value is None else value}")
