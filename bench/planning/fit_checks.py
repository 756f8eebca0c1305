"""What would go wrong in a training, told before it: wrong splits, too little data, labels nobody listed, no Optuna."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from bench.candidates import FAMILIES
from bench.errors import BenchError, EnvironmentLackError, FitError
from bench.fit.job import FitTask, fold_units, head_of_all
from bench.fit.recipe import NO_OPTUNA, Recipe
from bench.planning.checks import resolved_model
from bench.suite import ModelSpec, Suite, TaskSpec
from bench.suite.curriculum import Curriculum
from bench.suite.yaml_file import Loc, Located
from bench.tasks import KINDS


def check_apart(suite: Located[Suite], model: ModelSpec, recipe: Curriculum, learnt: Sequence[TaskSpec]) -> None:
    """Raise where a recipe learns from, or stops by, the very rows that are scored."""
    for task in learnt:
        if task.data.split in (recipe.train_split, recipe.validation_split):
            raise suite.error(
                ("tasks", suite.value.tasks.index(task), "data"),
                f"the recipe of '{model.name}' learns from the split '{task.data.split}', which this task scores; set "
                "another 'train_split' or 'validation_split' in the recipe, or another 'split' here",
            )


def check_possible(suite: Located[Suite], model: ModelSpec, recipe: Curriculum, tasks: Sequence[FitTask]) -> None:
    """Raise for what would stop a training after it began, as far as the data and this machine tell before."""
    if recipe.search is not None and recipe.search.method == "tpe" and importlib.util.find_spec("optuna") is None:
        raise EnvironmentLackError(f"model '{model.name}': {NO_OPTUNA}")
    at = ("models", suite.value.models.index(model), "fit")
    if recipe.learns_adapter:
        _check_adapter(suite, at, model)
    if FAMILIES[model.family].solving is None:
        _check_head(suite, at, model, recipe, tasks)
    for task in tasks:
        units, kind = fold_units(task.train)
        if recipe.folds is not None and units < recipe.folds:
            raise suite.error(
                at,
                f"the recipe's 'folds: {recipe.folds}' needs {recipe.folds} {kind} of {task.spec.name} to learn from, "
                f"and there are {units}; lower 'folds'",
            )
        if task.labels:
            _check_labels(suite, task)
    _check_texts(suite, at, model, tasks)


def _check_adapter(suite: Located[Suite], at: Loc, model: ModelSpec) -> None:
    """Raise where no adapter can be learnt."""
    learning = FAMILIES[model.family].learning
    if learning is None or learning.adapter_task(()) is None:
        able = [name for name, family in FAMILIES.items() if family.learning and family.learning.adapter_task(())]
        raise suite.error(at, f"no adapter is trained of a {model.family} model; that is for {' and '.join(able)}")
    if model.checkpoint is None:
        raise suite.error(at, "an adapter is learnt on a checkpoint; name one with 'checkpoint'")
    if importlib.util.find_spec("peft") is None:
        raise EnvironmentLackError(
            f"model '{model.name}': training an adapter needs the library peft; pip install 'bench[adapters]'"
        )


def _check_head(suite: Located[Suite], at: Loc, model: ModelSpec, recipe: Curriculum, tasks: Sequence[FitTask]) -> None:
    """Raise where the tasks need two heads, or the head is none that the recipe's settings are for."""
    try:
        head = head_of_all(model, tasks)
    except FitError as error:
        raise suite.error(at, str(error)) from error
    if head is None or head.ability == "classify":
        return
    names = " and ".join(task.spec.name for task in tasks)
    if recipe.learns_from is not None:
        raise suite.error(at, f"a teacher teaches labels and texts, and {names} is neither; leave 'teacher' out")
    if head.ability == "rate" and isinstance(recipe, Recipe) and recipe.label_smoothing:
        raise suite.error(at, f"'label_smoothing' is for labels, and {names} has numbers; leave it out")


def _check_texts(suite: Located[Suite], at: Loc, model: ModelSpec, tasks: Sequence[FitTask]) -> None:
    """Raise where a solver can see nothing in the texts."""
    solving = FAMILIES[model.family].solving
    if solving is None or not tasks:
        return
    texts = (text for task in tasks for text in _texts(task))
    try:
        reason = solving.why_not(resolved_model(suite, model), texts)
    except (BenchError, ValueError):
        return  # said at its place in the suite, or by the fit
    if reason is not None:
        raise suite.error(at, reason)


def _texts(task: FitTask) -> Sequence[str]:
    return KINDS[task.spec.kind].learnt(task.template, task.train.examples, task.labels)[0]


def _check_labels(suite: Located[Suite], task: FitTask) -> None:
    kind = KINDS[task.spec.kind]
    for data in (task.train, task.validation):
        unknown = sorted(kind.labels_of(data) - set(task.labels))
        if unknown:
            raise suite.error(
                ("tasks", suite.value.tasks.index(task.spec), "data"),
                f"{data.origin} has the label '{unknown[0]}', which the scored data have not; list all labels under "
                "the task's 'labels'",
            )
