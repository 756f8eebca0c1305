"""Draw what happens over the rate of requests, and the requests of one level."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.drawing.axes import DASHES, set_axis, tidy
from bench.report.drawing.svg import ALARM, GRID, INK, MUTED, SMALL, TEXT, WIDTH_IN, new_figure
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.wording import Measure

HEIGHT_IN, HEAD_IN, FOOT_IN = 5.0, 0.34, 0.58
NAME_CHARACTERS = 20
NAMES_IN = 1.5
"""Inches for the names at the right."""
GAP = 0.075
"""Least distance of two names, as a share of the axis."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One level of one candidate."""

    rate: float
    value: float
    """Infinite where so many requests failed."""
    low: float | None = None
    high: float | None = None
    second: float | None = None
    """In the lower panel."""
    is_last_kept: bool = False
    """Whether it is the highest level within the SLO."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One candidate over the rate."""

    name: str
    family: str
    spots: tuple[Spot, ...]
    capacity: float | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """What one of the axes shows."""

    measure: Measure
    title: str
    limit: tuple[float, str] | None = None
    """A value with its words."""


def draw_curves(curves: Sequence[Curve], upper: Panel, lower: Panel | None, marks: Mapping[str, Mark]) -> Figure:
    """Draw every candidate over the offered rate, in one panel or two.

    Args:
        curves: the candidates.
        upper: of the values.
        lower: of the second values; None to draw none.
        marks: of the families.
    """
    height = HEIGHT_IN if lower is not None else 0.6 * HEIGHT_IN
    figure = new_figure(height)
    width = figure.get_figwidth()
    figure.subplots_adjust(
        left=0.85 / width, right=1 - NAMES_IN / width, top=1 - HEAD_IN / height, bottom=FOOT_IN / height, hspace=0.3
    )
    panels = [upper] if lower is None else [upper, lower]
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    rates = [spot.rate for curve in curves for spot in curve.spots]
    rates += [curve.capacity for curve in curves if curve.capacity is not None]
    for place, (one, panel) in enumerate(zip(axes, panels, strict=True)):
        _panel(one, panel, curves, marks, second=place == 1)
    room = 0.06 * (max(rates) - min(rates)) or 0.1 * max(rates)
    axes[-1].set_xlim(max(0.0, min(rates) - room), max(rates) + room)
    axes[-1].set_xlabel("offered requests per second")
    return figure


def _panel(axes: Axes, panel: Panel, curves: Sequence[Curve], marks: Mapping[str, Mark], *, second: bool) -> None:
    values = [v for curve in curves for spot in curve.spots if (v := _value(spot, second=second)) is not None]
    finite = [value for value in values if math.isfinite(value)] + ([panel.limit[0]] if panel.limit else [])
    shown = [*finite, 0.0, *([] if any(finite) else [1.0])] if second else finite or [1.0]
    set_axis(axes, "y", panel.measure, shown, title=panel.title)
    axes.set_title(axes.get_ylabel(), loc="left", fontsize=TEXT, color=MUTED)
    axes.set_ylabel("")
    tidy(axes)
    if panel.limit is not None:
        _limit(axes, *panel.limit)
    turns: dict[str, int] = {}
    ends: list[tuple[float, float, Curve]] = []
    for curve in curves:
        turn = turns[curve.family] = turns.get(curve.family, -1) + 1
        end = _curve(axes, curve, marks[curve.family], turn, second=second)
        if end is not None:
            ends.append((*end, curve))
    _names(axes, ends)


def _value(spot: Spot, *, second: bool) -> float | None:
    return spot.second if second else spot.value


def _limit(axes: Axes, value: float, words: str) -> None:
    axes.axhline(value, color=ALARM, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        words,
        (0, value),
        xycoords=("axes fraction", "data"),
        xytext=(4, 3),
        textcoords="offset points",
        color=ALARM,
        fontsize=SMALL,
    )


def _curve(axes: Axes, curve: Curve, mark: Mark, turn: int, *, second: bool) -> tuple[float, float] | None:
    """Draw one candidate; return where its line ends."""
    top = axes.get_ylim()[1]
    points = [(spot, value) for spot in curve.spots if (value := _value(spot, second=second)) is not None]
    drawn = [(spot, value) for spot, value in points if math.isfinite(value)]
    xs, ys = [spot.rate for spot, _ in drawn], [value for _, value in drawn]
    width = 2.2 if curve.strong else 1.3
    face = mark.colour if turn == 0 else "none"
    axes.plot(
        xs,
        ys,
        color=mark.colour,
        linewidth=width,
        linestyle=DASHES[turn % len(DASHES)],
        marker=mark.shape,
        markersize=5.5,
        markerfacecolor=face,
        zorder=3,
    )
    for spot, value in points:
        if math.isinf(value):  # at the edge: never
            axes.plot([spot.rate], [top], "x", color=mark.colour, markersize=8, clip_on=False, zorder=4)
        elif not second and spot.low is not None and spot.high is not None and math.isfinite(spot.high):
            axes.plot([spot.rate] * 2, [spot.low, spot.high], color=mark.colour, alpha=0.45, linewidth=2.2, zorder=2)
        if spot.is_last_kept and not second and math.isfinite(value):
            axes.plot([spot.rate], [value], "o", markersize=14, markerfacecolor="none", markeredgecolor=INK, zorder=4)
    if curve.capacity is not None:
        axes.axvline(curve.capacity, color=mark.colour, linewidth=1.0, linestyle=(0, (1, 2)), alpha=0.8, zorder=1)
    return (xs[-1], ys[-1]) if drawn else None


def _names(axes: Axes, ends: Sequence[tuple[float, float, Curve]]) -> None:
    """Write the names at the right of the axis, pushed apart, in the order in which the lines end."""
    to_axes = axes.transData + axes.transAxes.inverted()
    placed = sorted(((float(to_axes.transform((x, y))[1]), curve) for x, y, curve in ends), key=lambda pair: pair[0])
    last = -GAP
    for y, curve in placed:
        last = max(min(y, 1.0), last + GAP)
        axes.annotate(
            short(curve.name, NAME_CHARACTERS),
            (1.015, last),
            xycoords="axes fraction",
            fontsize=SMALL,
            color=INK,
            fontweight="bold" if curve.strong else "normal",
            va="center",
            annotation_clip=False,
        )


@dataclass(frozen=True, slots=True)
class Bar:
    """One request: seconds from the beginning of its level."""

    intended: float
    sent: float
    first: float | None
    end: float
    failed: bool
    good: bool | None
    """Whether it kept the SLO; None without one."""


def draw_timeline(bars: Sequence[Bar], colour: str) -> Figure:
    """Draw each request from its intended moment to its end, one above the other in their order."""
    figure = new_figure(4.2)
    axes = figure.add_subplot()
    figure.subplots_adjust(left=0.75 / figure.get_figwidth(), right=0.985, top=0.9, bottom=0.14)
    for place, bar in enumerate(bars):
        tint = ALARM if bar.failed or bar.good is False else colour
        first = bar.end if bar.first is None else bar.first
        axes.plot([bar.intended, first], [place] * 2, color=tint, linewidth=1.2, alpha=0.45, solid_capstyle="butt")
        axes.plot([first, bar.end], [place] * 2, color=tint, linewidth=1.8, solid_capstyle="butt")
        if bar.failed:
            axes.plot([bar.end], [place], "x", color=ALARM, markersize=6)
    axes.plot([bar.intended for bar in bars], range(len(bars)), color=INK, linewidth=0.9, zorder=3)
    axes.set_ylim(-1, len(bars))
    axes.set_xlabel("seconds from the beginning of the level")
    wide = figure.get_figwidth() >= WIDTH_IN
    key = "each request: faint until its first token, strong until its end"
    axes.set_title(key + (" (red: late or failed)" if wide else ""), loc="left", fontsize=SMALL, color=MUTED)
    axes.set_ylabel("requests, in their order")
    tidy(axes, grid="x")
    axes.spines["left"].set_color(GRID)
    return figure
