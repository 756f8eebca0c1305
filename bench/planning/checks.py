"""Checks what a suite's names stand for: families, metrics, objectives, limits, checkpoints; each error has
its place."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from bench.candidates import FAMILIES
from bench.candidates.checkpoint import locate
from bench.catalogue.readings import ALIASES, METRICS, READINGS
from bench.errors import BenchError, HubError, SuiteError, nearest
from bench.metrics.catalogue import resolve
from bench.metrics.module import External
from bench.plugins import look_beside
from bench.suite import ModelSpec, Suite, TaskSpec
from bench.suite.limits import QUALITY, parse_limit
from bench.suite.rules import RULES
from bench.suite.yaml_file import Loc, Located
from bench.tasks import KINDS, template_for


def check_names(suite: Located[Suite]) -> None:
    """Checks every name of the suite that needs no data.

    Raises:
        SuiteError: names that stand for nothing, one line for each.
    """
    spec = suite.value
    checks: list[Callable[[], object]] = []
    for index, model in enumerate(spec.models):
        checks += [partial(check, suite, index, model) for check in (_check_weights, _check_prompts, _check_factory)]
    for index, task in enumerate(spec.tasks):
        metrics = partial(_check_metrics, task, suite.path.parent.resolve())
        checks.append(partial(_with_place, suite, ("tasks", index, "metrics"), metrics))
    checks += [partial(_check_reading, suite, ("objectives", i), name) for i, name in enumerate(spec.objectives)]
    checks += [partial(_check_reading, suite, ("constraints", name), name) for name in spec.constraints]
    checks += _decision_checks(suite)
    found = _mistakes(checks)
    if found:
        raise SuiteError("\n".join(found))


def _decision_checks(suite: Located[Suite]) -> list[Callable[[], object]]:
    """Returns the checks of every name that the decision mentions, and of what its rule cannot do without."""
    spec = suite.value.decision
    at: list[tuple[Loc, str]] = [] if spec.prefer is None else [(("decision", "prefer"), spec.prefer)]
    at += [(("decision", "order", i), name) for i, name in enumerate(spec.order)]
    tables = {"margins": list(spec.margins), "rates": list(spec.rates), "reference": list(spec.reference)}
    at += [(("decision", key, name), name) for key, names in tables.items() for name in names]
    checks: list[Callable[[], object]] = [partial(_check_reading, suite, place, name) for place, name in at]
    rule = RULES.load(spec.rule)
    lacking = [(key, what) for key, what in rule.needs.items() if not getattr(spec, key)]
    checks += [partial(_lacking, suite, spec.rule, key, what) for key, what in lacking]
    return checks


def _lacking(suite: Located[Suite], rule: str, key: str, what: str) -> None:
    raise suite.error(("decision", "rule"), f"the rule '{rule}' needs decision.{key}: {what}")


def loose_mistakes(suite: Located[Any]) -> list[str]:
    """Returns the wrong names of a file that is no valid suite, as far as they can be read in it."""
    tree = suite.value
    checks: list[Callable[[], object]] = []
    for index, model in _entries(tree.get("models")):
        family = model.get("family") if isinstance(model, Mapping) else None
        if isinstance(family, str):
            checks.append(partial(_with_place, suite, ("models", index, "family"), partial(FAMILIES.check, family)))
    for index, task in _entries(tree.get("tasks")):
        names, kind = (task.get("metrics"), task.get("kind")) if isinstance(task, Mapping) else (None, None)
        own = [name for name in names if _is_builtin(name)] if isinstance(names, list) else []
        if own and isinstance(kind, str) and kind in KINDS:
            at = ("tasks", index, "metrics")
            checks.append(partial(_with_place, suite, at, partial(resolve, own, kind)))
    for index, name in _entries(tree.get("objectives")):
        if isinstance(name, str):
            checks.append(partial(_check_reading, suite, ("objectives", index), name))
    limits = tree.get("constraints")
    for name, limit in limits.items() if isinstance(limits, Mapping) else ():
        if isinstance(limit, str):
            checks.append(partial(_check_limit, suite, name, limit))
    return _mistakes(checks)


def _entries(value: object) -> Iterator[tuple[int, Any]]:
    return enumerate(value if isinstance(value, list) else ())


def _is_builtin(name: object) -> bool:
    """Returns whether it is written as a metric of bench's own is, and not as a module's."""
    return isinstance(name, str) and not {":", "/"} & set(name)


def _mistakes(checks: Sequence[Callable[[], object]]) -> list[str]:
    """Returns the message of each check that fails, in the order of the file's lines."""
    found: list[str] = []
    unreached: HubError | None = None
    for check in checks:
        try:
            check()
        except SuiteError as error:
            found.append(str(error))
        except HubError as error:
            unreached = unreached or error
    if unreached is not None and not found:  # what the file alone can tell comes before what the network lacks
        raise unreached
    return list(dict.fromkeys(found))


def _check_metrics(task: TaskSpec, beside: Path) -> None:
    if not all(map(_is_builtin, task.metrics)):
        look_beside(beside)  # a metric may lie beside the suite, as a factory may
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


def _check_weights(suite: Located[Suite], index: int, model: ModelSpec) -> None:
    _with_place(suite, ("models", index, "family"), lambda: FAMILIES.check(model.family))
    if model.checkpoint is not None:
        base = suite.path.parent
        _with_place(suite, ("models", index, "checkpoint"), lambda: locate(str(model.checkpoint), base))


def _check_prompts(suite: Located[Suite], index: int, model: ModelSpec) -> None:
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


def _check_factory(suite: Located[Suite], index: int, model: ModelSpec) -> None:
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


def _check_limit(suite: Located[Any], name: str, limit: str) -> None:
    """Check a limit of a file that is no valid suite, which the schema has not parsed."""
    _check_reading(suite, ("constraints", name), name)
    _with_place(suite, ("constraints", name), partial(parse_limit, name, limit))


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
