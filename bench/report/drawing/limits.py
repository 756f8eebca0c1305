"""What a scatter chart says beside its points: the suite's limits, and which way is better."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.advice import Bound
from bench.report.drawing import labels
from bench.report.drawing.points import box_of
from bench.report.drawing.svg import ALARM, MUTED, SMALL
from bench.report.wording import Measure, number

LINE_PX = 2.0
"""Half the width that a line keeps free of words."""
DASHES = (0, (4, 3))
SPOTS = {
    "x": ((1, "left", "top"), (1, "right", "top"), (0, "left", "bottom"), (0, "right", "bottom")),
    "y": ((1, "right", "bottom"), (1, "right", "top"), (0, "left", "bottom"), (0, "left", "top")),
}
"""Where a limit's words may stand, nearest to where a reader looks first: end of the line, and alignments."""


def draw_limit(
    figure: Figure, axes: Axes, which: str, bound: Bound, unit: str, avoid: Sequence[labels.Box]
) -> list[labels.Box]:
    """Draw a limit that lies on the scale and return the boxes that its line and words take.

    Args:
        figure: of the axes.
        axes: scaled already.
        which: the axis that the limit is on, `x` or `y`.
        bound: the limit.
        unit: base unit of the axis.
        avoid: points and other lines that the words should not cover.
    """
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    if not low < bound.value < high:
        return []
    span, line = (axes.axvspan, axes.axvline) if which == "x" else (axes.axhspan, axes.axhline)
    span(*sorted((bound.value, high if bound.upper else low)), color=ALARM, alpha=0.06, linewidth=0, zorder=0)
    line(bound.value, color=ALARM, linewidth=1.0, linestyle=DASHES, zorder=1)
    words = _words(figure, axes, which, bound.value, f"limit {number(bound.value, unit)}", avoid)
    return [words, _line_box(axes, which, bound.value)]


def off_scale(limits: Sequence[tuple[Bound, str, float]]) -> str:
    """Say which limits lie beyond what is drawn: bounds with their unit and the largest value."""
    far = [f"{number(bound.value, unit)}" for bound, unit, most in limits if bound.upper and bound.value > most]
    return f" The limit of {' and '.join(far)} is off the scale: every point drawn is below it." if far else ""


def _line_box(axes: Axes, which: str, value: float) -> labels.Box:
    frame = axes.get_window_extent()
    if which == "x":
        x = float(axes.transData.transform((value, axes.get_ylim()[0]))[0])
        return x - LINE_PX, frame.y0, x + LINE_PX, frame.y1
    y = float(axes.transData.transform((axes.get_xlim()[0], value))[1])
    return frame.x0, y - LINE_PX, frame.x1, y + LINE_PX


def _words(figure: Figure, axes: Axes, which: str, value: float, words: str, avoid: Sequence[labels.Box]) -> labels.Box:
    """Write the words at the first end and side of the line where they cover nothing, else at the first."""
    frame = axes.get_window_extent()
    for end, across, along in (*SPOTS[which], SPOTS[which][0]):
        at = (value, end) if which == "x" else (end, value)
        coords = ("data", "axes fraction") if which == "x" else ("axes fraction", "data")
        shift = (4 if across == "left" else -4, -2 if along == "top" else 3)
        text = axes.annotate(
            words,
            at,
            xycoords=coords,
            xytext=shift,
            textcoords="offset points",
            ha=across,
            va=along,
            color=ALARM,
            fontsize=SMALL,
        )
        box = box_of(figure, text)
        inside = frame.x0 <= box[0] and box[2] <= frame.x1
        if inside and not any(labels.overlap(box, other) for other in avoid):
            return box
        text.remove()
    axes.add_artist(text)
    return box


ARROW = (-34.0, -14.0, 28.0, 30.0)
"""Pixels that the arrow and its word take around the word's middle, when it points up and left."""
ARROW_SPOTS = (0.07, 0.2, 0.35, 0.5, 0.65, 0.8)
"""How far from the worse corner its word is tried, as shares of either axis."""


def draw_arrow(axes: Axes, cost: Measure, quality: Measure, avoid: Sequence[labels.Box]) -> list[labels.Box]:
    """Draw the arrow to the better corner where it covers nothing, from the worse corner on; return its box."""
    dx, dy = (1 if cost.higher_is_better else -1), (1 if quality.higher_is_better else -1)
    spots = sorted(((a, b) for a in ARROW_SPOTS for b in ARROW_SPOTS), key=lambda spot: (sum(spot), spot))
    for across, up in spots:
        x, y = (across if dx > 0 else 1 - across), (up if dy > 0 else 1 - up)
        px, py = axes.transAxes.transform((x, y))
        wide, high = sorted((-dx * ARROW[0], -dx * ARROW[2])), sorted((dy * ARROW[1], dy * ARROW[3]))
        box = (px + wide[0], py + high[0], px + wide[1], py + high[1])
        if not any(labels.overlap(box, other) for other in avoid):
            _arrow(axes, (x, y), (dx, dy))
            return [box]
    arrow = {(-1, 1): "↖", (1, 1): "↗", (-1, -1): "↙", (1, -1): "↘"}[dx, dy]
    axes.set_title(f"better {arrow}", loc="right", fontsize=SMALL, color=MUTED)
    return []


def _arrow(axes: Axes, at: tuple[float, float], to: tuple[int, int]) -> None:
    axes.annotate(
        "better",
        xy=(at[0] + to[0] * 0.055, at[1] + to[1] * 0.075),
        xytext=at,
        xycoords="axes fraction",
        textcoords="axes fraction",
        ha="center",
        va="center",
        color=MUTED,
        fontsize=SMALL,
        arrowprops={"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.0, "shrinkA": 6, "shrinkB": 0},
    )
