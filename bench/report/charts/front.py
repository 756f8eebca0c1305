"""The front: quality against one cost, every candidate of a task, the best attainable as a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.charts.base import Chart
from bench.report.charts.front_drawing import draw
from bench.report.charts.front_names import Point
from bench.report.charts.plate import Plate
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView
from bench.report.wording import Measure, listed, number, plural, times


def front_plates(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
    """Yields the front against the first cost of the suite that this task has."""
    for cost in task.costs:
        chart = front_chart(task, cost, advice, marks)
        if chart is not None:
            yield Plate(chart, tables.beside_front(task, cost, advice, marks))
            return


def front_chart(task: TaskView, cost: Measure, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Chart | None:
    """Returns quality against `cost`; None when no candidate has both."""
    quality = task.quality
    points = points_of(task, cost, advice)
    if quality is None or not points:
        return None
    steps = step_front(points, cost.higher_is_better, quality.higher_is_better)
    missing = [entry.candidate for entry in task.entries if entry not in [p.entry for p in points]]
    return Chart(
        name=f"front-{task.number}-{cost.name.replace('_', '-')}",
        title=f"{short(task.name)}: {quality.title} against {cost.inner}",
        takeaway=takeaway(steps, cost, quality),
        description=f"Scatter chart of {plural(len(points), 'candidate')}; {describe(steps, cost, quality)}",
        draw=lambda: draw(points, steps, cost, quality, advice, marks),
        narrow=not task.crowded,
        note=_note(missing),
    )


def _note(missing: Sequence[str]) -> str:
    text = "Crosses are 95 % intervals. Filled: on the front over all objectives. Hollow: dominated or unresolved."
    return (
        f"{text} Not on the chart, because a value is missing: {listed([short(m) for m in missing])}."
        if missing
        else text
    )


def points_of(task: TaskView, cost: Measure, advice: TaskAdvice) -> list[Point]:
    """Returns the candidates that have a quality and this cost."""
    found = []
    for entry in task.measured("quality", cost.name):
        x, y = entry.quantity(cost.name), entry.quantity("quality")
        if x is not None and y is not None:
            found.append(Point(entry, x, y, entry.candidate in advice.front, entry.candidate == advice.pick))
    return found


def step_front(points: Sequence[Point], x_high: bool, y_high: bool) -> list[Point]:
    """Returns the points that no other beats on these two axes, from the best `x` to the worst."""
    sx, sy = (-1 if x_high else 1), (1 if y_high else -1)
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (sx * p.at[0], -sy * p.at[1], p.entry.candidate)):
        if not kept or sy * point.at[1] > sy * kept[-1].at[1]:
            kept.append(point)
    return kept


def takeaway(steps: Sequence[Point], cost: Measure, quality: Measure) -> str:
    """Returns what the front says in one sentence."""
    best = steps[-1]
    said = (
        f"{short(best.entry.candidate)} has the best {quality.inner} of all, "
        f"{number(best.at[1], quality.unit)} at {number(best.at[0], cost.unit)}"
    )
    models = [p for p in steps if p.entry.cell.family != "baseline"] or list(steps)
    if len(models) == 1:
        return f"{said}, and no other model is on this front."
    cheap = models[0]
    ratio = max(best.at[0], cheap.at[0]) / min(best.at[0], cheap.at[0]) if min(best.at[0], cheap.at[0]) > 0 else 0.0
    much = f" ({times(ratio)} {'more' if cost.higher_is_better else 'less'})" if ratio else ""
    return (
        f"{said}; at the other end of the front {short(cheap.entry.candidate)} needs "
        f"{number(cheap.at[0], cost.unit)}{much} and reaches {number(cheap.at[1], quality.unit)}."
    )


def describe(steps: Sequence[Point], cost: Measure, quality: Measure) -> str:
    """Returns the steps of the front in words."""
    said = [
        f"{short(p.entry.candidate)} ({number(p.at[0], cost.unit)}, {number(p.at[1], quality.unit)})" for p in steps
    ]
    return f"the best {quality.inner} at each {cost.inner} is held by {listed(said, 12)}."
