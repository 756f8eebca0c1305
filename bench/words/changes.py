"""Changes from one night to another, in words."""

from __future__ import annotations

import math

from bench.units import format_number

POINTS_THAT_COUNT = 0.5
"""Points that the smallest change of a metric that counts stands for."""


def percent_change(change: float | None) -> str:
    """Write a relative change as people say it.

    >>> percent_change(-0.0512)
    '−5.1 %'
    """
    return "unknown" if change is None else f"{100 * change:+.1f} %".replace("-", "−")


def points(change: float, half_point: float) -> str:
    """Write a change that is no ratio as people say it.

    Args:
        change: in the metric's unit.
        half_point: what half a point is in that unit.

    >>> points(-0.021, 0.005), points(1.25, 0.5)
    ('−2.1 points', '+1.2 points')
    """
    return f"{POINTS_THAT_COUNT * change / half_point:+.1f} points".replace("-", "−")


def metric_change(change: float, half_point: float | None) -> str:
    """Write a change of a metric: in points, or as a plain number where points mean nothing.

    >>> metric_change(-0.021, 0.005), metric_change(0.03, None)
    ('−2.1 points', '+0.0300')
    """
    if half_point is None:
        return f"{'+' if change > 0 else '−' if change < 0 else ''}{format_number(abs(change))}"
    return points(change, half_point) if math.isfinite(change) else "unknown"
