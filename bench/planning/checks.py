"""Checks what a suite's names stand for: families, metrics, objectives, limits, checkpoints; each error has
its place."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from bench.candidates import FAMILIES
from bench.candidates.adapters import adapter_of
from bench.candidates.checkpoint import locate
from bench.candidates.family import EXCLUSIVE_KEYS
from bench.candidates.runtimes import RUNTIMES
from bench.catalogue.readings import level_of
from bench.data.source import load
from bench.errors import BenchError, HubError, InputError, UsageError
from bench.fit.recipe import Recipe
from bench.metrics.catalogue import check_limit, check_name, resolve, with_options
from bench.metrics.module import External
from bench.planning.forms import form_checks, prompt_places
from bench.planning.mistakes import Check, Mistakes
from bench.plugins import find_beside, look_beside
from bench.suite import DataSpec, LoadSpec, ModelSpec, Suite, TaskSpec
from bench.suite.curriculum import Curriculum
from bench.suite.endpoint import PACKAGE
from bench.suite.limits import Limit, parse_limit
from bench.suite.load import JUDGED_BY
from bench.suite.rules import RULES
from bench.suite.yaml_file import Loc, Located, read
from bench.tasks import KINDS
from bench.tasks.metrics import first_of
from bench.tasks.prompts import template_for

Section = TypeVar("Section", bound=BaseModel)
AnyFile: TypeAlias = Located[Any]
"""A suite, or a file that is no valid one."""


def name_checks(suite: Located[Suite], *, run_code: bool = True) -> list[Check]:
    """List the checks of every name of the suite that needs no data; each raises one mistake, with its place.

    Args:
        suite: to check.
        run_code: whether metrics of one's own are loaded, which runs their code; else they are only looked for.
    """
    spec = suite.value
    checks: list[Check] = []
    for index, model in enumerate(spec.models):
        checks.append(partial(_with_place, suite, ("models", index, "family"), partial(FAMILIES.check, model.family)))
        if model.family in FAMILIES:
            checks += [partial(check, suite, index, model) for check in (_check_keys, _check_prompts, _check_factory)]
            checks += form_checks(suite, index, model)
        checks += [partial(_check_runtime, suite, loc, name) for loc, name in _runtimes(index, model)]
        checks.append(partial(_check_runtime_used, suite, index, model))
        checks += [partial(check, suite, index, model) for check in (_check_weights, _check_launch)]
    for index, task in enumerate(spec.tasks):
        checks.append(partial(_with_place, suite, ("tasks", index, "kind"), partial(KINDS.check, task.kind)))
        if task.kind in KINDS:
            checks.append(partial(_check_scoring, suite, index, task))
            checks.append(partial(_check_labelled, suite, index, task))
            metrics = partial(_check_metrics, task, suite.path.parent.resolve(), run_code=run_code)
            checks.append(partial(_with_place, suite, ("tasks", index, "metrics"), metrics))
    checks += [partial(_check_reading, suite, ("objectives", i), name) for i, name in enumerate(spec.objectives)]
    checks += [partial(_check_constraint, suite, name, limit) for name, limit in spec.constraints.items()]
    return checks + _decision_checks(suite)


def _decision_checks(suite: Located[Suite]) -> list[Check]:
    """List the checks of every name that the decision mentions, and of what its rule cannot do without."""
    spec = suite.value.decision
    at: list[tuple[Loc, str]] = [] if spec.prefer is None else [(("decision", "prefer"), spec.prefer)]
    at += [(("decision", "order", i), name) for i, name in enumerate(spec.order)]
    tables = {"margins": list(spec.margins), "rates": list(spec.rates), "reference": list(spec.reference)}
    at += [(("decision", key, name), name) for key, names in tables.items() for name in names]
    checks: list[Check] = [partial(_check_reading, suite, place, name) for place, name in at]
    rule = RULES.find(spec.rule)
    lacking = [(key, what) for key, what in rule.needs.items() if not getattr(spec, key)]
    checks += [partial(_lacking, suite, spec.rule, key, what) for key, what in lacking]
    return checks


def _runtimes(index: int, model: ModelSpec) -> Iterator[tuple[Loc, str]]:
    """Yield every runtime that a model's entry names, with its place."""
    if isinstance(model.runtime, str):
        yield ("models", index, "runtime"), model.runtime
    else:
        yield from ((("models", index, "runtime", place), name) for place, name in enumerate(model.runtime))
    yield from (
        (("models", index, "variants", place, "runtime"), variant.runtime)
        for place, variant in enumerate(model.variants)
    )


def _check_runtime(suite: Located[Suite], loc: Loc, name: str) -> None:
    _with_place(suite, loc, partial(RUNTIMES.check, name))


def _check_runtime_used(suite: Located[Suite], index: int, model: ModelSpec) -> None:
    """Raise for a model's `runtime` that executes none of its variants."""
    if "runtime" in model.model_fields_set and all("runtime" in form.model_fields_set for form in model.variants):
        raise suite.error(
            ("models", index, "runtime"),
            "each of its variants names a 'runtime' of its own, so that this one executes nothing; leave it out, or "
            "leave it to this one in a variant",
        )


def _lacking(suite: Located[Suite], rule: str, key: str, what: str) -> None:
    raise suite.error(("decision", "rule"), f"the rule '{rule}' needs decision.{key}: {what}")


def loose_mistakes(suite: AnyFile) -> list[str]:
    """List what else is wrong with a file that is no valid suite: names, recipes and data, as far as they can be read
    in it."""
    tree = suite.value
    checks: list[Check] = []
    for index, model in _entries(tree.get("models")):
        if isinstance(model, Mapping):
            checks += _loose_model_checks(suite, index, model)
    for index, task in _entries(tree.get("tasks")):
        if isinstance(task, Mapping):
            checks += _loose_task_checks(suite, index, task)
    for index, name in _entries(tree.get("objectives")):
        if isinstance(name, str):
            checks.append(partial(_check_reading, suite, ("objectives", index), name))
    limits = tree.get("constraints")
    for name, limit in limits.items() if isinstance(limits, Mapping) else ():
        if isinstance(limit, str):
            checks.append(partial(_check_limit, suite, name, limit))
    mistakes = Mistakes()
    mistakes.gather(checks)
    return list(mistakes.lines)


def _loose_model_checks(suite: AnyFile, index: int, model: Mapping[str, object]) -> list[Check]:
    """List the checks of a model's family, of its own keys and of its recipe, as far as they can be read."""
    checks: list[Check] = []
    family, fit = model.get("family"), model.get("fit")
    if isinstance(family, str):
        checks.append(partial(_with_place, suite, ("models", index, "family"), partial(FAMILIES.check, family)))
    if isinstance(fit, Mapping) and isinstance(recipe := fit.get("recipe"), str):
        solving = FAMILIES[family].solving if isinstance(family, str) and family in FAMILIES else None
        schema: type[Curriculum] = Recipe if solving is None else solving.recipe
        checks.append(partial(read, suite.path.parent / recipe, schema))
    entry = _loose(ModelSpec, model)
    if entry is not None and entry.family in FAMILIES:
        checks.append(partial(_check_own_keys, suite, index, entry))
    return checks


def _loose_task_checks(suite: AnyFile, index: int, task: Mapping[str, object]) -> list[Check]:
    """List the checks of a task's kind, of bench's own metrics and of its file, as far as they can be read."""
    kind, names = task.get("kind"), task.get("metrics")
    if not isinstance(kind, str):
        return []
    checks: list[Check] = [partial(_with_place, suite, ("tasks", index, "kind"), partial(KINDS.check, kind))]
    own = [name for name in names if _is_builtin(name)] if isinstance(names, list) else []
    if own and kind in KINDS:
        checks.append(partial(_with_place, suite, ("tasks", index, "metrics"), partial(resolve, own, KINDS[kind])))
    data = _loose(DataSpec, task.get("data"))
    if data is not None and data.path is not None and kind in KINDS:
        reading = partial(load, data, KINDS[kind].columns, base=suite.path.parent)
        checks.append(partial(_with_place, suite, ("tasks", index, "data"), reading))
    return checks


def _loose(schema: type[Section], value: object) -> Section | None:
    """Read a section of a file; None where it is wrong itself, which the schema says."""
    try:
        return schema.model_validate_json(json.dumps(value))
    except (ValidationError, TypeError):
        return None


def _entries(value: object) -> Iterator[tuple[int, Any]]:
    return enumerate(value if isinstance(value, list) else ())


def _is_builtin(name: object) -> bool:
    """Tell whether it is written as a metric of bench's own is, and not as a module's."""
    return isinstance(name, str) and not {":", "/"} & set(name)


def _check_metrics(task: TaskSpec, beside: Path, *, run_code: bool) -> None:
    if not run_code:
        own = [name for name in task.metrics if not _is_builtin(name)]
        built_in = [name for name in task.metrics if _is_builtin(name)]
        if built_in or not own:
            for metric in with_options(resolve(built_in, KINDS[task.kind]), task.metric_options):
                if metric.settings:
                    metric.prepare()
        for name in own:
            _look_for(name, beside)
        return
    if not all(map(_is_builtin, task.metrics)):
        look_beside(beside)  # a metric may lie beside the suite, as a factory may
    for metric in with_options(resolve(task.metrics, KINDS[task.kind]), task.metric_options):
        if isinstance(metric, External) or metric.settings:
            metric.prepare()


def _look_for(metric: str, beside: Path) -> None:
    """Look for the module of a metric of one's own, and run nothing of it."""
    if metric.startswith("evaluate:") or ":" not in metric:
        return  # a module of the Hub, or a folder: loading it runs it
    module, _, attribute = metric.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise UsageError(f"'{metric}' is not of the form 'package.module:name'")
    if module not in sys.builtin_module_names and find_beside(module, beside) is None:
        raise UsageError(f"'{metric}': no module named '{module}'; put it beside the suite, or install its package")


def _with_place(suite: AnyFile, loc: Loc, call: Callable[[], object]) -> None:
    try:
        call()
    except HubError:
        raise
    except BenchError as error:
        raise suite.error(loc, str(error)) from error


def _check_keys(suite: Located[Suite], index: int, model: ModelSpec) -> None:
    """Check that a model's entry has the keys that its family needs, and none that another family alone reads."""
    family, plain = FAMILIES[model.family], ModelSpec(name=model.name, family=model.family)
    if family.needs and not any(getattr(model, key) for key in family.needs):
        keys = " or a ".join(f"'{key}'" for key in family.needs)
        raise suite.error(("models", index), f"family '{model.family}' needs the key {keys}")
    for key in EXCLUSIVE_KEYS:
        if getattr(model, key) != getattr(plain, key) and key not in family.keys:
            owners = ", ".join(name for name, other in FAMILIES.items() if key in other.keys)
            raise suite.error(
                ("models", index, key),
                f"'{key}' is for {owners}; leave it out of a model of the family '{model.family}'",
            )
    if model.fit is not None and family.learning is None and family.solving is None:
        raise suite.error(("models", index, "fit"), f"a model of the family '{model.family}' cannot be trained")
    if model.serve and suite.value.load is None:
        raise suite.error(
            ("models", index, "serve"), "'serve' puts a model under a load, and the suite has none; add 'load'"
        )
    _check_own_keys(suite, index, model)


def _check_own_keys(suite: AnyFile, index: int, model: ModelSpec) -> None:
    """Check the values of the keys that its family alone reads."""
    for key, mistake in FAMILIES[model.family].mistakes(model):
        raise suite.error(("models", index, key), mistake)


def _check_scoring(suite: Located[Suite], index: int, task: TaskSpec) -> None:
    """Check that `scoring` is asked only of a kind that chooses its answers."""
    if task.scoring is not None and not KINDS[task.kind].scorings:
        choosing = " and ".join(name for name, kind in KINDS.items() if kind.scorings)
        raise suite.error(
            ("tasks", index, "scoring"), f"'scoring' is for {choosing}; leave it out of a {task.kind} task"
        )


def _check_labelled(suite: Located[Suite], index: int, task: TaskSpec) -> None:
    """Check that labels are named only of a kind that has some."""
    kind = KINDS[task.kind]
    if kind.labelled or kind.many_labels:
        return
    labelled = ", ".join(name for name, other in KINDS.items() if other.labelled or other.many_labels)
    for key in ("labels", "label_names"):
        if getattr(task, key):
            raise suite.error(
                ("tasks", index, key), f"'{key}' is for {labelled}; leave it out of a {task.kind} task, which has none"
            )


def _check_weights(suite: Located[Suite], index: int, model: ModelSpec) -> None:
    if model.checkpoint is not None:
        base = suite.path.parent
        _with_place(suite, ("models", index, "checkpoint"), lambda: locate(str(model.checkpoint), base))
        key = "adapter" if model.adapter is not None else "checkpoint"
        _with_place(suite, ("models", index, key), lambda: adapter_of(resolved_model(suite, model)))


def _check_launch(suite: Located[Suite], index: int, model: ModelSpec) -> None:
    """Check that the folder in which a server is to be launched is there, or that a fit of the suite makes it.

    Of a checkpoint that is there already, a folder inside it must be, too.
    """
    launch = None if model.server is None else model.server.launch
    if launch is None:
        return
    base = suite.path.parent.resolve()
    text = launch.folder if launch.folder.startswith(PACKAGE) else str(base / launch.folder)
    fitted = [fit_paths(suite, other)[1] for other in suite.value.models if other.fit is not None]
    outputs = [output.resolve() for output in fitted if output is not None]
    folder = Path(text).resolve()
    if any(out.is_relative_to(folder) or (folder.is_relative_to(out) and not out.exists()) for out in outputs):
        return
    _with_place(suite, ("models", index, "server", "launch", "folder"), lambda: locate(text, base))


def _check_prompts(suite: Located[Suite], index: int, model: ModelSpec) -> None:
    """Check the templates of every candidate of an entry, each at its place."""
    tasks = suite.value.tasks
    for number, task in enumerate(tasks):
        if task.kind not in KINDS or not model.is_for(task.name):
            continue
        for form, own in prompt_places(model, task, tasks):
            at: Loc = ("models", index, *own)
            if not own and task.prompt is not None:
                at = ("tasks", number, "prompt")
            _with_place(suite, at, partial(template_for, form, task))


def _check_factory(suite: Located[Suite], index: int, model: ModelSpec) -> None:
    """Check that a factory is written as one, and that its module lies beside the suite or can be imported."""
    if model.factory is None:
        return
    at = ("models", index, "factory")
    if not re.fullmatch(r"[\w.]+:[\w.]+", model.factory):
        raise suite.error(at, f"'{model.factory}' is not of the form 'package.module:function'")
    package = model.factory.partition(":")[0].partition(".")[0]
    if package not in sys.builtin_module_names and find_beside(package, suite.path.parent.resolve()) is None:
        raise suite.error(
            at, f"there is no module '{package}' beside the suite or on Python's path; put it there, or install it"
        )


def _check_reading(suite: Located[Suite], loc: Loc, name: str) -> None:
    _with_place(suite, loc, partial(check_name, name))
    if isinstance(suite.value, Suite):
        _with_place(suite, loc, partial(_check_level, name, suite.value.load))


def _check_level(name: str, load: LoadSpec | None) -> None:
    """Refuse a reading at a level of load that the suite does not offer, or one that nothing judges.

    Raises:
        InputError: it is either.
    """
    parts = level_of(name)
    needed = JUDGED_BY.get(name if parts is None else parts[0])
    if needed is not None and not (load is not None and getattr(load, needed)):
        raise InputError(f"'{name}' is judged by 'load.{needed}', which the suite does not give; give it")
    if parts is None:
        return
    if load is None:
        raise InputError(f"'{name}' is read at a level of load, and the suite has none; give 'load.levels'")
    if load.levels == "auto":
        raise InputError(
            f"'{name}' is read at a level that all candidates share, and 'load.levels: auto' gives each its own; write "
            f"them out, such as [{parts[1]:g}]"
        )
    if parts[1] not in load.levels:
        rates = ", ".join(f"{rate:g}" for rate in sorted(load.levels))
        raise InputError(f"'{name}' is read at a level that is not offered; 'load.levels' has {rates}")


def _check_constraint(suite: Located[Suite], name: str, limit: Limit) -> None:
    """Check what a limit names, and that its value is possible."""
    _check_reading(suite, ("constraints", name), name)
    _with_place(suite, ("constraints", name), partial(check_limit, limit, first_of(suite.value)))


def _check_limit(suite: AnyFile, name: str, limit: str) -> None:
    """Check a limit of a file that is no valid suite, which the schema has not parsed."""
    _check_reading(suite, ("constraints", name), name)
    _with_place(suite, ("constraints", name), lambda: check_limit(parse_limit(name, limit)))


def resolved_model(suite: Located[Suite], model: ModelSpec) -> ModelSpec:
    """Resolve the model with its checkpoint made absolute, so that a worker can run it from anywhere."""
    updates: dict[str, object] = {}
    if model.checkpoint is not None:
        place = locate(model.checkpoint, suite.path.parent)
        if place.folder is not None:
            updates["checkpoint"] = str(place.folder)
    if model.adapter is not None and model.adapter.base is not None:
        base = locate(model.adapter.base, suite.path.parent).name
        updates["adapter"] = model.adapter.model_copy(update={"base": base})
    return model.model_copy(update=updates)


def fit_paths(suite: Located[Suite], model: ModelSpec) -> tuple[Path, Path | None]:
    """Find the recipe's path and the output folder, both absolute; the second is None for the default
    place."""
    assert model.fit is not None
    base = suite.path.parent.resolve()
    output = None if model.fit.output is None else base / model.fit.output
    return base / model.fit.recipe, output
