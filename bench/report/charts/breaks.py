"""Break points: for each limit, who would be picked at which value of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.decision.sensitivity import BreakPoint
from bench.report import tables
from bench.report.advice import Bound, TaskAdvice
from bench.report.chart import TRADE_OFFS, Chart, Plate, TaskChart
from bench.report.drawing.axes import set_axis
from bench.report.drawing.svg import ALARM, INK, MUTED, SMALL, new_figure
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView
from bench.report.wording import Measure, measure_of, number, plural

ROOM_RIGHT, EDGE = 0.7, 0.84
"""Shares of the width: up to the first a word fits to the right, past the second a centred one would be cut."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A range of a limit over which the pick stays."""

    low: float | None
    """None: from the smallest that was looked at."""
    high: float | None
    pick: str | None
    has_low: bool = True
    """Whether its lower end belongs to it, and not its upper one."""


class Breaks(TaskChart):
    """Who would be picked at which value of each limit."""

    name, title, section, order = "breaks", "What each limit decides", TRADE_OFFS, 20

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give a strip for each limit in absolute terms whose value decides between candidates."""
        if advice.decision is None:
            return
        points = advice.decision.sensitivity.break_points
        families = {e.candidate: e.cell.family for e in task.entries}
        for i, bound in enumerate(advice.limits):
            own = [p for p in points if p.limit.label == bound.key]
            measure = measure_of(bound.name, task.entries)
            if own and measure is not None and not bound.of_best:
                ranges = stretches(own)
                yield Plate(_chart(task, i, bound, measure, ranges, families, marks), _table(measure, ranges))


def stretches(points: Sequence[BreakPoint]) -> list[Stretch]:
    """List the ranges between the break points, rising."""
    has_low = points[0].at_is_above
    ranges = [Stretch(None, points[0].at, points[0].below, has_low)]
    for point, following in zip(points, [*points[1:], None], strict=True):
        ranges.append(Stretch(point.at, following.at if following else None, point.above, has_low))
    return ranges


def _chart(
    task: TaskView,
    number_of: int,
    bound: Bound,
    measure: Measure,
    ranges: Sequence[Stretch],
    families: Mapping[str, str],
    marks: Mapping[str, Mark],
) -> Chart:
    here = next((s for s in ranges if _holds(s, bound.value)), ranges[-1])
    pick = short(here.pick) if here.pick else "nobody"
    return Chart(
        name=f"breaks-{task.number}-{number_of}",
        detail=bound.name,
        title=f"{short(task.name)}: what the limit on {measure.inner} decides",
        takeaway=(
            f"The rule favours {pick} for any limit {_between(here, measure)}; "
            f"the suite's is {number(bound.value, measure.unit)}."
        ),
        description=(
            f"Strip of {plural(len(ranges), 'range')} of the limit, each with the candidate that the rule favours."
        ),
        narrow=task.has_narrow,
        slim=task.crowded,
        draw=lambda: _draw(bound, measure, ranges, families, marks),
        note="Exact on the measured bounds, every other limit as the suite has it.",
    )


def _between(stretch: Stretch, measure: Measure) -> str:
    starts, ends = _edges(stretch)
    low, high = (None if edge is None else number(edge, measure.unit) for edge in (stretch.low, stretch.high))
    if low is not None and high is not None:
        return f"{starts} {low} {'to' if stretch.has_low else 'up to'} {high}"
    return f"{ends} {high}" if low is None else f"{starts} {low}"


def _edges(stretch: Stretch) -> tuple[str, str]:
    return ("from", "below") if stretch.has_low else ("above", "up to")


def _holds(stretch: Stretch, value: float) -> bool:
    low = -math.inf if stretch.low is None else stretch.low
    high = math.inf if stretch.high is None else stretch.high
    return low <= value < high if stretch.has_low else low < value <= high


def _draw(
    bound: Bound,
    measure: Measure,
    ranges: Sequence[Stretch],
    families: Mapping[str, str],
    marks: Mapping[str, Mark],
) -> Figure:
    height = 0.95 + 0.3 * len(ranges)
    figure = new_figure(height)
    figure.subplots_adjust(left=0.02, right=0.985, top=1 - 0.28 / height, bottom=0.55 / height)
    axes = figure.add_subplot()
    edges = [edge for s in ranges for edge in (s.low, s.high) if edge is not None]
    reach = [min(edges) / 1.35, max(edges) * 1.35] if measure.is_cost else []
    set_axis(axes, "x", measure, [*edges, bound.value, *reach], title=f"Limit on {measure.inner}")
    axes.set_ylim(len(ranges) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for place, stretch in enumerate(ranges):
        family = families.get(stretch.pick or "")
        _stretch(axes, place, stretch, None if family is None else marks[family])
    _limit(axes, bound, measure)
    return figure


def _stretch(axes: Axes, place: int, stretch: Stretch, mark: Mark | None) -> None:
    low, high = axes.get_xlim()
    start, end = stretch.low or low, stretch.high or high
    colour, alpha = (mark.colour, 0.85) if mark else (MUTED, 0.3)
    axes.plot([start, end], [place, place], color=colour, linewidth=9, alpha=alpha, solid_capstyle="butt")
    right = _share(axes, end) < ROOM_RIGHT
    axes.annotate(
        short(stretch.pick, 24) if stretch.pick else "nobody is eligible",
        (end if right else start, place),
        xytext=(6 if right else -6, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        fontsize=SMALL,
        color=INK,
    )


def _limit(axes: Axes, bound: Bound, measure: Measure) -> None:
    """Draw the suite's limit, its words above it and inside the chart's width."""
    axes.axvline(bound.value, color=ALARM, linewidth=1.1, linestyle=(0, (4, 3)))
    share = _share(axes, bound.value)
    axes.annotate(
        f"the suite's limit {number(bound.value, measure.unit)}",
        (bound.value, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="left" if share < 1 - EDGE else "right" if share > EDGE else "center",
        color=ALARM,
        fontsize=SMALL,
    )


def _share(axes: Axes, x: float) -> float:
    """Work out where a value stands between the left (0) and the right (1) of the axes."""
    return float(axes.transAxes.inverted().transform(axes.transData.transform((x, 0)))[0])


def _table(measure: Measure, ranges: Sequence[Stretch]) -> tables.Table:
    rows = []
    for stretch in ranges:
        start = "any" if stretch.low is None else number(stretch.low, measure.unit)
        end = "any" if stretch.high is None else number(stretch.high, measure.unit)
        rows.append(
            tables.Row(
                (
                    tables.Item(short(stretch.pick) if stretch.pick else "nobody"),
                    tables.Item(start, stretch.low or 0.0),
                    tables.Item(end, stretch.high if stretch.high is not None else 1e300),
                )
            )
        )
    columns = (
        tables.Column("favoured", numeric=False),
        *(tables.Column(f"limit {edge}") for edge in _edges(ranges[0])),
    )
    return tables.Table(f"Who is favoured at which limit on {measure.short.lower()}", columns, tuple(rows))
