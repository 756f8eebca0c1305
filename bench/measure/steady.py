"""When a warm-up is over: the last iterations show no trend, and the first of them does not stick out.

The rule looks at repeats of one and the same request, so that differences of input do not look like a trend.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.stats.ranks import theil_slope

MIN_WARMUP_ITERATIONS = 3
"""The first compiles and allocates, the second fills caches."""
TREND_SHARE = 0.05
"""Change over the window, by Theil–Sen's slope, that counts as a trend; half the 10 % at which scatter is
doubted."""
OUTLYING_FIRST_SHARE = 0.10
"""Excess of the window's first value over the median of the others, below which it is not called outlying."""
OUTLIER_Z = 3.5
"""Modified z-score of an outlier. Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993."""
MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def is_steady(durations: Sequence[float], window: int) -> bool:
    """Find out whether the last `window` durations (any unit) are steady.

    >>> is_steady([9.0, 1.0, 1.01, 1.0, 1.01, 1.0], 5)
    True
    >>> is_steady([5.0, 4.0, 3.0, 2.0, 1.0], 5)
    False
    """
    if len(durations) < max(window, MIN_WARMUP_ITERATIONS):
        return False
    last = np.asarray(durations[-window:], dtype=float)
    return not has_trend(last) and not first_outlies(last)


def has_trend(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    """Find out whether Theil–Sen's line changes by more than `TREND_SHARE` of the median over the window."""
    median = float(np.median(values))
    slope = theil_slope(values)
    return abs(slope) * (len(values) - 1) > TREND_SHARE * median


def first_outlies(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    """Find out whether the first value is an outlier upwards of the others, by modified z-score and by size."""
    rest = values[1:]
    median = float(np.median(rest))
    spread = MAD_TO_SIGMA * float(np.median(np.abs(rest - median)))
    excess = float(values[0]) - median
    return excess > OUTLYING_FIRST_SHARE * median and excess > OUTLIER_Z * spread
