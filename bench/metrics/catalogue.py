"""From the names that a suite gives to metrics, with the defaults of each kind of task.

A name is a metric's own, or that of a group; `package.module:function` for a callable of one's own; or `evaluate:NAME`
for a Hugging Face `evaluate` module (see `bench.metrics.module`). Nothing heavy is imported here: a metric imports
what computes it when it first computes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.catalogue.readings import (
    ALIASES,
    AT,
    AT_LEVEL,
    READINGS,
    SHOWN_RATE,
    at_level,
    in_sentence,
    levels_of,
    meant_by,
)
from bench.errors import InputError, nearest
from bench.metrics.base import Judged, Metric
from bench.plugins import Classes, Declared
from bench.suite.limits import QUALITY, Limit


class Metrics(Declared[type[Metric]]):
    """All metrics by name: those in this folder, and those that entry points add beside them."""

    def __init__(self) -> None:
        required = ("title", "definition", "kinds")
        super().__init__("metric", "bench.metrics", Classes("bench.metrics", Metric, required=required))

    def target(self, name: str) -> str:
        """Name the class of a metric as `module:class`."""
        kind = self[name]
        return f"{kind.__module__}:{kind.__qualname__}"

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Short names for several metrics of bench at once; those of third parties are asked for by their own names."""
        members: dict[str, list[str]] = {}
        for name in sorted(self.built_in):
            for group in self[name].groups:
                members.setdefault(group, []).append(name)
        return {group: tuple(names) for group, names in members.items()}


METRICS = Metrics()
"""Every metric that has a name."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a metric or a reading is called."""

    title: str
    short: str
    phrase: str
    """Inside a sentence."""


def words_of(name: str) -> Words:
    """Find what a metric or a reading is called; a function of one's own is called by its name.

    >>> words_of("latency_p95_s").phrase, words_of("macro_f1").title, words_of("mine:score").title
    ('p95 latency', 'Macro F1', 'mine:score')
    """
    if name in READINGS:
        reading = READINGS[name]
        return Words(reading.title, reading.short, reading.phrase)
    if name in METRICS:
        metric = METRICS[name]
        return Words(metric.title, metric.short, in_sentence(metric.title))
    title = name.replace("_", " ")
    return Words(title, title, in_sentence(name))


def resolve(names: Sequence[str], kind: Judged) -> list[Metric]:
    """Make the metrics of a task in the order named, each once; the kind's defaults where no name is given.

    Raises:
        InputError: no metric has the name, or it makes no sense for the kind.
    """
    asked = list(names) or list(kind.metrics)
    expanded = [single for name in asked for single in METRICS.groups.get(name, (name,))]
    return [_suited(_make(name), kind) for name in dict.fromkeys(expanded)]


def with_options(
    metrics: Sequence[Metric], options: Mapping[str, Mapping[str, str]], *, several: bool = False
) -> list[Metric]:
    """Give metrics the settings of a suite; a group's name stands for all its metrics.

    Raises:
        InputError: the task has no such metric, or the metric no such setting or value.
    """
    names = [metric.name for metric in metrics]
    own: dict[str, dict[str, str]] = {}
    for name, settings in options.items():
        members = [member for member in METRICS.groups.get(name, (name,)) if member in names]
        if not members:
            valid = [*names, *(group for group, inner in METRICS.groups.items() if set(inner) & set(names))]
            raise InputError(f"'metric_options' names '{name}', which is no metric of the task; {nearest(name, valid)}")
        for member in members:
            own.setdefault(member, {}).update(settings)
    return [metric.configured(own.get(metric.name, {}), several=several) for metric in metrics]


def _make(name: str) -> Metric:
    if name in METRICS:
        return METRICS[name]()
    if ":" in name or "/" in name:
        from bench.metrics import module

        return module.find(name)
    valid = [*METRICS, *METRICS.groups]
    raise InputError(
        f"no metric is named '{name}'; {nearest(name, valid)} (one's own: 'package.module:function' or 'evaluate:NAME')"
    )


def fits(metric: Metric | type[Metric], kind: Judged) -> bool:
    """Tell whether a metric makes sense for a kind of task."""
    return kind.answers in metric.kinds or kind.name in metric.kinds


def _suited(metric: Metric, kind: Judged) -> Metric:
    if fits(metric, kind):
        return metric
    fitting = ", ".join(name for name in METRICS if fits(METRICS[name], kind)) or "none of bench's"
    raise InputError(
        f"the metric '{metric.name}' makes no sense for {kind.name}; these do: {fitting} ('{metric.name}' is for "
        f"{', '.join(sorted(metric.kinds))}; the answer to {kind.name} is: {kind.answers})"
    )


def check_name(name: str) -> None:
    """Refuse a name that is neither a reading or its alias, nor a metric, nor `quality`.

    Raises:
        InputError: with the nearest valid name.
    """
    valid = {QUALITY, *READINGS, *ALIASES, *METRICS, *METRICS.groups}
    if name.partition(AT)[0] in AT_LEVEL and name not in READINGS:
        example = at_level(name.partition(AT)[0], SHOWN_RATE)
        raise InputError(f"'{name}' is read at a level of load: write its rate behind it, such as {example}")
    if name not in READINGS and name not in valid and ":" not in name:
        meant = meant_by(name, valid)
        hint = nearest(name, levels_of(name) or valid) if meant is None else f"did you mean '{meant}'?"
        raise InputError(f"'{name}' is no metric and no reading; {hint}")


def check_limit(limit: Limit, firsts: Sequence[str] = ()) -> None:
    """Refuse a limit at a value that its metric cannot have, such as an accuracy of 95 for 95 %.

    Args:
        limit: parsed.
        firsts: the first metric of each task, for which `quality` stands.

    Raises:
        InputError: with the range, and what was probably meant.
    """
    names = tuple(firsts) if limit.name == QUALITY else (limit.name,)
    metrics = [METRICS[name] for name in names if name in METRICS]
    known = bool(metrics) and len(metrics) == len(names)
    if limit.of_best or not known or any(metric.range.admits(limit.value) for metric in metrics):
        return
    metric = metrics[0]
    meant = f"write '{limit.operator} {limit.value:g} %'"
    if metric.unit != "ratio" or not 1 < limit.value <= 100:
        meant = "write a value that it can have"
    low, high, phrase = metric.range.low, metric.range.high, words_of(metric.name).phrase
    raise InputError(f"'{limit.label}': {phrase} is from {low:g} to {high:g}; {meant}")
