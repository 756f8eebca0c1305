"""The points of a front chart and the names beside them, placed so that none covers another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report import labels
from bench.report.charts.base import INK, MUTED, SMALL
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.wording import number
from bench.summary import Entry, Quantity

LABEL_CHARACTERS = 22
POINT_PX = 6.0
"""Half the side of the box that a point keeps free."""


@dataclass(frozen=True, slots=True)
class Point:
    """One candidate on the chart."""

    entry: Entry
    x: Quantity
    y: Quantity
    on_front: bool
    """Of the whole decision, over all objectives."""
    is_pick: bool

    @property
    def at(self) -> tuple[float, float]:
        """Its coordinates in base units."""
        assert self.x.value is not None and self.y.value is not None
        return self.x.value, self.y.value


@dataclass(frozen=True, slots=True)
class Lane:
    """Where candidates stand whose cost is far below the scale."""

    below: float
    """Costs under this are off the scale."""
    at: float
    """Their place on the axis."""

    def place(self, x: float) -> float:
        """Returns where a cost is drawn."""
        return self.at if x < self.below else x


def box_of(figure: Figure, text: Any) -> labels.Box:
    """Returns the pixels that a text takes."""
    box = text.get_window_extent(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    return float(box.x0), float(box.y0), float(box.x1), float(box.y1)


def write_names(
    figure: Figure,
    axes: Axes,
    points: Sequence[Point],
    marks: Mapping[str, Mark],
    taken: list[labels.Box],
    lane: Lane,
) -> None:
    """Writes names beside points, those of the front and the pick first."""
    ordered = sorted(points, key=lambda p: (not p.is_pick, not p.on_front))
    wanted = []
    for point in ordered:
        x, y = axes.transData.transform((lane.place(point.at[0]), point.at[1]))
        probe = axes.text(0, 0, _words(point, lane), fontsize=SMALL, fontweight=_weight(point))
        left, bottom, right, top = box_of(figure, probe)
        probe.remove()
        wanted.append(labels.Wanted(x, y, right - left + 2, top - bottom, point.on_front or point.is_pick))
        half = POINT_PX + (3 if point.is_pick else 0)
        taken.append((x - half, y - half, x + half, y + half))
        taken += _cross(axes, point, lane)
    frame = axes.get_window_extent()
    bounds = (frame.x0 + 2, frame.y0 + 2, frame.x1 + 4, frame.y1)
    for point, spot in zip(ordered, labels.place(wanted, taken, bounds), strict=True):
        if spot is not None:
            _write(axes, point, spot, marks[point.entry.cell.family], lane)


def _cross(axes: Axes, point: Point, lane: Lane) -> list[labels.Box]:
    """Returns the boxes of a point's intervals."""
    boxes: list[labels.Box] = []
    x, y = lane.place(point.at[0]), point.at[1]
    if point.x.has_interval and not point.x.exact and point.at[0] >= lane.below:
        (x0, y0), (x1, _) = axes.transData.transform([(point.x.ci_low or 0.0, y), (point.x.ci_high or 0.0, y)])
        boxes.append((x0, y0 - 1.5, x1, y0 + 1.5))
    if point.y.has_interval and not point.y.exact:
        (x0, y0), (_, y1) = axes.transData.transform([(x, point.y.ci_low or 0.0), (x, point.y.ci_high or 0.0)])
        boxes.append((x0 - 1.5, y0, x0 + 1.5, y1))
    return boxes


def _words(point: Point, lane: Lane) -> str:
    name = short(point.entry.candidate, LABEL_CHARACTERS)
    if point.at[0] < lane.below:
        name = f"{name} {number(point.at[0], point.x.unit)}"
    return f"{name} — the pick" if point.is_pick else name


def _weight(point: Point) -> str:
    return "bold" if point.is_pick else "normal"


def _write(axes: Axes, point: Point, spot: labels.Placed, mark: Mark, lane: Lane) -> None:
    x, y = axes.transData.transform((lane.place(point.at[0]), point.at[1]))
    colour = INK if point.on_front or point.is_pick else MUTED
    arrow = {
        "arrowstyle": "-",
        "color": mark.colour,
        "linewidth": 0.6,
        "alpha": 0.7,
        "shrinkA": 0,
        "shrinkB": 5,
    }
    axes.annotate(
        _words(point, lane),
        xy=(x, y),
        xycoords="figure points",
        xytext=(spot.left, spot.bottom),
        textcoords="figure points",
        ha="left",
        va="bottom",
        fontsize=SMALL,
        color=colour,
        fontweight=_weight(point),
        zorder=6,
        arrowprops=arrow if spot.leader else None,
        annotation_clip=False,
    )
