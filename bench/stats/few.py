"""Intervals where nearly all observations are alike, so that a resample cannot show what the next one might be.

If none of n observations is odd, up to 1 − 0.025^(1/n) of all there are may be (the rule of three, with 3.7 in place of
3 for one tail of 2.5 %); such an observation may have any value that is possible at all. So the interval needs the
bounds of what is measured, and there is none without them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bench.stats.proportion import FEW, clopper_pearson

Floats = NDArray[np.float64]
Interval = tuple[float, float]

ALIKE = 1e-9
"""Share of the largest value below which two leave-one-out values differ by rounding alone."""
FEW_ODD_SAID = "fewer than 5 of the observations are unlike the rest: the interval holds what the next ones may be"
"""What is said of an interval of `with_unseen`."""
TAIL = -math.log(0.025)
"""Of a standard exponential distribution: what 2.5 % of it exceed."""


def odd_ones(values: Floats) -> int:
    """Count the observations that are unlike the commonest, by what each contributes.

    Args:
        values: the estimate with each observation left out, or the observations themselves; shape `(n,)`.

    >>> odd_ones(np.array([1.0, 1.0, 1.0, 0.5])), odd_ones(np.ones(7)), odd_ones(np.arange(4.0))
    (1, 0, 3)
    """
    if not values.size:
        return 0
    grain = ALIKE * float(np.abs(values).max()) or 1.0
    _, counts = np.unique(np.round(values / grain), return_counts=True)
    return int(values.size - counts.max())


def is_few_odd(odd: int) -> bool:
    """Tell whether so few observations are odd that the bootstrap covers less than it says."""
    return odd < FEW


def with_unseen(
    point: float, odd: int, n: float, bounds: tuple[float, float], confidence: float = 0.95
) -> Interval | None:
    """Compute what the mean of all there is may be, though at most a few of `n` observations were odd; None without
    bounds.

    The share that is odd is at most Clopper and Pearson's upper end; the part of it that was not seen may lie at either
    bound.

    Args:
        point: the estimate.
        odd: observations that are unlike the rest.
        n: observations, or as many independent ones as they are worth.
        bounds: the least and the greatest value that is possible.
        confidence: nominal coverage, at least.

    >>> tuple(round(end, 3) for end in with_unseen(1.0, 0, 10, (0.0, 1.0)))
    (0.692, 1.0)
    """
    if not all(map(math.isfinite, bounds)):
        return None
    _, most = clopper_pearson(odd, n, confidence) or (0.0, 1.0)
    unseen = most - odd / n
    return point - unseen * (point - bounds[0]), point + unseen * (bounds[1] - point)


def hull(a: Interval | None, b: Interval | None) -> Interval | None:
    """Compute the smallest interval that holds both; the other where one is None."""
    if a is None or b is None:
        return a or b
    return min(a[0], b[0]), max(a[1], b[1])


def alike_draws(point: float, interval: Interval, replicates: int, rng: np.random.Generator) -> Floats:
    """Draw an estimate of which every observation was alike, shape `(replicates,)`, as wide as its interval.

    The share of what was not seen is exponential in the limit of many observations; it lies on a side that the interval
    has, on either with equal chance where it has both.

    Args:
        point: the estimate.
        interval: its interval of 95 %, which no draw leaves by more than its own width.
        replicates: how many.
        rng: shared by candidates that are compared, so that two which are alike stay so in every draw.
    """
    below, above = point - interval[0], interval[1] - point
    up = rng.uniform(size=replicates) < above / max(below + above, np.finfo(np.float64).tiny)
    size = np.minimum(rng.exponential(size=replicates) / TAIL, 2.0)
    return np.asarray(point + size * np.where(up, above, -below), dtype=np.float64)
