"""Plans fits: which models are trained, from what, and where their checkpoints lie."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

from bench.data.source import overlap
from bench.errors import InputError, SuiteError, nearest
from bench.fit.job import FIT_VERSION, FitJob, FitTask
from bench.fit.recipe import Recipe
from bench.models import why_unsupported
from bench.models.checkpoint import weights_identity
from bench.plan.data import Data
from bench.plan.names import fit_paths, resolved_model
from bench.record import content_hash
from bench.suite import ModelSpec, Suite, TaskSpec
from bench.tasks import template_for
from bench.yaml_file import Located, read

FITS_FOLDER = "fits"
"""Under the results folder: checkpoints whose suite entry names no output."""


def read_recipe(suite: Located[Suite], model: ModelSpec) -> Recipe:
    """Returns a model's recipe.

    Raises:
        SuiteError: the recipe's file is missing or wrong.
    """
    return read(fit_paths(suite, model)[0], Recipe).value


def fit_tasks(suite: Located[Suite], model: ModelSpec, recipe: Recipe) -> list[TaskSpec]:
    """Returns the tasks that the recipe learns.

    Raises:
        SuiteError: a name is no task, or the family cannot do it.
    """
    tasks = {task.name: task for task in suite.value.tasks}
    at = ("models", suite.value.models.index(model), "fit")
    if recipe.tasks is None:
        return [task for task in tasks.values() if why_unsupported(model.family, task.kind) is None]
    for name in recipe.tasks:
        if name not in tasks:
            raise suite.error(at, f"the recipe learns '{name}', which is no task of this suite; {nearest(name, tasks)}")
        reason = why_unsupported(model.family, tasks[name].kind)
        if reason is not None:
            raise suite.error(at, f"the recipe learns '{name}': {reason}")
    return [tasks[name] for name in recipe.tasks]


def make_job(suite: Located[Suite], model: ModelSpec, data: Data, results: Path, output: Path | None = None) -> FitJob:
    """Returns the fit of one model; loads the training splits.

    Args:
        suite: the suite.
        model: one of its models, with a `fit`.
        data: the suite's data.
        results: the results folder, under which checkpoints without an output of their own lie.
        output: overrides the place of the checkpoint.
    """
    recipe = read_recipe(suite, model)
    full = Data(suite)
    learnt = fit_tasks(suite, model, recipe)
    _check_apart(suite, model, recipe, learnt)
    tasks = tuple(
        FitTask(
            task,
            template_for(model, task),
            data.split(task, recipe.train_split, recipe.max_train_examples),
            data.split(task, recipe.validation_split, recipe.max_validation_examples),
            full.labels(task),
        )
        for task in learnt
    )
    resolved = resolved_model(suite, model)
    recipe_hash = content_hash(recipe.model_dump(mode="json"))
    data_hash = content_hash([[task.train.hash, task.validation.hash] for task in tasks])
    fit_id = content_hash(
        {
            "version": FIT_VERSION, "recipe": recipe_hash, "data": data_hash, "family": model.family,
            "start": _start(resolved) if recipe.start == "checkpoint" else None,
            "tasks": [[task.spec.name, task.template, list(task.labels)] for task in tasks],
        }
    )  # fmt: skip
    place = output or fit_paths(suite, model)[1] or results.resolve() / FITS_FOLDER / f"{model.name}-{fit_id[:12]}"
    threads = suite.value.defaults.threads
    return FitJob(resolved, recipe, tasks, place, fit_id, data_hash, recipe_hash, threads=threads)


def train_overlaps(suite: Located[Suite], model: ModelSpec, recipe: Recipe, data: Data) -> dict[str, int]:
    """Returns for each task that the recipe learns how many scored inputs are in its training split.

    A task whose training split is not there is left out: its checkpoint may be made elsewhere.
    """
    found = {}
    for task in fit_tasks(suite, model, recipe):
        try:
            train = data.split(task, recipe.train_split, recipe.max_train_examples)
        except SuiteError:
            continue
        found[task.name] = overlap(train, data.scored(task), task.kind)
    return found


def _check_apart(suite: Located[Suite], model: ModelSpec, recipe: Recipe, learnt: Sequence[TaskSpec]) -> None:
    """Raises where a recipe learns from, or stops by, the very rows that are scored."""
    for task in learnt:
        if task.data.split in (recipe.train_split, recipe.validation_split):
            raise suite.error(
                ("tasks", suite.value.tasks.index(task), "data"),
                f"the recipe of '{model.name}' learns from the split '{task.data.split}', which this task scores; set "
                "another 'train_split' or 'validation_split' in the recipe, or another 'split' here",
            )


def _start(model: ModelSpec) -> str:
    return weights_identity(str(model.checkpoint), model.subfolder, model.revision)


def fit_jobs(
    suite: Located[Suite], results: Path, *, only: str | None = None, output: Path | None = None
) -> Sequence[FitJob]:
    """Returns the fits of a suite, in its order.

    Raises:
        InputError: no model of the suite has a fit, or none matches `only`.
    """
    models = [model for model in suite.value.models if model.fit is not None]
    if not models:
        raise InputError(f"{suite.path}: no model has a 'fit'; add one to train it")
    chosen = [model for model in models if only is None or fnmatch.fnmatch(model.name, only)]
    if not chosen:
        raise InputError(f"--only '{only}' matches no model with a fit; {nearest(str(only), [m.name for m in models])}")
    data = Data(suite)
    jobs = [make_job(suite, m, data, results, None if output is None else output / m.name) for m in chosen]
    for job in jobs:
        if not job.tasks:
            raise InputError(
                f"{suite.path}: '{job.model.name}' has a 'fit', and no task of the suite that it can learn"
            )
    return jobs
