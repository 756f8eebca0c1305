"""Hyper-parameter search: tries recipes one after another and returns the best. Each finished trial is kept.

A trial is judged on the validation split, or by the mean over folds where the recipe has them; a job holds no
scored row, so none can be used. Proposals depend on the seed, the trial's number and the trials before it alone:
an interrupted search goes on to the very same trials.
"""

from __future__ import annotations

import itertools
import json
import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from bench.errors import EnvironmentLackError, FitError
from bench.fit.cost import Cost, total
from bench.fit.folds import cross_validate
from bench.fit.recipe import NO_OPTUNA
from bench.fit.state import write_json
from bench.fit.teaching import Lesson
from bench.fit.training import DivergedError, Notify, Train, train
from bench.suite.curriculum import Curriculum, Range, Tries

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

STARTUP_SHARE = 4
"""TPE draws its first quarter of the trials at random, at least two and ten (Optuna's default) at most."""

Value: TypeAlias = int | float | str
"""Of one key of the recipe."""


class Trial(TypedDict, total=False):
    """One recipe that was tried, as it is written to its file and to the provenance."""

    number: int
    values: dict[str, Value]
    value: float | None
    """By which it is judged; None for one that diverged."""
    reason: str | None
    """Why it has no value."""
    loss: float | None
    accuracy: float | None
    cost: dict[str, object] | None
    """Of `bench.fit.cost.Cost`."""


def count(search: Tries) -> int:
    """Count the trials."""
    if search.method != "grid":
        return int(search.trials or 1)
    cells = 1
    for values in search.space.values():
        cells *= len(values) if isinstance(values, list) else 1
    return cells if search.trials is None else min(cells, search.trials)


def propose(search: Tries, number: int, before: Sequence[Trial]) -> dict[str, Value]:
    """Propose the values of trial `number` (0 first).

    Raises:
        EnvironmentLackError: the method is `tpe`, and Optuna is not installed.
    """
    if search.method == "grid":
        lists = [values for values in search.space.values() if isinstance(values, list)]
        return dict(zip(search.space, next(itertools.islice(itertools.product(*lists), number, None)), strict=True))
    return _tpe(search, number, before) if search.method == "tpe" else _random(search, number)


def _random(search: Tries, number: int) -> dict[str, Value]:
    import math

    rng = random.Random(f"{search.seed}/{number}")
    values: dict[str, Value] = {}
    for name, among in search.space.items():
        if isinstance(among, list):
            chosen = rng.choice(among)
            values[name] = round(chosen) if search.is_whole(name) and not isinstance(chosen, str) else chosen
        elif among.log:
            drawn = math.exp(rng.uniform(math.log(among.low), math.log(among.high)))
            values[name] = round(drawn) if search.is_whole(name) else drawn
        else:
            drawn = rng.uniform(among.low, among.high)
            values[name] = round(drawn) if search.is_whole(name) else drawn
    return values


def _tpe(search: Tries, number: int, before: Sequence[Trial]) -> dict[str, Value]:
    try:
        import optuna
    except ImportError as error:
        raise EnvironmentLackError(NO_OPTUNA) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    startup = min(10, max(2, count(search) // STARTUP_SHARE))
    sampler = optuna.samplers.TPESampler(seed=search.seed + number, n_startup_trials=startup)
    directions = optuna.study.StudyDirection
    direction = directions.MAXIMIZE if search.metric == "accuracy" else directions.MINIMIZE
    study = optuna.create_study(sampler=sampler, direction=direction)
    ranges = {name: _distribution(search, name, among) for name, among in search.space.items()}
    for trial in before:
        failed = trial["value"] is None
        study.add_trial(
            optuna.trial.create_trial(
                params=dict(trial["values"]),
                distributions=ranges,
                value=trial["value"],
                state=optuna.trial.TrialState.FAIL if failed else optuna.trial.TrialState.COMPLETE,
            )
        )
    return dict(study.ask(fixed_distributions=ranges).params)


def _distribution(search: Tries, name: str, among: Sequence[Value] | Range) -> BaseDistribution:
    import optuna

    if not isinstance(among, Range):
        return optuna.distributions.CategoricalDistribution(among)
    if search.is_whole(name):
        return optuna.distributions.IntDistribution(round(among.low), round(among.high), log=among.log)
    return optuna.distributions.FloatDistribution(among.low, among.high, log=among.log)


def run_search(
    lesson: Lesson, state: Path, notify: Notify, train: Train = train
) -> tuple[Curriculum, dict[str, object]]:
    """Try the recipes; return the best one, and what was tried: `trials`, `best`, `values`, `cost`.

    Args:
        lesson: what is learnt, by a recipe with a search.
        state: folder of what an interrupted search goes on from.
        notify: told of the progress.
        train: makes one training.

    Raises:
        FitError: every trial diverged.
    """
    recipe = lesson.job.recipe
    search = recipe.tries
    assert search is not None
    trials: list[Trial] = []
    for number in range(count(search)):
        place = state / f"trial-{number}.json"
        if place.is_file():
            trials.append(json.loads(place.read_text(encoding="utf-8")))
            continue
        values = propose(search, number, trials)
        name = f"trial {number + 1}/{count(search)}"
        notify(f"{name}: {_shown(values)}")
        told = partial(_named, notify, name)
        trials.append(_trial(lesson, number, values, state, told, train))
    best = choose(trials, search)
    if best is None:
        raise FitError(f"every trial of the search failed; the last one: {trials[-1]['reason']}")
    notify(f"search: trial {best['number'] + 1} is the best, {search.metric} {best['value']:.4f}")
    spent = total([Cost.from_json(trial["cost"]) for trial in trials if trial["cost"] is not None])
    provenance: dict[str, object] = {
        "method": search.method,
        "metric": search.metric,
        "seed": search.seed,
        "trials": list(trials),
        "best": best["number"],
        "values": best["values"],
        "cost": spent.as_dict(),
    }
    return recipe.with_values(best["values"]), provenance


def _named(notify: Notify, name: str, line: str) -> None:
    notify(f"{name}: {line}")


def _shown(values: Mapping[str, Value]) -> str:
    parts = [f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()]
    return ", ".join(parts)


def choose(trials: Sequence[Trial], search: Tries) -> Trial | None:
    """Choose the best trial, the first of equals; None when all failed."""
    judged = [(trial["value"], trial) for trial in trials if trial["value"] is not None]
    sign = -1 if search.metric == "accuracy" else 1
    return min(judged, key=lambda pair: sign * pair[0], default=(None, None))[1]


def _trial(lesson: Lesson, number: int, values: dict[str, Value], state: Path, notify: Notify, train: Train) -> Trial:
    recipe = lesson.job.recipe.with_values(values)
    tries = lesson.job.recipe.tries
    assert tries is not None
    metric = tries.metric
    working = state / f"trial-{number}"
    tried = replace(lesson, job=replace(lesson.job, recipe=recipe))
    row: Trial = {"number": number, "values": values, "value": None, "reason": None, "cost": None}
    main = True
    try:
        if recipe.folds is not None:
            validation = cross_validate(tried, working, notify, train)
            row["loss"], row["accuracy"] = validation["loss_mean"], validation["accuracy_mean"]
            row["cost"] = validation["cost"]
        else:
            trained = train(tried, working, notify)
            main = trained.main
            row["loss"], row["accuracy"] = trained.scores.loss, trained.scores.accuracy
            row["cost"] = trained.cost.as_dict()
        row["value"] = row[metric]
        row["reason"] = None if row["value"] is not None else f"this training has no {metric}"
    except FitError as error:
        row["reason"] = str(error)
        row["cost"] = error.cost.as_dict() if isinstance(error, DivergedError) and error.cost else None
    if main:
        write_json(state / f"trial-{number}.json", row)
        shutil.rmtree(working, ignore_errors=True)
    return row
