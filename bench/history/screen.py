"""At first sight: is a night's value further from its baseline than that reading moves by itself?

Cheap and quick to suspect, since a suspicion is settled by a rerun and not by this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.history.effects import levels, scale_of
from bench.history.series import Point, Series
from bench.history.trend import SIGMA_PER_MAD

Floats = NDArray[np.float64]

RECENT = 10
"""Nights before the candidate that show how much the reading moves by itself."""
FEWEST_RECENT = 4
"""Below it their scatter is not known, and the smallest effect decides alone."""
SIGMAS = 1.5
"""Standard deviations of single nights from which a change is suspected: 13 % of noisy readings then cost a
needless rerun, and a 10 % step hides in a noise of 4 % once in ten (`benchmarks/gate.py`)."""


@dataclass(frozen=True, slots=True)
class Screened:
    """What the first look says."""

    shift: float
    """Candidate less baseline on the scale of the levels (`effects.levels`), the machine's speed taken out."""
    threshold: float
    suspected: bool
    worse: bool
    """Whether the suspicion is of a worse reading."""
    spread: float = 0.0
    """Standard deviation of single nights, from their median absolute deviation; 0 where it is not known."""


def screen(series: Series, candidate: Point, baseline: Point) -> Screened | None:
    """Returns the first look at one reading; None where it cannot be judged.

    Suspected: further than the threshold from the baseline, or from the median of the recent nights, which a
    single odd baseline does not hide.

    Args:
        series: with all its points.
        candidate: the point that is judged; it has a value.
        baseline: the point that it is judged by; it has a value, and is of the same segment.
    """
    before = recent_points(series.points, candidate)[-RECENT:]
    values = levels(series, [candidate, baseline, *before])
    if values is None:
        return None
    recent = values[2:]
    scale, known = scale_of(series.reading, series.unit), len(recent) >= FEWEST_RECENT
    spread = SIGMA_PER_MAD * float(np.median(np.abs(recent - np.median(recent)))) if known else 0.0
    threshold = max(scale.step, SIGMAS * spread)
    shift = float(values[0] - values[1])
    shifts = [shift, float(values[0] - np.median(recent))] if known else [shift]
    largest = max(shifts, key=lambda s: s * _worse_sign(series))
    smallest = min(shifts, key=lambda s: s * _worse_sign(series))
    worst = largest * _worse_sign(series) >= threshold
    best = smallest * _worse_sign(series) <= -threshold
    return Screened(shift, threshold, worst or best, worst, spread)


def _worse_sign(series: Series) -> float:
    return -1.0 if series.larger_is_better else 1.0


def recent_points(points: Sequence[Point], candidate: Point) -> list[Point]:
    """Returns the points with a value of the candidate's segment from before it, oldest first."""
    return [
        point
        for point in points
        if point.value is not None and point.segment == candidate.segment and point.started_at < candidate.started_at
    ]
