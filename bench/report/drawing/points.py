"""The points of a front chart and the names beside them, placed so that none covers another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from bench.report.drawing import labels
from bench.report.drawing.svg import INK, MUTED, SMALL
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.wording import Measure, is_baseline, number
from bench.summary import Entry, Quantity

LABEL_CHARACTERS = 22
FEWEST, MOST_GAP = 2, 0.5
"""A floor is cut off from so many models on, where the gap to them is over this share of the scale."""
REACH = 1.0
"""Intervals may widen an axis by this many times the spread of its points, on each side."""
USUAL_REACH = 1.5
"""Times the distance that an end of an interval mostly has from its value: the ends that are not unusual fit."""
LEAST_RATIO, LEAST_SHARE = 1.5, 0.15
"""At least so much, as a factor on a log axis and as a share of the value on a linear one: points may coincide."""
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
        """Return the coordinates in base units."""
        assert self.x.value is not None and self.y.value is not None
        return self.x.value, self.y.value


@dataclass(frozen=True, slots=True)
class Floor:
    """The qualities that are far worse than those of every model."""

    worst: float
    """The worst quality that is on the scale."""
    higher: bool
    """Whether a higher quality is better."""

    def holds(self, quality: float) -> bool:
        """Tell whether a quality is off the scale."""
        return quality < self.worst if self.higher else quality > self.worst


@dataclass(frozen=True, slots=True)
class Lanes:
    """Where candidates stand that are off the scale: far cheaper, or far worse than every model."""

    below: float
    """Costs under this are off the scale."""
    x_at: float
    floor: Floor | None
    y_at: Mapping[str, float]
    """By candidate, of those that are far worse."""

    def is_off(self, point: Point, horizontal: bool) -> bool:
        """Tell whether a point is off the scale of one axis."""
        return point.at[0] < self.below if horizontal else self.floor is not None and self.floor.holds(point.at[1])

    def place(self, point: Point) -> tuple[float, float]:
        """Work out where a point is drawn."""
        x, y = point.at
        return self.x_at if self.is_off(point, True) else x, self.y_at[point.entry.candidate] if self.is_off(
            point, False
        ) else y


def floor_of(points: Sequence[Point], quality: Measure) -> Floor | None:
    """Find what is far worse than every model: baselines, where the gap to the models takes most of the scale."""
    sign = 1 if quality.higher_is_better else -1
    models = [sign * p.at[1] for p in points if not is_baseline(p.entry)]
    floors = [v for p in points if is_baseline(p.entry) and (v := sign * p.at[1]) < min(models, default=v)]
    if len(models) < FEWEST or not floors:
        return None
    gap, whole = min(models) - max(floors), max(models) - min(floors)
    return Floor(sign * min(models), quality.higher_is_better) if gap > MOST_GAP * whole else None


def with_ends(quantities: Sequence[Quantity], *, log: bool) -> list[float]:
    """List the values and the ends of their intervals, no end further out than the values' own spread or than most
    intervals reach.

    One interval that dwarfs all else would leave nothing to see; where they all are wide, that is what there is to see.
    """
    values = [q.value for q in quantities if q.value is not None]
    low, high = min(values), max(values)
    log = log and low > 0
    ends = [
        (q.value, end)
        for q in quantities
        if not q.exact and q.value is not None
        for end in (q.ci_low, q.ci_high)
        if end is not None and (end > 0 or not log)
    ]
    if log:
        usual = median_low([max(end / value, value / end) for value, end in ends] or [1.0])
        reach = max((high / low) ** REACH, LEAST_RATIO, usual**USUAL_REACH)
        least, most = low / reach, high * reach
    else:
        usual = median_low([abs(end - value) for value, end in ends] or [0.0])
        reach = max((high - low) * REACH, abs(high) * LEAST_SHARE, usual * USUAL_REACH)
        least, most = low - reach, high + reach
    return [*values, *(min(max(end, least), most) for _, end in ends)]


def box_of(figure: Figure, text: Text) -> labels.Box:
    """Measure the pixels that a text takes."""
    box = text.get_window_extent(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    return float(box.x0), float(box.y0), float(box.x1), float(box.y1)


def write_names(
    figure: Figure,
    axes: Axes,
    points: Sequence[Point],
    marks: Mapping[str, Mark],
    taken: list[labels.Box],
    lanes: Lanes,
) -> None:
    """Write names beside points, those of the front and the pick first."""
    ordered = sorted(points, key=lambda p: (not p.is_pick, not p.on_front))
    names = []
    for point in ordered:
        x, y = axes.transData.transform(lanes.place(point))
        probe = axes.text(0, 0, _words(point, lanes), fontsize=SMALL, fontweight=_weight(point))
        left, bottom, right, top = box_of(figure, probe)
        probe.remove()
        names.append(labels.Wanted(x, y, right - left + 2, top - bottom, point.on_front or point.is_pick))
    frame = axes.get_window_extent()
    bounds = (frame.x0 + 2, frame.y0 + 2, frame.x1 + 4, frame.y1)
    for point, spot in zip(ordered, labels.place(names, taken, bounds), strict=True):
        if spot is not None:
            _write(axes, point, spot, marks[point.entry.cell.family], lanes)


def obstacles(axes: Axes, points: Sequence[Point], lanes: Lanes) -> list[labels.Box]:
    """List the boxes of the points and of their intervals."""
    boxes: list[labels.Box] = []
    for point in points:
        x, y = axes.transData.transform(lanes.place(point))
        half = POINT_PX + (3 if point.is_pick else 0)
        boxes.append((x - half, y - half, x + half, y + half))
        boxes += _cross(axes, point, lanes)
    return boxes


def _cross(axes: Axes, point: Point, lanes: Lanes) -> list[labels.Box]:
    """List the boxes of a point's intervals."""
    boxes: list[labels.Box] = []
    x, y = lanes.place(point)
    if point.x.has_interval and not point.x.exact and not lanes.is_off(point, True):
        (x0, y0), (x1, _) = axes.transData.transform([(point.x.ci_low or 0.0, y), (point.x.ci_high or 0.0, y)])
        boxes.append((x0, y0 - 1.5, x1, y0 + 1.5))
    if point.y.has_interval and not point.y.exact and not lanes.is_off(point, False):
        (x0, y0), (_, y1) = axes.transData.transform([(x, point.y.ci_low or 0.0), (x, point.y.ci_high or 0.0)])
        boxes.append((x0 - 1.5, y0, x0 + 1.5, y1))
    return boxes


def _words(point: Point, lanes: Lanes) -> str:
    """Write the name; of a point off the scale with the number that its place does not tell, quality before cost."""
    off = [number(q.value, q.unit) for q, flat in ((point.y, False), (point.x, True)) if lanes.is_off(point, flat)]
    name = " ".join([short(point.entry.candidate, LABEL_CHARACTERS), *off[:1]])
    return f"{name} — the pick" if point.is_pick else name


def _weight(point: Point) -> str:
    return "bold" if point.is_pick else "normal"


def _write(axes: Axes, point: Point, spot: labels.Placed, mark: Mark, lanes: Lanes) -> None:
    x, y = axes.transData.transform(lanes.place(point))
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
        _words(point, lanes),
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
