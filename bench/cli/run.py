"""`bench run`: plan, fit what is missing, run the cells, write the report."""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import echo, json_option, print_json, results_option, store_option
from bench.cli.suite import plan_options

if TYPE_CHECKING:
    from bench.planning import Plan
    from bench.store import RunInfo


@click.command()
@click.argument("suite")
@plan_options
@results_option
@click.option("--rerun", is_flag=True, help="Run finished cells again.")
@click.option("--executor", metavar="NAME", help="Where cells run, over the suite's defaults.executor.")
@click.option("--report", "report_path", type=click.Path(dir_okay=False, path_type=Path), help="Where the report goes.")
@click.option("--no-report", is_flag=True, help="Write no report.")
@store_option
@json_option
def run(suite: str, results: Path, rerun: bool, executor: str | None, report_path: Path | None, no_report: bool,
        store_url: str | None, as_json: bool, **plan_arguments: Any) -> None:  # fmt: skip
    """Run SUITE (a file, or the name of an embedded suite), and write its report.

    Finished cells are kept: after an interruption the same command goes on where it stopped.
    """
    from bench.catalogue.readings import OFF
    from bench.planning import Options, make_plan, open_suite
    from bench.running.executors import executor_of

    options, located = Options(**plan_arguments), open_suite(suite)
    profile = options.profile or located.value.measure.profile
    chosen = executor_of(located, executor).open(measuring=profile != OFF)
    chosen.prepare()  # torch is imported there while this process goes on

    from bench.errors import EXIT_CELL_FAILED
    from bench.running.progress import progress_for
    from bench.running.runner import run as run_plan
    from bench.store import Store

    plan = make_plan(located, results, options)
    # The server still imports torch and nothing is measured yet: later these would be waited for.
    for module in ("pandas", "bench.cli.results", "bench.report.view", *(() if no_report else ("bench.report.page",))):
        import_module(module)
    skipped: dict[str, str] = {}
    if plan.fits:
        skipped = fit_missing(plan, results)
        plan = make_plan(located, results, options)
    with Store.open(results, store_url) as store:
        finished = run_plan(
            plan.written(results), chosen, store, run_info(plan), processes=plan.processes,
            seed=located.value.defaults.seed, rerun=rerun, progress=progress_for(sys.stderr),
            skip={cell.id: skipped[cell.model] for cell in plan.cells if cell.model in skipped}, canary=plan.measures,
        )  # fmt: skip
        _conclude(store, finished.run_id, results, report_path, no_report, as_json)
    click.get_current_context().exit(finished.exit_code or (EXIT_CELL_FAILED if skipped else 0))


def fit_missing(plan: Plan, results: Path) -> dict[str, str]:
    """Trains what is missing; returns for each model that could not be trained why."""
    from bench.errors import BenchError
    from bench.running.fits import run_fits

    failed: dict[str, BenchError] = {}
    for job in plan.fits:
        try:
            failed |= run_fits([job], results, echo=lambda line: echo(line, err=True)).failed
        except BenchError as error:
            failed[job.model.name] = error
            echo(f"{job.model.name}: {error}", err=True)
    return {name: f"its training failed: {error}" for name, error in failed.items()}


def run_info(plan: Plan) -> RunInfo:
    """Returns what a run of this plan, started by this command line on this machine, is."""
    from bench.digest import content_hash
    from bench.host import fingerprint, machine_key
    from bench.store import RunInfo

    value = plan.suite.value
    machine = fingerprint()
    return RunInfo(
        suite=value.name,
        suite_text=plan.suite.text,
        suite_hash=content_hash(value.model_dump(mode="json", exclude_defaults=True)),
        command=shlex.join(["bench", *_without_secrets(sys.argv[1:])]),
        machine_key=machine_key(machine),
        profile=plan.measure.profile,
        environment=machine,
        settings=value.model_dump(mode="json"),
    )


def _without_secrets(arguments: list[str]) -> list[str]:
    """Returns the command line as it may be stored: who has a webhook's address can post to it."""
    found = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if before == "--webhook":
            found.append("…")
        else:
            found.append("--webhook=…" if argument.startswith("--webhook=") else _shown(argument))
    return found


def _shown(argument: str) -> str:
    """Returns an argument of the command line as it may be stored: a database address without its password."""
    from bench.store.database import shown_address

    option, separator, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    return option + separator + (shown_address(value) if "://" in value else value)


def _conclude(store: Any, run_id: str, results: Path, report_path: Path | None, no_report: bool, as_json: bool) -> None:
    from bench.cli.results import print_view, run_json
    from bench.report.view import view_of

    view = view_of(store.load(run_id))
    if as_json:
        print_json(run_json(view))
    else:
        print_view(view)
    if no_report:
        return
    from bench.report.page import write_html

    path = report_path or results / "reports" / f"{run_id}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_html(view, path)
    echo(f"report: {path.resolve()}", err=as_json)
