"""From a plan to a finished run: train what is missing, describe the run, run the cells.

The commands and the Python functions start runs through here. It prints nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.digest import content_hash
from bench.errors import BenchError
from bench.host import fingerprint, machine_key
from bench.host.facts import Facts
from bench.planning import Options, Plan, make_plan
from bench.planning.forms import entry_of
from bench.running.conversions import converted
from bench.running.executors.base import Executor
from bench.running.fits import run_fits
from bench.running.progress import Progress
from bench.running.runner import Finished, Rounds, run
from bench.store import RunInfo, Store

Echo = Callable[[str], None]


def launch(
    plan: Plan,
    executor: Executor,
    store: Store,
    *,
    command: str,
    rerun: bool,
    progress: Progress,
    echo: Echo,
    rounds_of: Callable[[Plan], Rounds | None] = lambda _: None,
) -> Finished:
    """Train what a plan lacks, then run its cells; models whose training failed are skipped, with the reason.

    Args:
        plan: what to run; its results folder is the store's.
        executor: runs the cells.
        store: keeps the records.
        command: how the run was asked for, as it is stored: without secrets.
        rerun: run finished cells again.
        progress: is told of every job.
        echo: takes a line about trainings.
        rounds_of: makes what decides, round by round, what is done; None for everything at once.

    Raises:
        StoreError: the database could not take the records.
        EnvironmentLackError: the executor's machines cannot be used; nothing was run.
    """
    machine = executor.fingerprint()
    with executor.holding(plan.suite.value.secrets):
        plan, skip = with_checkpoints(plan, store.results, echo)
        cells, skip = converted(plan.written(store.results), skip, store.results, echo)
        return run(
            cells,
            executor,
            store,
            run_info(plan, command, machine),
            processes=plan.processes,
            seed=plan.suite.value.defaults.seed,
            rerun=rerun,
            progress=progress,
            skip=skip,
            canary=plan.measures,
            rounds=rounds_of(plan),
        )


def with_checkpoints(plan: Plan, results: Path, echo: Echo) -> tuple[Plan, dict[str, str]]:
    """Train the models whose checkpoints are missing.

    Returns:
        The plan with the checkpoints that are there now; and for each cell whose model has none the reason.
    """
    if not plan.fits:
        return plan, {}
    failed: dict[str, BenchError] = {}
    for job in plan.fits:
        try:
            failed |= run_fits([job], results, echo=echo).failed
        except BenchError as error:
            failed[job.model.name] = error
            echo(f"{job.model.name}: {error}")
    trained, suite = make_plan(plan.suite, results, plan.options), plan.suite.value
    models = {cell.id: suite.models[entry_of(suite, cell.model)].name for cell in trained.cells}
    return trained, {cell: f"its training failed: {failed[model]}" for cell, model in models.items() if model in failed}


def run_info(plan: Plan, command: str, machine: Facts | None = None) -> RunInfo:
    """Describe a run of a plan.

    Args:
        plan: what will run.
        command: how it was asked for, without secrets.
        machine: the fingerprint of the machine that is measured; by default this one's.
    """
    suite = plan.suite.value
    machine = machine or fingerprint()
    return RunInfo(
        suite=suite.name,
        suite_text=plan.suite.text,
        suite_hash=content_hash(suite.model_dump(mode="json", exclude_defaults=True)),
        command=command,
        machine_key=machine_key(machine),
        profile=plan.measure.profile,
        environment=machine,
        settings=suite.model_dump(mode="json"),
        restrictions=_restrictions(plan.options),
    )


def _restrictions(options: Options) -> dict[str, object]:
    """Name the options that leave out a part of the suite."""
    limit, only = options.limit, list(options.only)
    return ({} if limit is None else {"limit": limit}) | ({"only": only} if only else {})
