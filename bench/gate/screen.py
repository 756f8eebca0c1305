"""At first sight: is a night's value further from its baseline than that reading moves by itself?

Cheap and quick to suspect, since a suspicion is settled by a rerun and not by this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.history.effects import levels, scale_of, seen_by_users
from bench.history.series import Point, Series
from bench.history.trend import SIGMA_PER_MAD

Floats = NDArray[np.float64]

RECENT = 10
"""Nights before the candidate that show how much the reading moves by itself."""
FEWEST_RECENT = 4
"""Below it their scatter is not known, and the smallest effect decides alone."""
SIGMAS = 1.5
"""Standard deviations of single nights from which a change is suspected: 13 % of noisy readings then cost a
needless rerun, and a 10 % step hides in a noise of 4 % once in ten (`benchmarks/gate.py`). It is a price and not a
level: a suspicion costs a rerun and fails nothing, whatever the world."""
EXTRAORDINARY = 6.0
"""Standard deviations of single nights from which the very same model on the very same machine is worth a person's
look. Nights have heavy tails (a neighbour, heat), and a lasting change is the trend alarm's to find."""
LEAST_EXTRAORDINARY = math.log1p(0.10)
USUAL_SPREAD = 0.05
"""Of nights on a shared machine, where there are too few to know it."""


@dataclass(frozen=True, slots=True)
class Screened:
    """What the first look says."""

    shift: float
    """Candidate less baseline on the scale of the levels (`effects.levels`), the machine's speed taken out."""
    threshold: float
    suspected: bool
    worse: bool
    """Whether the suspicion is of a worse reading."""
    shifts: tuple[float, ...] = ()
    """From the baseline, and from the median of the recent nights where that is known."""
    spread: float | None = None
    """Standard deviation of single nights, from their median absolute deviation; None where it is not known."""

    @property
    def is_extraordinary(self) -> bool:
        """Tell whether every shift is beyond what nights show by themselves: `EXTRAORDINARY` standard deviations, and
        at least a tenth."""
        spread = USUAL_SPREAD if self.spread is None else self.spread
        least = max(LEAST_EXTRAORDINARY, EXTRAORDINARY * spread)
        return all(abs(shift) >= least for shift in self.shifts)


def screen(series: Series, candidate: Point, baseline: Point, *, changed: bool = False) -> Screened | None:
    """Take a first look at one reading; None where it cannot be judged.

    Suspected: further than the threshold from the baseline, or from the median of the recent nights, which a
    single odd baseline does not hide.

    Args:
        series: with all its points.
        candidate: the point that is judged; it has a value.
        baseline: the point that it is judged by; it has a value, and is of the same segment.
        changed: the model is another one. Both can then be run side by side, which no machine disturbs, and a
            needless suspicion costs time alone: one is raised also when the values show a change that is gone once
            the canary is taken out, for a canary that was taken while others worked hides a slower model.
    """
    before = recent_points(series.points, candidate)[-RECENT:]
    points = [candidate, baseline, *before]
    values, raw = levels(series, points), levels(series, points, machine_out=False)
    if values is None or raw is None:
        return None
    scale, has_recent = scale_of(series.reading, series.unit), len(before) >= FEWEST_RECENT
    spread = SIGMA_PER_MAD * float(np.median(np.abs(values[2:] - np.median(values[2:])))) if has_recent else None
    threshold = max(scale.step, SIGMAS * (spread or 0.0))
    pairs = list(zip(_shifts(values, has_recent), _shifts(raw, has_recent), strict=True))
    if changed:
        far = [shift for pair in pairs for shift in pair if abs(shift) >= threshold]
    else:
        far = [shift for shift, shown in pairs if abs(shift) >= threshold and seen_by_users(shown, shift, scale.step)]
    worse = any((shift < 0) == series.larger_is_better for shift in far)
    return Screened(pairs[0][0], threshold, bool(far), worse, tuple(_shifts(values, has_recent)), spread)


def _shifts(values: Floats, has_recent: bool) -> list[float]:
    """Compute how far the first value is from the second, and from the median of the rest where that is known."""
    beside = [float(values[0] - values[1])]
    return [*beside, float(values[0] - np.median(values[2:]))] if has_recent else beside


def recent_points(points: Sequence[Point], candidate: Point) -> list[Point]:
    """List the points with a value of the candidate's segment from before it, oldest first."""
    return [
        point
        for point in points
        if point.value is not None and point.segment == candidate.segment and point.started_at < candidate.started_at
    ]
