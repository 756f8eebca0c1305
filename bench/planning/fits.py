"""Plans fits: which models are trained, from what, and where their checkpoints lie."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from bench.candidates import FAMILIES
from bench.candidates.checkpoint import files_hash
from bench.candidates.heads import HEADED
from bench.data.base import Dataset
from bench.errors import InputError, SuiteError, nearest
from bench.fit.job import FitJob, FitTask, Teacher, read_provenance
from bench.fit.recipe import Lora, Recipe
from bench.planning.checks import fit_paths, resolved_model
from bench.planning.data import Data
from bench.planning.fit_checks import check_apart, check_possible
from bench.planning.forms import uses
from bench.planning.identity import data_hash, fit_identity, loaded_identity
from bench.suite import AdapterSpec, ModelSpec, Suite, TaskSpec
from bench.suite.curriculum import Curriculum
from bench.suite.yaml_bounds import read_text
from bench.suite.yaml_file import Located, read
from bench.tasks import KINDS
from bench.tasks.choosing import why_not_done, why_unsupported
from bench.tasks.prompts import template_for

FITS_FOLDER = "fits"
"""Under the results folder: checkpoints whose suite entry names no output."""


def read_recipe(suite: Located[Suite], model: ModelSpec) -> Curriculum:
    """Work out a model's recipe.

    Raises:
        SuiteError: the recipe's file is missing or wrong, or a model that a solver fits has a teacher.
    """
    assert model.fit is not None
    path, family = fit_paths(suite, model)[0], FAMILIES[model.family]
    if family.solving is not None:
        _refuse_for_solvers(suite, model)
        return read(path, family.solving.recipe).value
    recipe = _recipe(path, read_text(path))
    changes: dict[str, object] = {} if model.fit.teacher is None else {"teacher": model.fit.teacher}
    if model.fit.adapter is not None and recipe.lora is None:
        changes["lora"] = Lora()
    if model.fit.shrink is not None:
        changes["shrink"] = model.fit.shrink
    try:
        return Recipe.model_validate(recipe.model_dump() | changes) if changes else recipe
    except ValidationError as error:
        at = ("models", suite.value.models.index(model), "fit", "adapter")
        raise suite.error(at, str(error.errors()[0]["ctx"]["error"])) from error


def _refuse_for_solvers(suite: Located[Suite], model: ModelSpec) -> None:
    """Refuse what is for networks alone, where a solver fits the model."""
    for key in ("teacher", "adapter", "shrink"):
        if getattr(model.fit, key) is not None:
            raise suite.error(
                ("models", suite.value.models.index(model), "fit", key),
                f"a solver fits a model of the family '{model.family}', and knows no '{key}'; leave it out",
            )


def fitted_spec(spec: ModelSpec, recipe: Curriculum, output: Path) -> ModelSpec:
    """Write a model's entry as that of the checkpoint which its fit makes; an adapter keeps its base."""
    updates: dict[str, object] = {"checkpoint": str(output), "gguf_file": None, "subfolder": None}
    if isinstance(recipe, Recipe) and recipe.lora is not None and spec.checkpoint is not None:
        base = spec.checkpoint if spec.subfolder is None else f"{spec.checkpoint}/{spec.subfolder}"
        updates["adapter"] = (spec.adapter or AdapterSpec()).model_copy(update={"base": base})
    return spec.model_copy(update=updates)


@lru_cache(maxsize=256)
def _recipe(path: Path, text: str) -> Recipe:
    """Read the recipe that a file holds, once for each text: a plan asks three times."""
    return read(path, Recipe).value


def check_teachers(suite: Located[Suite]) -> None:
    """Check every `teacher`: a model of the suite that can teach, and no circle.

    Raises:
        SuiteError: a name is no model, a baseline teaches, or a model is to learn from itself in the end.
    """
    models = {model.name: model for model in suite.value.models}
    for index, model in enumerate(suite.value.models):
        at, line = ("models", index, "fit"), [model.name]
        while (name := _teacher_name(suite, models[line[-1]])) is not None:
            if name not in models:
                raise suite.error(at, f"the teacher '{name}' is no model of this suite; {nearest(name, models)}")
            if FAMILIES[models[name].family].is_floor:
                raise suite.error(at, f"the teacher '{name}' is a baseline, from which there is nothing to learn")
            if models[name].shots is not None:
                raise suite.error(
                    at, f"the teacher '{name}' has shots, which a lesson does not show; name an entry of it without"
                )
            if name in line:
                circle = " → ".join([*line[line.index(name) :], name])
                raise suite.error(at, f"the teachers go round in a circle: {circle}; let one learn without a teacher")
            line.append(name)


def _teacher_name(suite: Located[Suite], model: ModelSpec) -> str | None:
    return None if model.fit is None else read_recipe(suite, model).learns_from


def _teacher(
    suite: Located[Suite], student: ModelSpec, recipe: Curriculum, learnt: Sequence[TaskSpec], data: Data, results: Path
) -> Teacher | None:
    """Work out whom a student learns from, with the checkpoint that it will be loaded from."""
    if recipe.learns_from is None:
        return None
    check_teachers(suite)
    model = next(model_spec for model_spec in suite.value.models if model_spec.name == recipe.learns_from)
    at = ("models", suite.value.models.index(student), "fit")
    templates = {}
    for task in learnt:
        reason = why_unsupported(model.family, task.kind)
        if reason is not None:
            raise suite.error(at, f"the teacher '{model.name}' cannot teach the task '{task.name}': {reason}")
        templates[task.name] = template_for(model, task)
    spec = resolved_model(suite, model)
    if model.fit is None:
        return Teacher(model.name, spec, loaded_identity(spec, suite.path.parent), templates)
    task_names = {task.name for task in fit_tasks(suite, model, read_recipe(suite, model))}
    for name in templates:
        if name not in task_names:
            raise suite.error(at, f"the teacher '{model.name}' does not learn the task '{name}' itself")
    job = make_job(suite, model, data, results)
    fitted = fitted_spec(spec, job.recipe, job.output)
    return Teacher(model.name, fitted, _fitted_identity(job), templates)


def _fitted_identity(job: FitJob) -> str:
    """Work out the fit's id, which is known before its weights are; of a checkpoint that came otherwise, its files'
    hash."""
    if not job.output.is_dir() or (read_provenance(job.output) or {}).get("fit_id") == job.id:
        return job.id
    return files_hash(job.output)


def in_order(jobs: Sequence[FitJob], names: Collection[str]) -> list[FitJob]:
    """Work out the jobs of the named models and of the teachers that they need, every teacher before its students."""
    by_name = {job.model.name: job for job in jobs}
    found: dict[str, FitJob] = {}

    def add(job: FitJob) -> None:
        if job.teacher is not None and job.teacher.name in by_name:
            add(by_name[job.teacher.name])
        found.setdefault(job.model.name, job)

    for job in jobs:
        if job.model.name in names:
            add(job)
    return list(found.values())


def fit_tasks(suite: Located[Suite], model: ModelSpec, recipe: Curriculum) -> list[TaskSpec]:
    """Work out the tasks that the recipe learns.

    Raises:
        SuiteError: a name is no task, or the family cannot do it.
    """
    tasks = {task.name: task for task in suite.value.tasks}
    at = ("models", suite.value.models.index(model), "fit")
    if recipe.tasks is None:
        able = [task for task in tasks.values() if why_not_done(model, task) is None]
        return [task for task in able if _why_not_learnt(model, task) is None]
    for name in recipe.tasks:
        if name not in tasks:
            raise suite.error(at, f"the recipe learns '{name}', which is no task of this suite; {nearest(name, tasks)}")
        reason = why_unsupported(model.family, tasks[name].kind) or _why_not_learnt(model, tasks[name])
        if reason is not None:
            raise suite.error(at, f"the recipe learns '{name}': {reason}")
    return [tasks[name] for name in recipe.tasks]


def _why_not_learnt(model: ModelSpec, task: TaskSpec) -> str | None:
    """Explain that a family does a kind of task, and cannot be trained for it; None where it can."""
    family, ability = FAMILIES[model.family], KINDS[task.kind].ability
    learns = (
        HEADED if family.solving is not None else frozenset() if family.learning is None else family.learning.learns
    )
    if ability in learns:
        return None
    return f"a model of the family '{model.family}' is not trained for {task.kind}; give a checkpoint that was"


def make_job(suite: Located[Suite], model: ModelSpec, data: Data, results: Path, output: Path | None = None) -> FitJob:
    """Work out the fit of one model; loads the training splits.

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
    check_apart(suite, model, recipe, learnt)
    tasks = tuple(
        FitTask(
            task,
            template_for(model, task),
            *_splits(data, task, recipe),
            full.labels(task),
        )
        for task in learnt
    )
    check_possible(suite, model, recipe, tasks)
    resolved = resolved_model(suite, model)
    if resolved.system is not None and not any(uses(model, "system", task) for task in learnt):
        resolved = resolved.model_copy(update={"system": None})
    teacher = _teacher(suite, model, recipe, learnt, data, results)
    data_id = data_hash((task.train, task.validation) for task in tasks)
    start = None if recipe.fits_from == "scratch" else loaded_identity(resolved, suite.path.parent)
    fit_id = fit_identity(resolved, recipe, data_id, start, tasks, teacher)
    place = output or fit_paths(suite, model)[1] or results.resolve() / FITS_FOLDER / f"{model.name}-{fit_id[:12]}"
    defaults = suite.value.defaults
    return FitJob(
        resolved,
        recipe,
        tasks,
        place,
        fit_id,
        data_id,
        recipe.hash,
        defaults.device,
        defaults.threads,
        teacher,
        suite.path.parent.resolve(),
    )


def train_overlaps(suite: Located[Suite], model: ModelSpec, recipe: Curriculum, data: Data) -> dict[str, int]:
    """Count for each task that the recipe learns how many scored inputs are in its training split.

    A task whose training split is not there is left out: its checkpoint may be made elsewhere.
    """
    overlaps = {}
    for task in fit_tasks(suite, model, recipe):
        try:
            overlaps[task.name] = data.overlap(task, recipe.train_split, recipe.max_train_examples)
        except SuiteError:
            continue
    return overlaps


def made_from_these(
    suite: Located[Suite], model: ModelSpec, recipe: Curriculum, data: Data, provenance: Mapping[str, object] | None
) -> bool:
    """Tell whether a checkpoint is of this recipe and of these data; data that are not there are not asked."""
    if provenance is None or provenance.get("recipe_hash") != recipe.hash:
        return False
    try:
        splits = [_splits(data, task, recipe) for task in fit_tasks(suite, model, recipe)]
    except SuiteError:
        return True
    return provenance.get("data_hash") == data_hash(splits)


def _splits(data: Data, task: TaskSpec, recipe: Curriculum) -> tuple[Dataset, Dataset]:
    return (
        data.split(task, recipe.train_split, recipe.max_train_examples),
        data.split(task, recipe.validation_split, recipe.max_validation_examples),
    )


def fit_jobs(
    suite: Located[Suite], results: Path, *, only: Sequence[str] = (), output: Path | None = None
) -> Sequence[FitJob]:
    """List the fits of a suite, in its order.

    Args:
        suite: whose models are fitted.
        results: the results folder, for checkpoints whose entry names no other place.
        only: patterns of the models' names; without any, all models.
        output: folder that takes the checkpoints instead of the places that the suite names.

    Raises:
        InputError: no model of the suite has a fit, or a pattern of `only` matches none.
    """
    models = [model for model in suite.value.models if model.fit is not None]
    if not models:
        raise InputError(f"{suite.path}: no model has a 'fit'; add one to train it")
    names = [model.name for model in models]
    for pattern in only:
        if not fnmatch.filter(names, pattern):
            raise InputError(f"--only '{pattern}' matches no model with a fit; {nearest(pattern, names)}")
    chosen = [model for model in models if not only or any(fnmatch.fnmatch(model.name, pattern) for pattern in only)]
    data = Data(suite)
    jobs = [make_job(suite, m, data, results, None if output is None else output / m.name) for m in chosen]
    asked = {model.name for model in chosen}
    teachers = [make_job(suite, model, data, results) for model in models if model.name not in asked]
    missing = [job for job in teachers if not job.output.is_dir()]
    jobs = in_order([*jobs, *missing], asked)
    for job in jobs:
        if not job.tasks:
            raise InputError(
                f"{suite.path}: '{job.model.name}' has a 'fit', and no task of the suite that it can learn"
            )
    return jobs
