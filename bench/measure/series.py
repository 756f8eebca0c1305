"""Raise the doubts about a series of times: scatter, outliers, drift, two modes, too few of them.

All but the last look at relative times (`bench.measure.normalise`), shape `(n,)` with median 1. Pure functions; the
false alarm rate and the power of each are simulated in tests/measure/test_series.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.doubts.bimodal import Bimodal
from bench.doubts.drift import Drift
from bench.doubts.high_variation import HighVariation
from bench.doubts.outliers import Outliers
from bench.doubts.too_few_samples import TooFewForP95, TooFewSamples
from bench.measure.steady import MAD_TO_SIGMA, OUTLIER_Z
from bench.record import Doubt
from bench.stats.order import interval_ranks, needed
from bench.stats.ranks import kendall, theil_slope

Floats = NDArray[np.float64]

MAX_VARIATION = 0.10
"""Coefficient of variation above which a series is doubted: the median of n = 100 then has a relative 95 % interval of
about ±2.5 % (1.96 · 1.25 · 0.1 / √100), beyond the ±2 % to which a window is measured."""
MAX_OUTLIER_SHARE = 0.05
"""Share of outliers from which they are more than the odd interrupt: they then reach the 95th percentile."""
MIN_OUTLIERS = 2
"""Least outliers that are a pattern; a single interrupt happens to any short series."""
MIN_OUTLIER_SIZE = 1.10
"""Relative time below which a value is no outlier however narrow the rest is."""
MAX_DRIFT = 0.05
"""Change over the pass by Theil–Sen's line, relative to the median, from which it is a drift: the width that
a p95 may have."""
DRIFT_P = 0.001
"""Level of Kendall's test of trend, so that about one calm pass in a thousand is called drifting."""
MAX_POINTS = 200
"""Medians of blocks of consecutive values that stand for a long series in the tests of trend, which cost
O(n²)."""
MODE_SEPARATION = 0.85
"""Share of the variance between the two halves of Otsu's best cut from which there are two modes: 0.64 for a
normal, 0.75 for a uniform distribution, 0.85 for two equal normals 4.8 standard deviations apart. Source:
Otsu, IEEE SMC 9(1), 1979."""
MIN_MODE_GAP = 0.05
"""Distance of the two modes over the median below which they do not matter."""
MIN_MODE_SHARE = 0.10
"""Share of the smaller mode below which its values are outliers."""
MIN_SERIES = 10
"""Least values for any of these doubts but `too_few_samples`."""
MIN_MODE_SERIES = 40
"""Least values for two modes; below, chance splits are too frequent."""
INTERVAL_LEVEL = 0.95


def series_doubts(relative: Floats, process: int) -> list[Doubt]:
    """Raise the doubts about one pass's relative times."""
    if len(relative) < MIN_SERIES:
        return []
    cases = (variation(relative), outliers(relative), drift(relative), two_modes(relative))
    return [case.doubt(process) for case in cases if case is not None]


def variation(relative: Floats) -> HighVariation | None:
    """Doubt a series whose standard deviation over mean exceeds 10 %."""
    share = float(np.std(relative, ddof=1) / np.mean(relative))
    return HighVariation(share=share, n=len(relative)) if share > MAX_VARIATION else None


def outliers(relative: Floats) -> Outliers | None:
    """Doubt a series of which more than 5 % are outliers upwards by the modified z-score."""
    median = float(np.median(relative))
    spread = MAD_TO_SIGMA * float(np.median(np.abs(relative - median)))
    high = (relative - median > OUTLIER_Z * spread) & (relative > MIN_OUTLIER_SIZE * median)
    count = int(high.sum())
    if count < MIN_OUTLIERS or count <= MAX_OUTLIER_SHARE * len(relative):
        return None
    return Outliers(count=count, n=len(relative), worst=float(relative.max() / median))


def drift(relative: Floats) -> Drift | None:
    """Doubt a series that changes by more than 5 % over the pass, if Kendall's test sees a trend."""
    points = block_medians(relative, MAX_POINTS)
    change = theil_slope(points) * (len(points) - 1) / float(np.median(points))
    if abs(change) <= MAX_DRIFT or kendall(points) >= DRIFT_P:
        return None
    return Drift(change=change, n=len(relative))


def two_modes(relative: Floats) -> Bimodal | None:
    """Doubt a series that falls into two groups."""
    if len(relative) < MIN_MODE_SERIES:
        return None
    trimmed = np.sort(relative)[: int(np.ceil(0.98 * len(relative)))]
    share, cut = otsu(trimmed)
    low, high = trimmed[:cut], trimmed[cut:]
    gap = float(np.median(high) - np.median(low)) / float(np.median(trimmed))
    if share < MODE_SEPARATION or gap < MIN_MODE_GAP or min(len(low), len(high)) < MIN_MODE_SHARE * len(trimmed):
        return None
    return Bimodal(gap=gap, low=len(low), high=len(high))


def otsu(ordered: Floats) -> tuple[float, int]:
    """Find the cut that explains the greatest share of the variance; give the share and the size of the lower part.

    >>> otsu(np.array([1.0, 1.0, 2.0, 2.0]))
    (1.0, 2)
    """
    n = len(ordered)
    sizes = np.arange(1, n)
    sums = np.cumsum(ordered)
    total = float(sums[-1])
    lower_mean = sums[:-1] / sizes
    upper_mean = (total - sums[:-1]) / (n - sizes)
    between = sizes * (n - sizes) / n**2 * (upper_mean - lower_mean) ** 2
    variance = float(np.var(ordered))
    if variance <= 0:
        return 0.0, 1
    best = int(np.argmax(between))
    return min(1.0, float(between[best] / variance)), best + 1


def block_medians(values: Floats, most: int) -> Floats:
    """Shorten a series to the medians of at most `most` blocks of consecutive values."""
    if len(values) <= most:
        return values
    return np.array([np.median(block) for block in np.array_split(values, most)])


def too_few(count: int, processes: int, process: int) -> list[Doubt]:
    """Doubt the first quantile for which `count` requests in each of `processes` give no interval."""
    pooled = count * processes
    for quantile, kind in ((0.5, TooFewSamples), (0.95, TooFewForP95)):
        if interval_ranks(pooled, quantile, INTERVAL_LEVEL) is None:
            return [kind(pooled=pooled, needed=needed(quantile, INTERVAL_LEVEL)).doubt(process)]
    return []
