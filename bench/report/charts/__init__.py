"""Static charts, one family of them per module, each a pure function of the view; all are matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from bench.report.advice import TaskAdvice
from bench.report.charts.base import Chart
from bench.report.charts.breaks import break_plates
from bench.report.charts.energy import energy_plates
from bench.report.charts.front import front_plates
from bench.report.charts.latency import latency_plates
from bench.report.charts.parallel import parallel_plates
from bench.report.charts.plate import Plate
from bench.report.charts.quality import quality_plates
from bench.report.charts.readings import memory_plates, token_plates
from bench.report.charts.training import training_plates
from bench.report.charts.variants import variant_plates
from bench.report.marks import Mark
from bench.report.view import RunView, TaskView

__all__ = ["Chart", "Plate", "makers", "plates"]

Maker = Callable[[TaskView, TaskAdvice, Mapping[str, Mark]], Iterator[Plate]]

MAKERS: dict[str, Maker] = {
    "front": front_plates,
    "quality": quality_plates,
    "latency": latency_plates,
    "tokens": token_plates,
    "memory": memory_plates,
    "energy": energy_plates,
    "parallel": parallel_plates,
    "breaks": break_plates,
    "variants": variant_plates,
}
"""By the beginning of their names; a new chart is one module, one entry here and one group in `sections`."""

WHOLE: dict[str, Callable[[RunView, Mapping[str, Mark]], Iterator[Plate]]] = {"training": training_plates}
"""Those that are about the run and not about a task."""

KINDS = (*MAKERS, *WHOLE)
"""All kinds of charts."""


def makers(
    view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark], kind: str
) -> list[Callable[[], list[Plate]]]:
    """Returns what makes the static charts of one kind: a call for each task, or one for the run."""
    if kind in WHOLE:
        return [lambda: list(WHOLE[kind](view, marks))]
    return [partial(_of_task, kind, task, advice[task.name], marks) for task in view.tasks]


def _of_task(kind: str, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> list[Plate]:
    return list(MAKERS[kind](task, advice, marks))


def plates(view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark], kind: str) -> list[Plate]:
    """Returns the static charts of one kind, task by task."""
    return [plate for make in makers(view, advice, marks, kind) for plate in make()]
