"""Checks what a suite's names stand for: families, metrics, objectives, limits, checkpoints; each error has
its place."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from bench.errors import BenchError, HubError, nearest
from bench.metrics.catalogue import resolve
from bench.metrics.module import External
from bench.models import FAMILIES
from bench.models.checkpoint import locate, weights_identity
from bench.readings import ALIASES, METRICS, READINGS
from bench.record import content_hash
from bench.suite import LIMIT, ModelSpec, Suite, TaskSpec
from bench.tasks import template_for
from bench.units import parse_quantity
from bench.yaml_file import Loc, Located

QUALITY = "quality"
"""Objective that stands for each task's first metric."""
OF_BEST = re.compile(r"^(.*?)\s*%\s*of\s+best$")
"""A limit relative to the best candidate: `>= 95 % of best`."""


def check_names(suite: Located[Suite]) -> None:
    """Checks every name of the suite that needs no data.

    Raises:
        SuiteError: at the first name that stands for nothing.
    """
    for index, model in enumerate(suite.value.models):
        _check_model(suite, index, model)
    for index, task in enumerate(suite.value.tasks):
        at = ("tasks", index, "metrics")
        _with_place(suite, at, lambda task=task: _check_metrics(task))
    for index, name in enumerate(suite.value.objectives):
        _check_reading(suite, ("objectives", index), name)
    for name, limit in suite.value.constraints.items():
        _check_limit(suite, name, limit)
    if suite.value.decision.prefer is not None:
        _check_reading(suite, ("decision", "prefer"), suite.value.decision.prefer)


def _check_metrics(task: TaskSpec) -> None:
    for metric in resolve(task.metrics, task.kind):
        if isinstance(metric, External):
            metric.prepare()


def _with_place(suite: Located[Suite], loc: Loc, call: object) -> None:
    try:
        call()  # type: ignore[operator]
    except HubError:
        raise
    except BenchError as error:
        raise suite.error(loc, str(error)) from error


def _check_model(suite: Located[Suite], index: int, model: ModelSpec) -> None:
    _with_place(suite, ("models", index, "family"), lambda: FAMILIES.check(model.family))
    if model.checkpoint is not None:
        base = suite.path.parent
        _with_place(suite, ("models", index, "checkpoint"), lambda: locate(str(model.checkpoint), base))
    for task in suite.value.tasks:
        at: Sequence[int | str] = ("models", index)
        if task.name in model.prompts:
            at = ("models", index, "prompts", task.name)
        elif task.prompt is not None:
            at = ("tasks", suite.value.tasks.index(task), "prompt")
        _with_place(suite, at, lambda task=task: template_for(model, task))
    known = [task.name for task in suite.value.tasks]
    for name in model.prompts:
        if name not in known:
            raise suite.error(("models", index, "prompts", name), f"no task is named '{name}'; {nearest(name, known)}")
    if model.factory is not None and not re.fullmatch(r"[\w.]+:[\w.]+", model.factory):
        raise suite.error(
            ("models", index, "factory"), f"'{model.factory}' is not of the form 'package.module:function'"
        )
    if model.factory is not None:
        _check_importable(suite, index, model.factory)


def _check_importable(suite: Located[Suite], index: int, factory: str) -> None:
    """Raises when no module of a factory's name lies beside the suite or on Python's path; nothing is imported."""
    package = factory.partition(":")[0].partition(".")[0]
    folders = [str(suite.path.parent.resolve()), *sys.path]
    if package not in sys.builtin_module_names and PathFinder.find_spec(package, folders) is None:
        raise suite.error(
            ("models", index, "factory"),
            f"there is no module '{package}' beside the suite or on Python's path; put it there, or install it",
        )


def _check_reading(suite: Located[Suite], loc: Loc, name: str) -> None:
    valid = {QUALITY, *READINGS, *ALIASES, *METRICS}
    if name not in valid and ":" not in name:
        raise suite.error(loc, f"'{name}' is no metric and no reading; {nearest(name, valid)}")


def _check_limit(suite: Located[Suite], name: str, limit: str) -> None:
    loc = ("constraints", name)
    _check_reading(suite, loc, name)
    match = LIMIT.match(limit)
    if match is None:
        raise suite.error(loc, f"'{limit}' is no limit; begin with <= or >=, such as '<= 50 ms' or '>= 0.85'")
    quantity = match.group(2)
    relative = OF_BEST.match(quantity)
    reading = READINGS.get(ALIASES.get(name, name))
    unit = reading.unit if reading is not None and relative is None else "ratio"
    text = f"{relative.group(1)} %" if relative is not None else quantity
    _with_place(suite, loc, lambda: parse_quantity(text, unit))


def resolved_model(suite: Located[Suite], model: ModelSpec) -> ModelSpec:
    """Returns the model with its checkpoint made absolute, so that a worker can run it from anywhere."""
    updates: dict[str, object] = {}
    if model.checkpoint is not None:
        place = locate(model.checkpoint, suite.path.parent)
        if place.folder is not None:
            updates["checkpoint"] = str(place.folder)
    return model.model_copy(update=updates)


def fit_paths(suite: Located[Suite], model: ModelSpec) -> tuple[Path, Path | None]:
    """Returns the recipe's path and the output folder, both absolute; the second is None for the default
    place."""
    assert model.fit is not None
    base = suite.path.parent.resolve()
    output = None if model.fit.output is None else base / model.fit.output
    return base / model.fit.recipe, output


def task_place(suite: Located[Suite], task: TaskSpec) -> Loc:
    """Returns where a task's data stands in the file."""
    return ("tasks", suite.value.tasks.index(task), "data")


def loaded_identity(spec: ModelSpec, base: Path) -> str:
    """Returns what identifies the weights of a resolved model: a hash of its files, its Hub name and revision, or
    its factory with the source."""
    if spec.factory is not None:
        module = spec.factory.partition(":")[0]
        beside = base / Path(*module.split(".")).with_suffix(".py")
        found = None if beside.is_file() else _find_spec(module)
        origin = beside if found is None else Path(str(found.origin))
        source = origin.read_text(encoding="utf-8") if origin.is_file() else ""
        weights = [] if spec.checkpoint is None else [weights_identity(spec.checkpoint, None, None)]
        return content_hash([spec.factory, source, *weights])
    if spec.checkpoint is None:
        return content_hash([spec.family, spec.strategy])
    return weights_identity(spec.checkpoint, spec.subfolder, spec.revision)


def _find_spec(module: str) -> Any:
    try:
        return importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
