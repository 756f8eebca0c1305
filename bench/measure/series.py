"""Doubts that a series of times raises by itself: scatter, outliers, drift, two modes, too few of them.

All but the last look at relative times (`bench.measure.normalise`), shape `(n,)` with median 1. Pure
functions; the false alarm rate and the power of each are simulated in tests/measure/test_series.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, theilslopes

from bench.measure.steady import MAD_TO_SIGMA, OUTLIER_Z
from bench.record import Doubt
from bench.stats.order import interval_ranks

Floats = NDArray[np.float64]

MAX_VARIATION = 0.10
"""Coefficient of variation from which a series is doubted. Source: section 5.8 of the design."""
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
LATENCY = ("latency", "ttft", "tpot", "itl")
QUIETER = (
    "run `bench doctor` and follow what it says for a quieter machine, and measure with the profile "
    "`standard` or `rigorous`"
)


def series_doubts(relative: Floats, process: int) -> list[Doubt]:
    """Returns the doubts of one pass's relative times."""
    if len(relative) < MIN_SERIES:
        return []
    found = (variation(relative), outliers(relative), drift(relative), two_modes(relative))
    return [Doubt(code, message, remedy, LATENCY, process) for code, message, remedy in filter(None, found)]


Finding = tuple[str, str, str]
"""Code, message, remedy."""


def variation(relative: Floats) -> Finding | None:
    """Returns a finding when standard deviation over mean exceeds 10 %."""
    share = float(np.std(relative, ddof=1) / np.mean(relative))
    if share <= MAX_VARIATION:
        return None
    message = f"times for the same input scatter with a coefficient of variation of {share:.0%} (n = {len(relative)})"
    return "high_variation", message, QUIETER


def outliers(relative: Floats) -> Finding | None:
    """Returns a finding when more than 5 % of the values are outliers upwards by the modified z-score."""
    median = float(np.median(relative))
    spread = MAD_TO_SIGMA * float(np.median(np.abs(relative - median)))
    high = (relative - median > OUTLIER_Z * spread) & (relative > MIN_OUTLIER_SIZE * median)
    count = int(high.sum())
    if count < MIN_OUTLIERS or count <= MAX_OUTLIER_SHARE * len(relative):
        return None
    worst = float(relative.max() / median)
    message = (
        f"{count} of {len(relative)} requests are outliers, the slowest {worst:.1f} times what its input usually takes"
    )
    return "outliers", message, "look for other work on the machine, garbage collection or paging; " + QUIETER


def drift(relative: Floats) -> Finding | None:
    """Returns a finding when the times change by more than 5 % over the pass and Kendall's test sees a
    trend."""
    points = block_medians(relative, MAX_POINTS)
    change = float(theilslopes(points).slope) * (len(points) - 1) / float(np.median(points))
    if abs(change) <= MAX_DRIFT or float(kendalltau(np.arange(len(points)), points).pvalue) >= DRIFT_P:
        return None
    direction = "slower" if change > 0 else "faster"
    message = f"requests became {abs(change):.0%} {direction} over the pass (n = {len(relative)})"
    cooler = "let the machine cool down, fix the clock rate, or look for a leak"
    longer = "warm up for longer: use the profile `standard` or `rigorous`"
    return "drift", message, cooler if change > 0 else longer


def two_modes(relative: Floats) -> Finding | None:
    """Returns a finding when the times fall into two groups."""
    if len(relative) < MIN_MODE_SERIES:
        return None
    trimmed = np.sort(relative)[: int(np.ceil(0.98 * len(relative)))]
    share, cut = otsu(trimmed)
    low, high = trimmed[:cut], trimmed[cut:]
    gap = float(np.median(high) - np.median(low)) / float(np.median(trimmed))
    if share < MODE_SEPARATION or gap < MIN_MODE_GAP or min(len(low), len(high)) < MIN_MODE_SHARE * len(trimmed):
        return None
    message = (
        f"times fall into two groups {gap:.0%} apart ({len(low)} and {len(high)} of {len(trimmed)}); "
        "a single median describes neither"
    )
    return (
        "bimodal",
        message,
        "look for two clock rates, two kinds of core or two kernels; pin the process and fix the clock rate",
    )


def otsu(ordered: Floats) -> tuple[float, int]:
    """Returns the greatest share of the variance that one cut explains, and the size of the lower part.

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
    """Returns the medians of at most `most` blocks of consecutive values."""
    if len(values) <= most:
        return values
    return np.array([np.median(block) for block in np.array_split(values, most)])


def too_few(count: int, processes: int, process: int) -> list[Doubt]:
    """Returns doubts about the quantiles that `count` requests in each of `processes` cannot give an interval
    for."""
    pooled = count * processes
    found = []
    for quantile, readings in ((0.5, LATENCY), (0.95, ("latency_p95_s", "ttft_p95_s"))):
        if interval_ranks(pooled, quantile, 0.95) is None:
            needed = next(n for n in range(pooled + 1, 10_000) if interval_ranks(n, quantile, 0.95) is not None)
            what = "median" if quantile == 0.5 else "95th percentile"
            message = f"{pooled} requests give no 95 % interval for the {what}; {needed} would"
            remedy = "set measure.window_s higher or measure.processes, or use the profile `standard`"
            found.append(Doubt("too_few_samples", message, remedy, readings, process))
            break
    return found
