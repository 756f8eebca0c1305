"""`bench validate`, `bench plan`, `bench schema`: what a suite means, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import json_option, plan_options, results_option
from bench.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from bench.fit.job import FitJob
    from bench.planning import Plan

FILES = ("suite", "recipe")
"""Kinds of files that have a schema."""


@click.command()
@click.argument("suite")
@click.option("--run-code", is_flag=True, help="Import metrics of your own, too, which runs their code.")
@json_option
def validate(suite: str, run_code: bool, as_json: bool) -> None:
    """Check SUITE, its recipes, its data and its checkpoints; run nothing, write nothing.

    All mistakes are told at once; what the data leave in doubt is told, too.
    """
    from bench.planning import Options, make_plan, open_suite
    from bench.running.executors import executor_of
    from bench.units import plural

    located = open_suite(suite)
    executor_of(located)
    plan = make_plan(located, Path("results"), Options(run_code=run_code))
    runnable = [cell for cell in plan.cells if cell.unsupported is None]
    models = {cell.model for cell in plan.cells}
    tasks = {cell.task for cell in plan.cells}
    if as_json:
        name = plan.suite.value.name
        counts = {"cells": len(plan.cells), "runnable": len(runnable)}
        print_json({"suite": name, "valid": True, **counts, "doubts": _doubts(plan)})
        return
    say(
        f"{plan.suite.path}: valid. {plural(len(models), 'model')} × {plural(len(tasks), 'task')}: "
        f"{plural(len(runnable), 'cell')} to run, {len(plan.cells) - len(runnable)} unsupported, "
        f"{plural(len(plan.fits), 'model')} to train first."
    )
    _print_doubts(plan)


@click.command()
@click.argument("suite")
@plan_options
@results_option
@json_option
def plan(
    suite: str, limit: int | None, only: tuple[str, ...], profile: str | None, results: Path, as_json: bool
) -> None:
    """Show the cells of SUITE with an estimate of their work; run nothing, write nothing."""
    from bench.planning import Options, make_plan, open_suite

    expanded = make_plan(open_suite(suite), results, Options(limit, only, profile))
    if as_json:
        print_json(_plan_json(expanded))
    else:
        _print_plan(expanded)


def _plan_json(plan: Plan) -> dict[str, object]:
    cells = [
        {
            "id": cell.id,
            "model": cell.model,
            "family": cell.family,
            "variant": cell.variant,
            "task": cell.task,
            "kind": cell.kind,
            "unsupported": cell.unsupported,
            "work": plan.work(cell),
        }
        for cell in plan.cells
    ]
    groups = [
        {"model": model, "variant": variant, "tasks": list(tasks)} for model, variant, tasks in plan.sharing.groups
    ]
    return {
        "suite": plan.suite.value.name,
        "processes": plan.processes,
        "measures": plan.measures,
        "fits": [{"model": job.model.name, "id": job.id, "steps": job.recipe.effort} for job in plan.fits],
        "cells": cells,
        "loads": {"reason": plan.sharing.reason, "shared": groups},
        "placement": {"cpus": _cpus(plan), "threads": plan.suite.value.defaults.threads},
        "doubts": _doubts(plan),
    }


def _doubts(plan: Plan) -> list[dict[str, str]]:
    """List the doubts about the data, for JSON."""
    return [
        {"where": where, "code": doubt.code, "message": doubt.message, "remedy": doubt.remedy}
        for where, doubt in plan.doubts
    ]


def _print_doubts(plan: Plan) -> None:
    for where, doubt in plan.doubts:
        say(f"doubt: {where}: {doubt.message}; {doubt.remedy}")


def _effort(job: FitJob) -> str:
    return "by a solver" if job.recipe.effort is None else f"{job.recipe.effort} steps"


def _print_plan(plan: Plan) -> None:
    for job in plan.fits:
        say(f"train first: {job.model.name}, {_effort(job)}")
    rows = []
    for cell in plan.cells:
        work = plan.work(cell)
        tokens = f"{work['max_output_tokens']:,}" if work["max_output_tokens"] else ""
        rows.append([cell.id[:10], cell.label, f"{work['examples']:,}", tokens, cell.unsupported or ""])
    print_table(["id", "cell", "examples", "tokens ≤", "unsupported because"], rows, right=(2, 3))
    for model, variant, tasks in plan.sharing.groups:
        name = model if variant == "float32" else f"{model}[{variant}]"
        say(f"one load of {name} for {', '.join(tasks)}")
    loads = "" if plan.sharing.groups else "one load for every cell: "
    say(f"{loads}{plan.sharing.reason} (defaults: share_load)")
    threads = plan.suite.value.defaults.threads
    shown = "as many threads" if threads is None else f"threads: {threads}"
    say(f"every process is bound to {_cpus(plan)}; {shown} (defaults: cpus, threads)")
    if not plan.measures:
        say("nothing is measured: only quality is scored")
    _print_doubts(plan)


def _cpus(plan: Plan) -> str:
    """Describe which CPUs the processes are bound to."""
    cpus = plan.suite.value.defaults.cpus
    return "every CPU that the run may use" if cpus is None else f"the CPUs {cpus}"


@click.command()
@click.argument("file", type=click.Choice(FILES), default="suite")
def schema(file: str) -> None:
    """Print the JSON Schema of the suite file, or of a recipe, for editors that complete YAML.

    Every key has its description there.
    """
    from bench.planning.schema import recipe_schema, suite_schema

    print_json(suite_schema() if file == "suite" else recipe_schema())
