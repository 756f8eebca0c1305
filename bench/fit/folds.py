"""K-fold cross-validation of a recipe on its training split; each finished fold is kept over an interruption."""

from __future__ import annotations

import json
import shutil
import statistics
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.data.base import Dataset
from bench.errors import FitError
from bench.fit.cost import Cost, total
from bench.fit.job import FitJob, FitTask, fold_units
from bench.fit.state import write_json
from bench.fit.teaching import Lesson
from bench.fit.training import Notify, train
from bench.tasks import KINDS


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
    placed = [assign(task, folds, job.recipe.seed) for task in job.tasks]
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


def cross_validate(lesson: Lesson, state: Path, notify: Notify) -> dict[str, Any]:
    """Train and validate each fold; return their losses and accuracies, mean and spread, and what they cost.

    Under `state` lies what an interrupted call finished; the spread is the standard deviation over folds (n − 1),
    which is no standard error: the folds share training rows.

    Raises:
        FitError: the data have fewer rows than folds, or a training diverges.
    """
    found: list[Mapping[str, Any]] = []
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
            row = {"loss": trained.scores.loss, "accuracy": trained.scores.accuracy, "cost": trained.cost.as_dict()}
            if trained.main:
                write_json(place, row)
                shutil.rmtree(working, ignore_errors=True)
            found.append(row)
        else:
            found.append(json.loads(place.read_text(encoding="utf-8")))
    cost = total([Cost(**row["cost"]) for row in found])
    return {
        "folds": [{"loss": row["loss"], "accuracy": row["accuracy"]} for row in found],
        **_mean_and_spread("loss", [row["loss"] for row in found]),
        **_mean_and_spread("accuracy", [row["accuracy"] for row in found]),
        "cost": cost.as_dict(),
    }


def _mean_and_spread(name: str, values: Sequence[float | None]) -> dict[str, float | None]:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return {f"{name}_mean": None, f"{name}_sd": None}
    return {f"{name}_mean": statistics.fmean(known), f"{name}_sd": statistics.stdev(known)}
