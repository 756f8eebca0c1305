"""A series as one line of text."""

from __future__ import annotations

from collections.abc import Sequence

from bench.history.series import Point

BARS = "▁▂▃▄▅▆▇█"
MISSING = "·"
CUT = "│"
"""Between two environments."""
FLAT = 0.01
"""Relative range below which a line is drawn flat: without it the scatter of a steady series fills the height."""


def sparkline(points: Sequence[Point]) -> str:
    """Draw one character per night, with a bar between nights of two environments.

    >>> night = lambda value, segment=0: Point("r", "", value, None, None, None, segment)
    >>> sparkline([night(1.0), night(None), night(2.0), night(1.5, 1)])
    '▁·█│▄'
    """
    values = [point.value for point in points if point.value is not None]
    if not values:
        return MISSING * len(points)
    low, high = min(values), max(values)
    span = high - low
    flat = span <= FLAT * max(abs(low), abs(high))
    text, segment = "", points[0].segment
    for point in points:
        text += CUT if point.segment != segment else ""
        segment = point.segment
        if point.value is None:
            text += MISSING
        else:
            place = 0.5 if flat else (point.value - low) / span
            text += BARS[int(place * (len(BARS) - 1))]
    return text
