"""The charts of the page: each file of this folder declares one, and so may any installed package.

`chart_kinds` looks through the folder and through the entry points of the group `bench.charts`, whose values name a
class (`package.module:Class`). A file may hold a class that derives from `TaskChart` or `RunChart`, and its drawing.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from typing import TypeGuard

from bench.errors import InputError
from bench.plugins import load_object
from bench.report.advice import TaskAdvice
from bench.report.chart import ChartKind, Plate, RunChart, TaskChart
from bench.report.marks import Mark
from bench.report.view import RunView, TaskView

GROUP = "bench.charts"
"""Entry points of other packages' charts."""


@cache
def chart_kinds() -> tuple[ChartKind, ...]:
    """Find every declared chart, in the order of the page.

    Raises:
        InputError: an entry point names no chart, or two charts have one name.
    """
    kinds: dict[str, ChartKind] = {}
    for kind in (*_of_this_folder(), *_of_other_packages()):
        if kind.name in kinds:
            raise InputError(
                f"two charts are named '{kind.name}': {_place(kinds[kind.name])} and {_place(kind)}; rename one of them"
            )
        kinds[kind.name] = kind
    return tuple(sorted(kinds.values(), key=lambda kind: (kind.section.order, kind.section.anchor, kind.order)))


def _of_this_folder() -> Iterator[ChartKind]:
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = import_module(f"{__name__}.{info.name}")
        for member in vars(module).values():
            if is_chart(member) and member.__module__ == module.__name__:
                yield member()


def _of_other_packages() -> Iterator[ChartKind]:
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        declared: object = load_object(point.value)
        if not is_chart(declared):
            raise InputError(
                f"the entry point '{point.name}' of {GROUP} is {point.value}, which is no chart; "
                "name a class that derives from bench.report.chart.TaskChart or RunChart"
            )
        yield declared()


def is_chart(declared: object) -> TypeGuard[type[TaskChart] | type[RunChart]]:
    """Tell whether an object is a class that declares a chart."""
    return (
        isinstance(declared, type) and issubclass(declared, (TaskChart, RunChart)) and not inspect.isabstract(declared)
    )


def _place(kind: ChartKind) -> str:
    return f"{type(kind).__module__}.{type(kind).__name__}"


@dataclass(frozen=True, slots=True)
class Drawing:
    """One kind of chart on one task, or on the run."""

    kind: ChartKind
    task: TaskView | None
    """None for a chart of the run."""
    plates: Callable[[], list[Plate]]
    """Works out the charts and their tables; nothing is drawn yet."""


def drawings(
    view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark], kinds: Sequence[ChartKind] | None = None
) -> list[Drawing]:
    """List what there is to draw, kind by kind and within a kind task by task.

    Args:
        view: the run.
        advice: by task, as `advice_of` gives it.
        marks: of the families of the run.
        kinds: of charts; by default all that are declared.
    """
    listed: list[Drawing] = []
    for kind in chart_kinds() if kinds is None else kinds:
        if isinstance(kind, RunChart):
            if kind.applies(view):
                listed.append(Drawing(kind, None, partial(_of_run, kind, view, marks)))
            continue
        for task in view.tasks:
            if kind.applies(task):
                listed.append(Drawing(kind, task, partial(_of_task, kind, task, advice[task.name], marks)))
    return listed


def _of_run(kind: RunChart, view: RunView, marks: Mapping[str, Mark]) -> list[Plate]:
    return list(kind.draw(view, marks))


def _of_task(kind: TaskChart, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> list[Plate]:
    return list(kind.draw(task, advice, marks))
