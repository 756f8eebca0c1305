"""Quantiles and their distribution-free intervals from order statistics; knows nothing of what the values
mean.

The number of observations below the true q-quantile is Binomial(n, q) whatever the distribution, so a pair of
ranks has an exact coverage. Percentile-bootstrap intervals do not: for p99 they cover 41 % at n = 50 where 95
% is claimed.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, ndtri, stdtrit

from bench.stats.ranks import ranks

Floats = NDArray[np.float64]

TIED_SAID = "equal values at an end of the interval: it is wider than it need be"
"""What is said where ties make the exact coverage more than is claimed: up to 99.8 % (`benchmarks/coverage.py`)."""
BLOCKS = 20
"""Blocks of consecutive requests by which their dependence is seen: fewer are longer than dependence lasts more often,
and show less surely how much it is."""
SHORTEST_BLOCK = 2
SEEN_BY_CHANCE = 1.59
"""Design effect that 20 blocks of independent values exceed by chance in one case of twenty: χ² with 19 degrees of
freedom ÷ 19."""
LONG_ENOUGH = 2.0
"""Correlation lengths, (1 + r)/(1 − r) for a correlation r of neighbours, that a block must last: with shorter ones the
interval covers 77 to 91 % (`benchmarks/coverage.py`)."""
DEPENDENT_SAID = "requests depend on those before for longer than can be allowed for: the interval may cover 75 to 92 %"
"""What is said then."""
CLUSTERS_NEEDED = 20
"""Fewest clusters for an interval: with 10 it covers 91 %, with 20 it covers 93 % (`benchmarks/coverage.py`)."""


def quantile(values: ArrayLike, q: float) -> float:
    """Compute the q-quantile by nearest rank (the ⌈qn⌉-th smallest value), in the unit of `values`; NaN when
    empty.

    Source: Hyndman and Fan (1996), definition 1.

    >>> quantile([4.0, 1.0, 3.0, 2.0], 0.5)
    2.0
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64).ravel())
    if ordered.size == 0:
        return math.nan
    return float(ordered[nearest_rank(ordered.size, q) - 1])


def nearest_rank(n: int, q: float) -> int:
    """Compute the rank (1 first) of the q-quantile among `n` values."""
    return min(n, max(1, math.ceil(q * n - 1e-9)))


@lru_cache(maxsize=4096)
def interval_ranks(n: int, q: float, confidence: float = 0.95) -> tuple[int, int] | None:
    """Compute the ranks (1 first) whose values enclose the q-quantile with at least `confidence`; None when n
    is too small.

    Starts from equal tails, which decide whether an interval exists, then moves the ends inwards for as long
    as the exact coverage stays at `confidence` or more. The ranks depend on n and q alone, so the coverage is
    exact.

    Source: David and Nagaraja, Order Statistics (2003), section 7.1.

    >>> interval_ranks(71, 0.95), interval_ranks(72, 0.95) is not None
    (None, True)
    """
    tail = (1 - confidence) / 2
    low = bisect_left(range(n), tail, key=lambda rank: below(rank, n, q))
    high = bisect_left(range(n), -tail, key=lambda rank: -above(rank, n, q)) + 1
    if low < 1 or high > n:
        return None
    return _tightened(n, q, low, high, confidence)


def below(k: int, n: int, q: float) -> float:
    """Compute P(B ≤ k) of B ~ Binomial(n, q), for k from -1 to n - 1.

    >>> below(-1, 4, 0.5), below(1, 4, 0.5), above(1, 4, 0.5)
    (0.0, 0.3125, 0.6875)
    """
    return float(betainc(n - k, k + 1, 1 - q)) if k >= 0 else 0.0


def above(k: int, n: int, q: float) -> float:
    """Compute P(B > k) of B ~ Binomial(n, q), for k from 0 to n - 1."""
    return float(betainc(k + 1, n - k, q))


def _tightened(n: int, q: float, low: int, high: int, confidence: float) -> tuple[int, int]:
    """Compute the ranks moved inwards while P(low ≤ B < high) stays at `confidence`, B ~ Binomial(n, q)."""

    def coverage(a: int, b: int) -> float:
        return below(b - 1, n, q) - below(a - 1, n, q)

    while low < high - 1:
        options = [(coverage(low + 1, high), low + 1, high), (coverage(low, high - 1), low, high - 1)]
        best = max(options)
        if best[0] < confidence:
            break
        _, low, high = best
    return low, high


def quantile_interval(values: ArrayLike, q: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Compute the order-statistic interval of the q-quantile, in the unit of `values`; None when n is too
    small.

    For 95 % it needs n ≥ 6 for the median, n ≥ 72 for p95 and n ≥ 368 for p99.

    >>> quantile_interval(range(1, 11), 0.5)
    (2.0, 9.0)
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64).ravel())
    ranks = interval_ranks(ordered.size, q, confidence) if ordered.size else None
    if ranks is None:
        return None
    return float(ordered[ranks[0] - 1]), float(ordered[ranks[1] - 1])


def has_tied_end(values: ArrayLike, q: float, confidence: float = 0.95) -> bool:
    """Tell whether the value at an end of the interval of the q-quantile occurs more than once, so that the interval
    covers more than its ranks promise.

    >>> has_tied_end([1, 2, 2, 3, 4, 5, 6, 7, 8, 9], 0.5), has_tied_end(range(10), 0.5)
    (True, False)
    """
    interval = quantile_interval(values, q, confidence)
    if interval is None:
        return False
    ordered = np.asarray(values, dtype=np.float64).ravel()
    return any(int(np.count_nonzero(ordered == end)) > 1 for end in interval)


def median_error(values: Sequence[float]) -> float:
    """Compute the standard error of the median of a few values, in their unit: that of the mean times what a median is
    less certain than a mean of normal values.

    The factor is 1 for two values, of which the median is the mean; 1.16 for three, 1.2 for five, and goes to √(π/2).
    π/(2n + 1) for an odd number and π/(2n + 2.28) for an even one are within 2 % of its square divided by n.

    >>> round(median_error([1.0, 3.0]), 3), round(median_error([1.0, 2.0, 3.0]), 2)
    (1.0, 0.67)
    """
    n = len(values)
    square = math.pi / (2 * n + (1.0 if n % 2 else 2.28))
    return float(np.std(values, ddof=1)) * math.sqrt(square)


@lru_cache(maxsize=256)
def needed(q: float, confidence: float = 0.95) -> int:
    """Compute the smallest n at which `quantile_interval` exists.

    >>> needed(0.5), needed(0.95), needed(0.99)
    (6, 72, 368)
    """
    tail = (1 - confidence) / 2
    return math.ceil(max(math.log(tail) / math.log(q), math.log(tail) / math.log(1 - q)))


def clustered_quantile_interval(
    clusters: Sequence[ArrayLike], q: float, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Compute the interval of the q-quantile of values that come in clusters, such as the token gaps of one
    request.

    Woodruff's method: the share of values below the estimate has a variance between clusters; n is divided by
    how much larger it is than that of independent values (the design effect), and the ranks are those of the
    smaller n, scaled. With few clusters that variance is itself uncertain: n is also divided by the squared ratio of
    Student's quantile to the normal one.

    Source: Woodruff (1952), Journal of the American Statistical Association 47, 635-646; Korn and Graubard (1998),
    Survey Methodology 24, 193-201, for the degrees of freedom.
    """
    arrays = [np.asarray(cluster, dtype=np.float64).ravel() for cluster in clusters]
    arrays = [array for array in arrays if array.size]
    if len(arrays) < CLUSTERS_NEEDED:
        return None
    pooled = np.sort(np.concatenate(arrays))
    n = pooled.size
    level = (1 + confidence) / 2
    doubt = (float(ndtri(level)) / float(stdtrit(max(1, len(arrays) - 1), level))) ** 2
    effective = int(min(n, doubt * n / design_effect(arrays, quantile(pooled, q), q)))
    return _as_of_fewer(pooled, effective, q, confidence)


def _as_of_fewer(ordered: Floats, effective: int, q: float, confidence: float) -> tuple[float, float] | None:
    """Compute the interval that as many independent values as `effective` would have, its ranks scaled to all."""
    n, ranks = ordered.size, interval_ranks(effective, q, confidence) if effective else None
    if ranks is None:
        return None
    low = max(1, math.floor(ranks[0] / effective * n))
    high = min(n, math.ceil(ranks[1] / effective * n))
    return float(ordered[low - 1]), float(ordered[high - 1])


def serial_quantile_interval(values: ArrayLike, q: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Compute the interval of the q-quantile of values in the order in which they were measured; None when n is too
    small.

    A request is often slow because the one before was: heat, clocks, neighbours and caches last. Such values are worth
    fewer independent ones, as `BLOCKS` consecutive blocks of them show, and the interval is that of the fewer ones.
    Where the blocks vary no more than independent values would, it is `quantile_interval`.

    Source: Woodruff (1952), with blocks for clusters as in Carlstein (1986), Annals of Statistics 14, 1171-1179.

    >>> serial_quantile_interval(range(1, 11), 0.5)
    (2.0, 9.0)
    """
    array = np.asarray(values, dtype=np.float64).ravel()
    plain = quantile_interval(array, q, confidence)
    effective = serial_size(array, q, confidence)
    if plain is None or effective == array.size:
        return plain
    fewer = _as_of_fewer(np.sort(array), effective, q, confidence)
    seen = fewer is not None or _serial_effect(array, q) > SEEN_BY_CHANCE
    return fewer if seen else plain


def serial_size(values: ArrayLike, q: float, confidence: float = 0.95) -> int:
    """Count the independent values that these are worth for their q-quantile, in the order in which they were measured;
    see `serial_quantile_interval`."""
    array = np.asarray(values, dtype=np.float64).ravel()
    if array.size < BLOCKS * SHORTEST_BLOCK:
        return array.size
    effect = _serial_effect(array, q)
    if effect <= 1:
        return array.size
    level = (1 + confidence) / 2
    doubt = (float(ndtri(level)) / float(stdtrit(BLOCKS - 1, level))) ** 2
    return max(1, int(doubt * array.size / effect))


def _serial_effect(array: Floats, q: float) -> float:
    """Compute the design effect of consecutive blocks."""
    return design_effect(np.array_split(array, BLOCKS), quantile(array, q), q)


def depends_too_long(values: ArrayLike) -> bool:
    """Tell whether values, in the order in which they were measured, depend on each other for longer than the blocks of
    `serial_quantile_interval` last.

    The correlation of neighbours is taken of ranks, which single slow requests do not hide.
    """
    array = np.asarray(values, dtype=np.float64).ravel()
    n = array.size
    if n < needed(0.5):
        return False
    order = ranks(array)
    centred = order - order.mean()
    total = float((centred**2).sum())
    correlation = float((centred[1:] * centred[:-1]).sum()) / total if total > 0 else 0.0
    if correlation < 2 / math.sqrt(n):
        return False
    lasts = (1 + correlation) / (1 - min(correlation, 0.999))
    return n / BLOCKS < LONG_ENOUGH * lasts


def design_effect(clusters: Sequence[Floats], point: float, q: float) -> float:
    """Count how many times larger the variance of the share at or below `point` is than for independent
    values, at least 1."""
    sizes = np.array([cluster.size for cluster in clusters], dtype=np.float64)
    if sizes.size < 2:
        return float(sizes.sum())
    n = sizes.sum()
    below = np.array([float((cluster <= point).sum()) for cluster in clusters])
    share = below.sum() / n
    residuals = below - share * sizes
    variance = sizes.size / (sizes.size - 1) * float((residuals**2).sum()) / n**2
    return max(1.0, float(variance / (q * (1 - q) / n)))
