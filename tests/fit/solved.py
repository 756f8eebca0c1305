"""Tiny fits by a solver, on the rows of `tests.fit.jobs`, and vectors of words made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.candidates import FAMILIES
from bench.candidates.interface import Context
from bench.fit.job import FitJob, FitTask
from bench.suite import ModelSpec, VariantSpec
from tests.fit.jobs import COLOURS, make_job, make_task

GLOVE = """\
box 0.1 0.1 0.1
is 0.1 0.2 0.1
red 1 0 0
green 0 1 0
blue 0 0 1
cat 0.9 0.1 0
"""


def write_vectors(folder: Path) -> Path:
    """Write vectors of words in GloVe's format."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "glove.txt").write_text(GLOVE)
    return folder


def solver_job(
    family: str, output: Path, tasks: tuple[FitTask, ...] | None = None, checkpoint: Path | None = None, **options: Any
) -> FitJob:
    """Return the job of a family that a solver fits."""
    solving = FAMILIES[family].solving
    assert solving is not None
    recipe = solving.recipe.model_validate(options)
    job = make_job("encoder", output)
    spec = ModelSpec(name=f"tiny-{family}", family=family, checkpoint=None if checkpoint is None else str(checkpoint))
    tasks = tasks or (make_task("classification"),)
    return replace(job, model=spec, recipe=recipe, recipe_hash=recipe.hash, tasks=tasks)


def load_fitted(job: FitJob, ability: str = "classify", labels: tuple[str, ...] = tuple(COLOURS)) -> Any:
    """Load what a job has written."""
    spec = job.model.model_copy(update={"checkpoint": str(job.output)})
    return FAMILIES[spec.family].load(spec, VariantSpec(), Context("cpu", ability, labels, labels))
