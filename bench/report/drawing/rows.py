"""Dot charts of one row per candidate: quality, token times, memory and energy are all drawn by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.drawing.axes import set_axis, tidy
from bench.report.drawing.svg import ALARM, DPI, INK, MUTED, SMALL, TEXT, new_figure
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.wording import Measure

ROW_IN, HEAD_IN, FOOT_IN = 0.25, 0.36, 0.56
BARE_IN = 0.08
"""Head of a chart with no word above it."""
NAME_CHARACTERS = 24
REMARK_CHARACTERS = 9.5
"""Characters per inch of the figure that a remark may take beside the names."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One value of a row."""

    value: float
    low: float | None = None
    high: float | None = None
    series: int = 0
    """Which of the chart's series it belongs to."""


@dataclass(frozen=True, slots=True)
class DotRow:
    """One candidate's row."""

    name: str
    family: str
    dots: tuple[Dot, ...]
    remark: str = ""
    """Written where there is no dot: why."""
    strong: bool = False
    """The pick."""


SERIES = ("full", "hollow", "tick", "cross")
"""How the first, second, … series is drawn, in the family's own colour and shape where it has one."""


def draw_rows(
    rows: Sequence[DotRow],
    measure: Measure,
    marks: Mapping[str, Mark],
    *,
    title: str = "",
    series: Sequence[str] = (),
    joined: bool = False,
    zero: bool = False,
    lines: Sequence[tuple[float, str]] = (),
) -> Figure:
    """Draw the figure.

    Args:
        rows: from the top.
        measure: of the axis.
        marks: of the families.
        title: of the axis, when not the measure's own.
        series: what the series are called.
        joined: whether a row's dots are joined by a line.
        zero: whether the axis marks zero: for differences.
        lines: values with a word: limits, a reference.
    """
    head = HEAD_IN if series or any(words for _, words in lines) else BARE_IN
    height = head + FOOT_IN + ROW_IN * len(rows)
    figure = new_figure(height)
    axes = figure.add_subplot()
    values = [v for row in rows for dot in row.dots for v in (dot.value, dot.low, dot.high) if v is not None]
    set_axis(axes, "x", measure, [*values, *([0.0] if zero else [])] or [1.0], title=title)
    axes.set_xticks(axes.get_xticks() if values else [])
    _names(axes, rows)
    tidy(axes, grid="x")
    if zero:
        axes.axvline(0.0, color=MUTED, linewidth=1.0, zorder=1)
    _lines(axes, lines)
    for place, row in enumerate(rows):
        _row(axes, place, row, marks[row.family], joined=joined)
    _series(axes, series)
    _margins(figure, axes, height, head)
    return figure


def _names(axes: Axes, rows: Sequence[DotRow]) -> None:
    """Write the candidates' names down the left side."""
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [short(row.name, NAME_CHARACTERS) for row in rows], fontsize=TEXT - 1)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_color(INK)
        label.set_fontweight("bold" if row.strong else "normal")
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines["left"].set_visible(False)


def _margins(figure: Figure, axes: Axes, height: float, head: float) -> None:
    """Leave as much room at the left as the longest name needs."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    widest = max((label.get_window_extent(renderer).width for label in axes.get_yticklabels()), default=0.0)
    left = min(0.45, (widest + 12) / (figure.get_figwidth() * DPI))
    figure.subplots_adjust(left=left, right=0.985, top=1 - head / height, bottom=FOOT_IN / height)


def _lines(axes: Axes, lines: Sequence[tuple[float, str]]) -> None:
    low, high = axes.get_xlim()
    for value, words in lines:
        if not low < value < high:
            continue
        right = axes.transAxes.inverted().transform(axes.transData.transform((value, 0)))[0] < 0.8
        axes.axvline(value, color=ALARM, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(
            words,
            (value, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3 if right else -3, 3),
            textcoords="offset points",
            ha="left" if right else "right",
            va="bottom",
            color=ALARM,
            fontsize=SMALL,
        )


def _row(axes: Axes, place: int, row: DotRow, mark: Mark, *, joined: bool) -> None:
    if not row.dots:
        axes.text(
            0.01,
            place,
            short(row.remark or "not measured", int(axes.bbox.width / DPI * REMARK_CHARACTERS)),
            transform=axes.get_yaxis_transform(),
            va="center",
            color=MUTED,
            fontsize=SMALL,
            fontstyle="italic",
        )
        return
    if joined and len(row.dots) > 1:
        xs = [dot.value for dot in row.dots]
        axes.plot([min(xs), max(xs)], [place, place], color=mark.colour, linewidth=1.2, alpha=0.5, zorder=2)
    for dot in row.dots:
        if dot.low is not None and dot.high is not None:
            axes.plot(
                [dot.low, dot.high],
                [place, place],
                color=mark.colour,
                linewidth=2.2,
                alpha=0.45,
                zorder=3,
                solid_capstyle="butt",
            )
        _dot(axes, dot.value, place, SERIES[dot.series % len(SERIES)], mark)


def _dot(axes: Axes, x: float, y: float, look: str, mark: Mark) -> None:
    shape = {"full": mark.shape, "hollow": mark.shape, "tick": "|", "cross": "x"}[look]
    face = "none" if look == "hollow" else mark.colour
    size = 9 if look == "tick" else 6.5
    axes.plot(
        [x],
        [y],
        shape,
        markersize=size,
        markerfacecolor=face,
        markeredgecolor=mark.colour,
        markeredgewidth=1.4,
        zorder=4,
    )


def _series(axes: Axes, names: Sequence[str]) -> None:
    """Write the key of the series above the chart."""
    looks = {"full": "●", "hollow": "○", "tick": "|", "cross": "×"}
    if names:
        key = "    ".join(f"{looks[SERIES[i % len(SERIES)]]} {name}" for i, name in enumerate(names))
        axes.annotate(
            key,
            (1, 1),
            xycoords="axes fraction",
            xytext=(0, 5),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=MUTED,
            fontsize=SMALL,
        )
