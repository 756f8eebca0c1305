"""Draws the front: points with crosses, the step, limits, names, a lane for those far off the scale."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report import labels
from bench.report.advice import TaskAdvice
from bench.report.charts.axes import LANE, main_range, set_axis, tidy
from bench.report.charts.base import ALARM, GRID, INK, MUTED, SMALL, TEXT, WIDTH_IN, new_figure
from bench.report.charts.front_names import Lane, Point, box_of, write_names
from bench.report.marks import Mark
from bench.report.wording import Measure, number

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
    """Returns the figure."""
    figure = new_figure(HEIGHT_IN)
    left = MARGINS["left"] * WIDTH_IN / figure.get_figwidth()
    figure.subplots_adjust(left=left, right=MARGINS["right"], top=MARGINS["top"], bottom=MARGINS["bottom"])
    axes = figure.add_subplot()
    lane = _scale(figure, axes, points, cost, quality)
    axes.set_title(_axis_title(quality), loc="left", fontsize=TEXT, color=MUTED)
    tidy(axes)
    taken = _limits(figure, axes, advice, cost, quality)
    taken += _steps(axes, steps, cost, lane)
    for point in sorted(points, key=lambda p: p.on_front):
        _point(axes, point, marks[point.entry.cell.family], lane)
    taken.append(_arrow(axes, cost, quality))
    write_names(figure, axes, points, marks, taken, lane)
    return figure


def _scale(figure: Figure, axes: Axes, points: Sequence[Point], cost: Measure, quality: Measure) -> Lane:
    """Scales both axes; where a few candidates are far below the rest, gives them a lane at the left."""
    xs = [p.at[0] for p in points]
    low, _ = main_range(cost, xs)
    shown = [x for x in xs if x >= low]
    log = set_axis(axes, "x", cost, shown)
    set_axis(axes, "y", quality, [p.at[1] for p in points])
    axes.set_ylabel("")
    if len(shown) == len(xs):
        return Lane(-math.inf, 0.0)
    left, right = axes.get_xlim()
    wide = (right / left) ** LANE if log else (right - left) * LANE
    edge = left / wide if log else left - wide
    axes.set_xlim(edge, right)
    axes.axvline(left, color=GRID, linewidth=1.2, linestyle=(0, (1, 2)), zorder=1)
    said = axes.annotate(
        "‹ far cheaper",
        (0, 0),
        xycoords="axes fraction",
        xytext=(0, -8),
        textcoords="offset points",
        fontsize=SMALL,
        color=MUTED,
        va="top",
    )
    _clear_ticks(axes, box_of(figure, said)[2])
    return Lane(low, math.sqrt(edge * left) if log else (edge + left) / 2)


def _clear_ticks(axes: Axes, edge: float) -> None:
    """Drops the ticks whose labels would run into a text at the left that ends at the pixel `edge`."""
    ticks = [float(tick) for tick in axes.get_xticks()]
    at = axes.transData.transform([(tick, 0.0) for tick in ticks])[:, 0]
    axes.set_xticks([tick for tick, x in zip(ticks, at, strict=True) if x - TICK_HALF_PX > edge])


def _axis_title(quality: Measure) -> str:
    return f"↑ {quality.title}" if quality.higher_is_better else f"↓ {quality.title} (lower is better)"


def _steps(axes: Axes, steps: Sequence[Point], cost: Measure, lane: Lane) -> list[labels.Box]:
    """Draws the stepped front and returns the boxes that its lines take."""
    xs, ys = [lane.place(p.at[0]) for p in steps], [p.at[1] for p in steps]
    xs.append(axes.get_xlim()[0] if cost.higher_is_better else axes.get_xlim()[1])
    ys.append(ys[-1])
    axes.plot(xs, ys, drawstyle="steps-post", color=INK, linewidth=1.2, alpha=0.55, zorder=2)
    at = axes.transData.transform(list(zip(xs, ys, strict=True)))
    boxes: list[labels.Box] = []
    for (x0, y0), (x1, y1) in itertools.pairwise(at):
        boxes.append((min(x0, x1), y0 - 1.5, max(x0, x1), y0 + 1.5))
        boxes.append((x1 - 1.5, min(y0, y1), x1 + 1.5, max(y0, y1)))
    return boxes


def _point(axes: Axes, point: Point, mark: Mark, lane: Lane) -> None:
    x, y = lane.place(point.at[0]), point.at[1]
    off = point.at[0] < lane.below
    for quantity, horizontal in ((point.x, True), (point.y, False)):
        if quantity.ci_low is None or quantity.ci_high is None or quantity.exact or (horizontal and off):
            continue
        least, most = axes.get_xlim() if horizontal else axes.get_ylim()
        ends = [max(quantity.ci_low, least), min(quantity.ci_high, most)]
        xs, ys = (ends, [y, y]) if horizontal else ([x, x], ends)
        axes.plot(xs, ys, color=mark.colour, linewidth=1.1, alpha=0.5, zorder=3, solid_capstyle="butt")
    if point.is_pick:
        axes.plot(
            [x],
            [y],
            "o",
            markersize=16,
            markerfacecolor="none",
            markeredgecolor=INK,
            markeredgewidth=1.3,
            zorder=4,
        )
    face = mark.colour if point.on_front else "none"
    axes.plot(
        [x],
        [y],
        mark.shape,
        markersize=7.5,
        markerfacecolor=face,
        markeredgecolor=mark.colour,
        markeredgewidth=1.4,
        zorder=5,
    )


def _limits(figure: Figure, axes: Axes, advice: TaskAdvice, cost: Measure, quality: Measure) -> list[labels.Box]:
    """Shades what the suite's limits forbid, and returns the boxes of the texts that say so."""
    boxes: list[labels.Box] = []
    for limit in advice.limits:
        if cost.name in (limit.name, limit.reading):
            low, high = axes.get_xlim()
            if low < limit.value < high:
                axes.axvspan(
                    *sorted((limit.value, high if limit.upper else low)),
                    color=ALARM,
                    alpha=0.06,
                    linewidth=0,
                    zorder=0,
                )
                axes.axvline(limit.value, color=ALARM, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
                boxes.append(_limit_text(figure, axes, limit.value, f"limit {number(limit.value, cost.unit)}"))
        if quality.name in (limit.name, limit.reading):
            low, high = axes.get_ylim()
            if low < limit.value < high:
                axes.axhspan(
                    *sorted((limit.value, high if limit.upper else low)),
                    color=ALARM,
                    alpha=0.06,
                    linewidth=0,
                    zorder=0,
                )
                axes.axhline(limit.value, color=ALARM, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    return boxes


def _limit_text(figure: Figure, axes: Axes, value: float, words: str) -> labels.Box:
    """Writes the limit beside the top of its line, on the side that has room; returns the text's box."""
    right = axes.transAxes.inverted().transform(axes.transData.transform((value, 0)))[0] < 0.8
    text = axes.annotate(
        words,
        (value, 1),
        xycoords=("data", "axes fraction"),
        xytext=(4 if right else -4, -2),
        textcoords="offset points",
        ha="left" if right else "right",
        va="top",
        color=ALARM,
        fontsize=SMALL,
    )
    return box_of(figure, text)


def _arrow(axes: Axes, cost: Measure, quality: Measure) -> labels.Box:
    """Draws the arrow to the better corner, in the worse one, where no good point is."""
    dx, dy = (1 if cost.higher_is_better else -1), (1 if quality.higher_is_better else -1)
    x, y = (0.07 if dx > 0 else 0.93), (0.06 if dy > 0 else 0.94)
    axes.annotate(
        "better",
        xy=(x + dx * 0.055, y + dy * 0.075),
        xytext=(x, y),
        xycoords="axes fraction",
        textcoords="axes fraction",
        ha="center",
        va="center",
        color=MUTED,
        fontsize=SMALL,
        arrowprops={"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.0, "shrinkA": 6, "shrinkB": 0},
    )
    px, py = axes.transAxes.transform((x, y))
    return px - 34, py - 14, px + 28, py + 30
