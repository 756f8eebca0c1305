"""`bench recommend`, `bench compare`, `bench doctor`: what follows from the numbers, and how far to trust them here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bench.cli.options import json_option, print_json, print_table, results_option, store_option

RULES = ("best-quality-within-budget", "cheapest-within-epsilon", "lexicographic", "weighted")


@click.command()
@click.argument("run", default="latest")
@click.option("--where", multiple=True, metavar="LIMIT", help="A limit, such as 'latency_p95_s <= 50 ms'; repeatable.")
@click.option("--prefer", metavar="NAME", help="The objective to optimise.")
@click.option("--rule", type=click.Choice(RULES), help="How to pick.")
@results_option
@store_option
@json_option
def recommend(run: str, where: Sequence[str], prefer: str | None, rule: str | None, results: Path,
              store_url: str | None, as_json: bool) -> None:  # fmt: skip
    """Say which model of RUN to ship, with the suite's limits and those of --where."""
    import bench

    decision = bench.recommend(run, where=where, prefer=prefer, rule=rule, results=results, store=store_url)
    if as_json:
        print_json(decision.to_json())
        return
    parts = {} if decision.across is None else {"all tasks together": decision.across}
    for name, part in (parts | decision.tasks).items():
        click.echo(name)
        for sentence in part.sentences():
            click.echo(f"  {sentence}")
    for sentence in [left.sentence for left in decision.without_task] + list(decision.assumptions):
        click.echo(sentence)


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--run", default="latest", show_default=True, help="Run that has both models.")
@results_option
@store_option
@json_option
def compare(a: str, b: str, run: str, results: Path, store_url: str | None, as_json: bool) -> None:
    """Compare A with B on the same examples: two models of one run, or of two runs, each written RUN:MODEL."""
    from bench.decide.compare import compare as compare_entries

    found = compare_entries(_side(a, run, results, store_url), _side(b, run, results, store_url), a, b)
    if as_json:
        print_json(found.to_json())
        return
    for sentence in found.sentences():
        click.echo(sentence)


def _side(text: str, run: str, results: Path, store_url: str | None) -> list[Any]:
    """Returns the entries of one side of a comparison."""
    from bench.errors import UsageError, nearest
    from bench.store import Store
    from bench.summary import summarise_run

    chosen, _, model = text.rpartition(":")
    with Store.open(results, store_url, create=False) as store:
        stored = store.load(chosen or run)
    entries = summarise_run(stored)
    found = [entry for entry in entries if entry.candidate == model]
    if not found:
        names = {entry.candidate for entry in entries}
        raise UsageError(f"run {stored.info.id} has no model '{model}'; {nearest(model, names)}")
    return found


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what this machine is, which meters work here and why others do not, and what would make it quieter."""
    from bench.meters.doctor import doctor as examine

    found = examine()
    if as_json:
        print_json(found.as_dict())
        return
    click.echo("This machine")
    _print_tree(found.fingerprint, 1)
    click.echo("\nMeters")
    print_table(["meter", "works", "because"], [[m.name, "yes" if m.works else "no", m.reason] for m in found.meters])
    click.echo("\nFor quieter measurements (bench changes nothing by itself)")
    for advice in found.advice:
        click.echo(f"  {advice.finding}")
        if advice.command is not None:
            click.echo(f"    {advice.command}")
    if not found.advice:
        click.echo("  nothing to add")


def _print_tree(values: dict[str, Any], depth: int) -> None:
    for key, value in values.items():
        if key == "reasons":
            continue
        if isinstance(value, dict):
            click.echo("  " * depth + key)
            _print_tree(value, depth + 1)
        else:
            missing = (values.get("reasons") or {}).get(key, "unknown")
            click.echo("  " * depth + f"{key}: {f'({missing})' if value is None else value}")
