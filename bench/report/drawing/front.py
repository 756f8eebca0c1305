"""Draw the front: points with crosses, the step, limits, names, a lane for those far off the scale."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.advice import TaskAdvice
from bench.report.drawing import labels
from bench.report.drawing.axes import LANE, main_range, set_axis, tidy
from bench.report.drawing.limits import draw_arrow, draw_limit
from bench.report.drawing.points import Lanes, Point, box_of, floor_of, obstacles, with_ends, write_names
from bench.report.drawing.svg import GRID, INK, MUTED, SMALL, TEXT, WIDTH_IN, new_figure
from bench.report.marks import Mark
from bench.report.wording import Measure

HEIGHT_IN = 5.3
TICK_HALF_PX = 16.0
"""Half the width of a tick's label with four digits, and a gap."""
MARGINS = {"left": 0.105, "right": 0.985, "top": 0.93, "bottom": 0.125}


def draw(
    points: Sequence[Point],
    steps: Sequence[Point],
    cost: Measure,
    quality: Measure,
    advice: TaskAdvice,
    marks: Mapping[str, Mark],
) -> Figure:
    """Draw the figure."""
    figure = new_figure(HEIGHT_IN)
    left = MARGINS["left"] * WIDTH_IN / figure.get_figwidth()
    figure.subplots_adjust(left=left, right=MARGINS["right"], top=MARGINS["top"], bottom=MARGINS["bottom"])
    axes = figure.add_subplot()
    lanes = _scale(figure, axes, points, cost, quality)
    axes.set_title(_axis_title(quality), loc="left", fontsize=TEXT, color=MUTED)
    tidy(axes)
    taken = obstacles(axes, points, lanes) + _steps(axes, steps, cost, lanes)
    for bound in advice.limits:
        for which, measure in (("x", cost), ("y", quality)):
            if measure.name in (bound.name, bound.reading):
                taken += draw_limit(figure, axes, which, bound, measure.unit, taken)
    for point in sorted(points, key=lambda p: p.on_front):
        _point(axes, point, marks[point.entry.cell.family], lanes)
    taken += draw_arrow(axes, cost, quality, taken)
    write_names(figure, axes, points, marks, taken, lanes)
    return figure


def _scale(figure: Figure, axes: Axes, points: Sequence[Point], cost: Measure, quality: Measure) -> Lanes:
    """Scale both axes to the points and their intervals.

    A few candidates far cheaper than the rest get a lane at the left, baselines far worse than every model one at
    the worse end: they would squeeze the candidates that the choice is between.
    """
    x_from, _ = main_range(cost, [p.at[0] for p in points])
    floor = floor_of(points, quality)
    shown = [p for p in points if floor is None or not floor.holds(p.at[1])]
    log = set_axis(axes, "x", cost, with_ends([p.x for p in points if p.at[0] >= x_from], log=cost.is_cost))
    set_axis(axes, "y", quality, with_ends([p.y for p in shown], log=False))
    axes.set_ylabel("")
    x_at = _left_lane(figure, axes, log=log) if any(p.at[0] < x_from for p in points) else 0.0
    low = {} if floor is None else _floor_lane(axes, [p for p in points if p not in shown], quality.higher_is_better)
    return Lanes(x_from if x_at else -math.inf, x_at, floor, low)


def _left_lane(figure: Figure, axes: Axes, *, log: bool) -> float:
    """Widen the axis by a lane at the left, and return where its points stand."""
    left, right = axes.get_xlim()
    wide = (right / left) ** LANE if log else (right - left) * LANE
    edge = left / wide if log else left - wide
    axes.set_xlim(edge, right)
    axes.axvline(left, color=GRID, linewidth=1.2, linestyle=(0, (1, 2)), zorder=1)
    caption = axes.annotate(
        "‹ far cheaper",
        (0, 0),
        xycoords="axes fraction",
        xytext=(0, -8),
        textcoords="offset points",
        fontsize=SMALL,
        color=MUTED,
        va="top",
    )
    _clear_ticks(axes, box_of(figure, caption)[2])
    return math.sqrt(edge * left) if log else (edge + left) / 2


def _floor_lane(axes: Axes, points: Sequence[Point], higher: bool) -> dict[str, float]:
    """Widen the axis by a lane at its worse end, and return where its candidates stand, the best nearest the
    others."""
    low, high = axes.get_ylim()
    wide = (high - low) * LANE
    border = low if higher else high
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    axes.set_ylim(*((low - wide, high) if higher else (low, high + wide)))
    axes.set_yticks(ticks)
    axes.axhline(border, color=GRID, linewidth=1.2, linestyle=(0, (1, 2)), zorder=1)
    axes.annotate(
        "far worse",
        (0, border - wide / 2 if higher else border + wide / 2),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 0),
        textcoords="offset points",
        fontsize=SMALL,
        color=MUTED,
        ha="right",
        va="center",
    )
    step = (-wide if higher else wide) / (len(points) + 1)
    ordered = sorted(points, key=lambda p: p.at[1], reverse=higher)
    return {p.entry.candidate: border + step * (place + 1) for place, p in enumerate(ordered)}


def _clear_ticks(axes: Axes, edge: float) -> None:
    """Drop the ticks whose labels would run into a text at the left that ends at the pixel `edge`."""
    ticks = [float(tick) for tick in axes.get_xticks()]
    at = axes.transData.transform([(tick, 0.0) for tick in ticks])[:, 0]
    axes.set_xticks([tick for tick, x in zip(ticks, at, strict=True) if x - TICK_HALF_PX > edge])


def _axis_title(quality: Measure) -> str:
    return f"↑ {quality.title}" if quality.higher_is_better else f"↓ {quality.title} (lower is better)"


def _steps(axes: Axes, steps: Sequence[Point], cost: Measure, lanes: Lanes) -> list[labels.Box]:
    """Draw the stepped front and return the boxes that its lines take."""
    at = [lanes.place(p) for p in steps]
    xs, ys = [x for x, _ in at], [y for _, y in at]
    xs.append(axes.get_xlim()[0] if cost.higher_is_better else axes.get_xlim()[1])
    ys.append(ys[-1])
    axes.plot(xs, ys, drawstyle="steps-post", color=INK, linewidth=1.2, alpha=0.55, zorder=2)
    corners = axes.transData.transform(list(zip(xs, ys, strict=True)))
    boxes: list[labels.Box] = []
    for (x0, y0), (x1, y1) in itertools.pairwise(corners):
        boxes.append((min(x0, x1), y0 - 1.5, max(x0, x1), y0 + 1.5))
        boxes.append((x1 - 1.5, min(y0, y1), x1 + 1.5, max(y0, y1)))
    return boxes


def _point(axes: Axes, point: Point, mark: Mark, lanes: Lanes) -> None:
    x, y = lanes.place(point)
    for quantity, horizontal in ((point.x, True), (point.y, False)):
        if quantity.ci_low is None or quantity.ci_high is None or quantity.exact or lanes.is_off(point, horizontal):
            continue
        _interval(axes, (x, y), (quantity.ci_low, quantity.ci_high), mark.colour, horizontal=horizontal)
    if point.is_pick:
        axes.plot([x], [y], "o", markersize=16, markerfacecolor="none", markeredgecolor=INK, zorder=4, mew=1.3)
    face = mark.colour if point.on_front else "none"
    edge = mark.colour
    axes.plot([x], [y], mark.shape, markersize=7.5, markerfacecolor=face, markeredgecolor=edge, mew=1.4, zorder=5)


def _interval(axes: Axes, at: tuple[float, float], ends: tuple[float, float], colour: str, *, horizontal: bool) -> None:
    """Draw one interval; an end that the frame cuts gets an arrow head, so that nobody takes it for the end."""
    least, most = axes.get_xlim() if horizontal else axes.get_ylim()
    drawn = [max(ends[0], least), min(ends[1], most)]
    xs, ys = (drawn, [at[1]] * 2) if horizontal else ([at[0]] * 2, drawn)
    axes.plot(xs, ys, color=colour, linewidth=1.1, alpha=0.5, zorder=3, solid_capstyle="butt")
    for place, (end, edge) in enumerate(zip(ends, (least, most), strict=True)):
        if (end < edge) if place == 0 else (end > edge):
            head = ("<", ">")[place] if horizontal else ("v", "^")[place]
            axes.plot([xs[place]], [ys[place]], head, color=colour, markersize=5, alpha=0.7, zorder=3, clip_on=False)
