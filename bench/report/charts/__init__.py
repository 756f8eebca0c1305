"""The charts of the page: each file of this folder declares one, and so may any installed package.

A file holds a class that derives from `TaskChart` or `RunChart`, and its drawing; an entry point of the group
`bench.charts` has the chart's name, and names its class (`package.module:Class`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bench.plugins import Classes, Declared, Instances
from bench.report.advice import TaskAdvice
from bench.report.chart import ChartKind, DeclaredChart, Plate, RunChart, TaskChart
from bench.report.marks import Mark
from bench.report.view import RunView, TaskView

CHARTS: Declared[DeclaredChart] = Declared("chart", "bench.charts", Instances(Classes(__name__, DeclaredChart)))
"""Every kind of chart by name."""


def chart_kinds() -> tuple[ChartKind, ...]:
    """Sort the declared charts into the order of the page.

    Raises:
        UsageError: an entry point names no chart, or takes the name of a chart of bench.
    """
    kinds = [kind for kind in CHARTS.values() if isinstance(kind, (TaskChart, RunChart))]
    return tuple(sorted(kinds, key=lambda kind: (kind.section.order, kind.section.anchor, kind.order)))


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
