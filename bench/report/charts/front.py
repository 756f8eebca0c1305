"""The front: quality against one cost, every candidate of a task, the best attainable as a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.decision.draws import is_estimate
from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.chart import FRONT, Chart, Plate, TaskChart
from bench.report.drawing.front import draw
from bench.report.drawing.limits import off_scale
from bench.report.drawing.points import Point
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView
from bench.report.wording import Measure, among, is_baseline, listed, number, plural, times
from bench.suite.limits import QUALITY


class Front(TaskChart):
    """The front against the first cost of the suite that a task has."""

    name, title, section, order = "front", "Quality against the first cost", FRONT, 10

    def applies(self, task: TaskView) -> bool:
        """Tell whether anything was scored and the suite names a cost."""
        return bool(task.costs) and task.quality is not None

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give the front against the first cost that candidates with a quality have."""
        for cost in task.costs:
            chart = front_chart(task, cost, advice, marks)
            if chart is not None:
                yield Plate(chart, tables.beside_front(task, cost, advice, marks))
                return


def front_chart(task: TaskView, cost: Measure, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Chart | None:
    """Chart quality against `cost`; None when no candidate has both."""
    quality = task.quality
    points = points_of(task, cost, advice)
    if quality is None or not points:
        return None
    steps = step_front(points, cost.higher_is_better, quality.higher_is_better)
    missing = [entry.candidate for entry in task.entries if entry not in [p.entry for p in points]]
    return Chart(
        name=f"front-{task.number}-{cost.name.replace('_', '-')}",
        title=f"{short(task.name)}: {quality.title} against {cost.inner}",
        takeaway=takeaway(points, cost, quality),
        description=f"Scatter chart of {plural(len(points), 'candidate')}; {describe(steps, cost, quality)}",
        draw=lambda: draw(points, steps, cost, quality, advice, marks),
        detail=cost.name,
        narrow=task.has_narrow,
        note=_note(points, cost, advice, missing),
    )


def _note(points: Sequence[Point], cost: Measure, advice: TaskAdvice, missing: Sequence[str]) -> str:
    """Say how to read the chart, and what is not on it."""
    guessed = any(is_estimate(p.x) for p in points)
    crosses = "Crosses are 95 % intervals" + (", across an estimate's low and high bound." if guessed else ".")
    text = f"{crosses} Filled: on the front over all objectives. Hollow: not on it."
    most = max(max(p.at[0], p.x.ci_high or p.at[0]) for p in points)
    text += off_scale([(b, cost.unit, most) for b in advice.limits if cost.name in (b.name, b.reading)])
    if missing:
        text += f" Not on the chart, because a value is missing: {listed([short(m) for m in missing])}."
    return text


def points_of(task: TaskView, cost: Measure, advice: TaskAdvice) -> list[Point]:
    """List the candidates that have a quality and this cost."""
    points = []
    for entry in task.measured(QUALITY, cost.name):
        x, y = entry.quantity(cost.name), entry.quantity(QUALITY)
        if x is not None and y is not None:
            points.append(Point(entry, x, y, entry.candidate in advice.front, entry.candidate == advice.pick))
    return points


def step_front(points: Sequence[Point], x_high: bool, y_high: bool) -> list[Point]:
    """Choose the points that no other beats on these two axes, from the best `x` to the worst."""
    sx, sy = (-1 if x_high else 1), (1 if y_high else -1)
    steps: list[Point] = []
    for point in sorted(points, key=lambda p: (sx * p.at[0], -sy * p.at[1], p.entry.candidate)):
        if not steps or sy * point.at[1] > sy * steps[-1].at[1]:
            steps.append(point)
    return steps


def takeaway(points: Sequence[Point], cost: Measure, quality: Measure) -> str:
    """Say what the chart shows of the models in one sentence; baselines are what a model should beat."""
    models = [p for p in points if not is_baseline(p.entry)] or list(points)
    steps = step_front(models, cost.higher_is_better, quality.higher_is_better)
    best, cheap = steps[-1], steps[0]
    sentence = among([p.entry for p in points], [p.entry for p in models])
    gives, takes = number(best.at[1], quality.unit), number(best.at[0], cost.unit)
    if len(models) == 1:
        floor = _floor(points, best, quality)
        return f"{short(best.entry.candidate)} is the only model: {quality.inner} {gives} at {takes}{floor}."
    if best is cheap:
        both = f"the best {quality.inner}, {gives}, and the {cost.extreme} {cost.inner}, {takes}"
        return f"{sentence}{short(best.entry.candidate)} has both {both}{_floor(points, best, quality)}."
    return (
        f"{sentence}{short(best.entry.candidate)} has the best {quality.inner}, {gives} at {takes}; "
        f"{short(cheap.entry.candidate)} has the {cost.extreme} {cost.inner}, {number(cheap.at[0], cost.unit)}"
        f"{_much(best.at[0], cheap.at[0], cost)}, and reaches {number(cheap.at[1], quality.unit)}"
        f"{_floor(points, best, quality)}."
    )


def _much(best: float, cheap: float, cost: Measure) -> str:
    if min(best, cheap) <= 0 or best == cheap:
        return ""
    return f" ({times(max(best, cheap) / min(best, cheap))} {'more' if cost.higher_is_better else 'less'})"


def _floor(points: Sequence[Point], best: Point, quality: Measure) -> str:
    """Say that a baseline is better than the best model, where one is."""
    sign = 1 if quality.higher_is_better else -1
    floors = [p for p in points if is_baseline(p.entry) and sign * p.at[1] > sign * best.at[1]]
    if not floors:
        return ""
    top = max(floors, key=lambda p: sign * p.at[1])
    return f"; the baseline {short(top.entry.candidate)} is better still, {number(top.at[1], quality.unit)}"


def describe(steps: Sequence[Point], cost: Measure, quality: Measure) -> str:
    """Describe the steps of the front."""
    phrases = [
        f"{short(p.entry.candidate)} ({number(p.at[0], cost.unit)}, {number(p.at[1], quality.unit)})" for p in steps
    ]
    return f"the best {quality.inner} at each {cost.inner} is held by {listed(phrases, 12)}."
