"""K-fold cross-validation of a recipe on its training split; each finished fold is kept over an interruption."""

from __future__ import annotations

import json
import shutil
import statistics
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from bench.data.base import Dataset
from bench.errors import FitError
from bench.fit.cost import Cost, total
from bench.fit.job import FitJob, FitTask, fold_units
from bench.fit.state import write_json
from bench.fit.teaching import Lesson
from bench.fit.training import Notify, Train, train
from bench.tasks import KINDS


class FoldRow(TypedDict):
    """What the training of one fold gave."""

    loss: float
    accuracy: float | None
    cost: dict[str, object]
    """Of `bench.fit.cost.Cost`."""


class Validation(TypedDict):
    """What a cross-validation gave."""

    folds: list[dict[str, float | None]]
    """Loss and accuracy of each fold."""
    loss_mean: float | None
    loss_sd: float | None
    accuracy_mean: float | None
    accuracy_sd: float | None
    cost: dict[str, object]
    """Of all folds."""


def assign(task: FitTask, folds: int, seed: int) -> list[int]:
    """Assign a fold to each training example: stratified by label, no group in two folds.

    Raises:
        FitError: there are fewer examples or groups than folds.
    """
    from sklearn import model_selection

    examples = task.train.examples
    groups = [example.group for example in examples]
    units, kind = fold_units(task.train)
    grouped = kind == "groups"
    if units < folds:
        raise FitError(f"task '{task.spec.name}': {folds} folds need {folds} {kind}, and there are {units}")
    declared = KINDS[task.spec.kind]
    labelled = declared.labelled
    maker = {
        (True, True): model_selection.StratifiedGroupKFold,
        (True, False): model_selection.StratifiedKFold,
        (False, True): model_selection.GroupKFold,
        (False, False): model_selection.KFold,
    }[labelled, grouped]
    labels = [str(declared.columns.value(example)) for example in examples] if labelled else None
    placed = [0] * len(examples)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a label rarer than the folds is then missing from some
        splitter = maker(n_splits=folds, shuffle=True, random_state=seed)
        try:
            for fold, (_, held) in enumerate(splitter.split(examples, labels, groups if grouped else None)):
                for place in held:
                    placed[int(place)] = fold
        except ValueError as error:
            raise FitError(f"task '{task.spec.name}': cannot be cut into {folds} folds: {error}") from error
    return placed


def fold_jobs(job: FitJob) -> Iterator[FitJob]:
    """Make the job of each fold: trained on the others, validated on its own."""
    folds = job.recipe.folds
    assert folds is not None
    placed = [assign(task, folds, job.recipe.draws) for task in job.tasks]
    recipe = job.recipe.model_copy(update={"folds": None})
    for fold in range(folds):
        tasks = tuple(
            replace(
                task,
                train=_part(task.train, [at != fold for at in places]),
                validation=_part(task.train, [at == fold for at in places]),
            )
            for task, places in zip(job.tasks, placed, strict=True)
        )
        yield replace(job, recipe=recipe, tasks=tasks)


def _part(data: Dataset, keep: Sequence[bool]) -> Dataset:
    return replace(data, examples=tuple(e for e, kept in zip(data.examples, keep, strict=True) if kept))


def cross_validate(lesson: Lesson, state: Path, notify: Notify, train: Train = train) -> Validation:
    """Train and validate each fold; return their losses and accuracies, mean and spread, and what they cost.

    Under `state` lies what an interrupted call finished; the spread is the standard deviation over folds (n − 1),
    which is no standard error: the folds share training rows.

    Raises:
        FitError: the data have fewer rows than folds, or a training diverges.
    """
    rows: list[FoldRow] = []
    for fold, job in enumerate(fold_jobs(lesson.job)):
        place = state / f"fold-{fold}.json"
        if not place.is_file():
            name = f"fold {fold + 1}/{lesson.job.recipe.folds}"
            working = state / f"fold-{fold}"
            trained = train(
                replace(lesson, job=job),
                working,
                lambda line, name=name: notify(f"{name}: {line}"),  # type: ignore[misc]
            )
            row = FoldRow(loss=trained.scores.loss, accuracy=trained.scores.accuracy, cost=trained.cost.as_dict())
            if trained.main:
                write_json(place, row)
                shutil.rmtree(working, ignore_errors=True)
            rows.append(row)
        else:
            rows.append(json.loads(place.read_text(encoding="utf-8")))
    loss_mean, loss_sd = _mean_and_spread([row["loss"] for row in rows])
    accuracy_mean, accuracy_sd = _mean_and_spread([row["accuracy"] for row in rows])
    return Validation(
        folds=[{"loss": row["loss"], "accuracy": row["accuracy"]} for row in rows],
        loss_mean=loss_mean,
        loss_sd=loss_sd,
        accuracy_mean=accuracy_mean,
        accuracy_sd=accuracy_sd,
        cost=total([Cost.from_json(row["cost"]) for row in rows]).as_dict(),
    )


def _mean_and_spread(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values):
        return None, None
    return statistics.fmean(numbers), statistics.stdev(numbers)
