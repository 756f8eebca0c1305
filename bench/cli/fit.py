"""`bench fit`: trains the models of a suite that have a recipe."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import json_option, print_json, results_option


@click.command()
@click.argument("suite")
@click.option("--only", metavar="PATTERN", help="Only models whose name matches; * and ? match.")
@click.option("--missing", is_flag=True, help="Only models whose checkpoint is not there.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write checkpoints under DIR/MODEL instead.",
)
@results_option
@json_option
def fit(suite: str, only: str | None, missing: bool, output: Path | None, results: Path, as_json: bool) -> None:
    """Train the models of SUITE again, each from its recipe.

    An interrupted training resumes from its last saved state.
    """
    from bench.plan import fit_jobs, open_suite
    from bench.runner_fits import run_fits

    jobs = fit_jobs(open_suite(suite), results, only=only, output=output)
    todo = [job for job in jobs if not (missing and job.output.is_dir())]
    made = run_fits(todo, results, echo=lambda line: click.echo(line, err=True))
    if as_json:
        print_json(made)
        return
    for provenance in made:
        click.echo(
            f"{provenance['model']}: {provenance['steps']} steps in {provenance['wall_s']:.0f} s, "
            f"validation loss {provenance['final_validation_loss']:.4f} → {provenance['output']}"
        )
    if not made:
        click.echo("every checkpoint is there; leave out --missing to train again")
