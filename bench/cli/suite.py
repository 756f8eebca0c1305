"""`bench validate`, `bench plan`, `bench schema`: what a suite means, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import echo, json_option, print_json, print_table, results_option

if TYPE_CHECKING:
    from bench.planning import Plan


def plan_options(command: click.decorators.FC) -> click.decorators.FC:
    """Adds the options that change a plan."""
    command = click.option("--limit", type=click.IntRange(min=1), help="At most N examples of each task.")(command)
    command = click.option(
        "--only", metavar="PATTERN", help="Only matching models, tasks or model/task; * and ? match."
    )(command)
    return click.option(
        "--profile", type=click.Choice(["quick", "standard", "rigorous", "off"]),
        help="Measure with this profile; off: score quality alone, measure nothing.",
    )(command)  # fmt: skip


@click.command()
@click.argument("suite")
@json_option
def validate(suite: str, as_json: bool) -> None:
    """Check SUITE, its data and its checkpoints; run nothing, write nothing."""
    from bench.planning import make_plan, open_suite
    from bench.running.executors import executor_of
    from bench.units import plural

    located = open_suite(suite)
    executor_of(located)
    plan = make_plan(located, Path("results"))
    able = [cell for cell in plan.cells if cell.unsupported is None]
    names = {cell.model for cell in plan.cells}
    tasks = {cell.task for cell in plan.cells}
    if as_json:
        print_json({"suite": plan.suite.value.name, "valid": True, "cells": len(plan.cells), "runnable": len(able)})
        return
    echo(
        f"{plan.suite.path}: valid. {plural(len(names), 'model')} × {plural(len(tasks), 'task')}: "
        f"{plural(len(able), 'cell')} to run, {len(plan.cells) - len(able)} unsupported, "
        f"{plural(len(plan.fits), 'model')} to train first."
    )


@click.command()
@click.argument("suite")
@plan_options
@results_option
@json_option
def plan(suite: str, limit: int | None, only: str | None, profile: str | None, results: Path, as_json: bool) -> None:
    """Show the cells of SUITE with an estimate of their work; run nothing, write nothing."""
    from bench.planning import Options, make_plan, open_suite

    made = make_plan(open_suite(suite), results, Options(limit, only, profile))
    if as_json:
        cells = [
            {"id": cell.id, "model": cell.model, "family": cell.family, "variant": cell.variant, "task": cell.task,
             "kind": cell.kind, "unsupported": cell.unsupported, "work": made.work(cell)}
            for cell in made.cells
        ]  # fmt: skip
        fits = [{"model": job.model.name, "id": job.id, "steps": job.recipe.steps} for job in made.fits]
        loads = {
            "reason": made.sharing.reason,
            "shared": [{"model": model, "variant": variant, "tasks": list(tasks)}
                       for model, variant, tasks in made.sharing.groups],
        }  # fmt: skip
        doubts = [{"where": where, "code": doubt.code, "message": doubt.message, "remedy": doubt.remedy}
                  for where, doubt in made.doubts]  # fmt: skip
        print_json({"suite": made.suite.value.name, "processes": made.processes, "measures": made.measures,
                    "fits": fits, "cells": cells, "loads": loads, "placement": _placement(made),
                    "doubts": doubts})  # fmt: skip
        return
    for job in made.fits:
        echo(f"train first: {job.model.name}, {job.recipe.steps} steps")
    rows = []
    for cell in made.cells:
        work = made.work(cell)
        tokens = f"{work['max_output_tokens']:,}" if work["max_output_tokens"] else ""
        rows.append([cell.id[:10], cell.label, f"{work['examples']:,}", tokens, cell.unsupported or ""])
    print_table(["id", "cell", "examples", "tokens ≤", "unsupported because"], rows, right=(2, 3))
    _print_loads(made)
    placed = _placement(made)
    threads = "as many threads" if placed["threads"] is None else f"threads: {placed['threads']}"
    echo(f"every process is bound to {placed['cpus']}; {threads} (defaults: cpus, threads)")
    if not made.measures:
        echo("nothing is measured: quality is scored alone")
    for where, doubt in made.doubts:
        echo(f"doubt: {where}: {doubt.message}; {doubt.remedy}")


def _placement(made: Plan) -> dict[str, Any]:
    """Returns the CPUs that the processes are bound to, and torch's threads; None for one per CPU."""
    defaults = made.suite.value.defaults
    cpus = "every CPU that the run may use" if defaults.cpus is None else f"the CPUs {defaults.cpus}"
    return {"cpus": cpus, "threads": defaults.threads}


def _print_loads(made: Plan) -> None:
    """Prints which tasks share one load of their model, and why."""
    for model, variant, tasks in made.sharing.groups:
        shown = model if variant == "float32" else f"{model}[{variant}]"
        echo(f"one load of {shown} for {', '.join(tasks)}")
    rest = "" if made.sharing.groups else "one load for every cell: "
    echo(f"{rest}{made.sharing.reason} (defaults: share_load)")


@click.command()
def schema() -> None:
    """Print the JSON Schema of the suite file, for editors that complete YAML."""
    from bench.suite import Suite

    print_json(Suite.model_json_schema() | {"$schema": "https://json-schema.org/draft/2020-12/schema"})
