"""Place labels beside points so that no label covers another label or a point. Geometry only: pixels in,
pixels out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DISTANCES = (7.0, 13.0, 22.0, 34.0, 48.0, 66.0)
"""Pixels from a point to its label that are tried, nearest first."""
LEADER_FROM = 13.0
"""From this distance on a line leads from the label to its point."""
CROWDED = 30
"""With more labels than this only the needed ones are placed; a few others by chance would say nothing."""

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A label to place."""

    x: float
    y: float
    width: float
    height: float
    needed: bool = False
    """Whether it is placed before the others, and further away when need be."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a label stands: its left bottom corner, and whether it needs a line to its point."""

    left: float
    bottom: float
    leader: bool


_DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (1, -1), (0, -1), (-1, -1))
"""Right first, then anticlockwise: where a reader looks first."""


def place(labels: Sequence[Wanted], obstacles: Sequence[Box], bounds: Box) -> list[Placed | None]:
    """Find a place for each label, or None where there is no free one.

    Args:
        labels: the labels, the most important first among the needed and among the rest.
        obstacles: boxes that no label may cover: points, intervals, other texts.
        bounds: the box that every label stays in.
    """
    taken: list[Box] = list(obstacles)
    places: list[Placed | None] = [None] * len(labels)
    for i in sorted(range(len(labels)), key=lambda i: not labels[i].needed):
        if len(labels) > CROWDED and not labels[i].needed:
            continue
        spot = _first_free(labels[i], taken, bounds)
        if spot is not None:
            places[i] = spot
            label = labels[i]
            taken.append((spot.left, spot.bottom, spot.left + label.width, spot.bottom + label.height))
    return places


def _first_free(label: Wanted, taken: Sequence[Box], bounds: Box) -> Placed | None:
    for distance in DISTANCES:
        for dx, dy in _DIRECTIONS:
            box = _box(label, dx, dy, distance)
            if _inside(box, bounds) and not any(overlap(box, other) for other in taken):
                return Placed(box[0], box[1], distance >= LEADER_FROM)
    return None


def _box(label: Wanted, dx: int, dy: int, distance: float) -> Box:
    reach = distance if not (dx and dy) else distance * 0.75
    left = label.x + dx * reach - (0, label.width / 2, label.width)[1 - dx]
    bottom = label.y + dy * reach - (0, label.height / 2, label.height)[1 - dy]
    return left, bottom, left + label.width, bottom + label.height


def _inside(box: Box, bounds: Box) -> bool:
    return box[0] >= bounds[0] and box[1] >= bounds[1] and box[2] <= bounds[2] and box[3] <= bounds[3]


def overlap(a: Box, b: Box) -> bool:
    """Tell whether two boxes share an area."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
