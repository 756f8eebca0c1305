"""`bench fit`: train the models of a suite that have a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import json_option, only_option, results_option
from bench.cli.output import print_json, remark, say

if TYPE_CHECKING:
    from bench.errors import BenchError
    from bench.fit.job import FitJob
    from bench.suite.job import Provenance


@click.command()
@click.argument("suite")
@only_option("models")
@click.option("--missing", is_flag=True, help="Train only the models whose checkpoint is missing.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write checkpoints under DIR/MODEL instead.",
)
@click.option(
    "--save-job",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Train nothing; write the one job to FILE, for 'accelerate launch --multi_gpu -m bench.fit.session FILE'.",
)
@results_option
@json_option
def fit(
    suite: str,
    only: tuple[str, ...],
    missing: bool,
    output: Path | None,
    save_job: Path | None,
    results: Path,
    as_json: bool,
) -> None:
    """Train the models of SUITE again, each from its recipe; a teacher that is missing is trained first.

    An interrupted training resumes from its last saved state.
    """
    from bench.planning import fit_jobs, open_suite
    from bench.running.fits import run_fits

    jobs = fit_jobs(open_suite(suite), results, only=only, output=output)
    todo = [job for job in jobs if not (missing and job.output.is_dir())]
    if save_job is not None:
        _save(todo, save_job)
        return
    done = run_fits(todo, results, echo=remark)
    if as_json:
        print_json(done.made)
    else:
        for provenance in done.made:
            say(_line(provenance))
        if not todo:
            say("every checkpoint exists; leave out --missing to train again")
    _raise(done.failed)


def _raise(failed: Mapping[str, BenchError]) -> None:
    """Raise what stopped the one training that failed, or one error for several."""
    from bench.errors import FitError

    if len(failed) == 1:
        raise next(iter(failed.values()))
    if failed:
        raise FitError(
            f"{len(failed)} trainings failed: {', '.join(failed)} (see the messages above); the others have finished. "
            "Fix them, then run the same command again with --missing"
        )


def _line(provenance: Provenance) -> str:
    """Describe on one line how a training ended."""
    loss, energy = provenance["final_validation_loss"], provenance["cost"]["energy_j"]
    done = "solved" if provenance.get("steps") is None else f"{provenance['steps']} steps"
    parts = [f"{done} in {provenance['wall_s']:.0f} s"]
    if energy is not None:
        parts.append(f"{energy:.0f} J ({provenance['cost']['energy_source']})")
    parts.append("no validation loss" if loss is None else f"validation loss {loss:.4f}")
    if "folds" in provenance:
        folds = provenance["folds"]
        parts.append(f"over {len(folds['folds'])} folds {folds['loss_mean']:.4f} ± {folds['loss_sd']:.4f}")
    if "search" in provenance:
        search = provenance["search"]
        values = ", ".join(f"{name} {value}" for name, value in search["values"].items())
        parts.append(f"best of {len(search['trials'])} trials: {values}")
    return f"{provenance['model']}: {'; '.join(parts)} → {provenance['output']}"


def _save(jobs: Sequence[FitJob], path: Path) -> None:
    """Write the one job that several processes are to train.

    Of accelerate's ways only `--multi_gpu` starts several on one machine, on GPUs or not.
    """
    import pickle

    from bench.errors import UsageError

    if len(jobs) != 1:
        raise UsageError(f"--save-job saves the training of one model, not of {len(jobs)}; choose one with --only")
    path.write_bytes(pickle.dumps(jobs[0]))
    say(f"accelerate launch --multi_gpu --num_processes N -m bench.fit.session {path}")
