"""Ranks, slopes, and tests by ranks, without `scipy.stats`: its import takes longer than a year of nights does, or than
all doubts about a cell.

Tested against scipy.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KENDALL_EXACT_UP_TO = 33
"""Values up to which Kendall's p-value is exact, where no two values are equal; as scipy has it."""
EXACT_UP_TO = 8
"""Values of the smaller sample up to which the p-value is exact, where no two values are equal; as scipy has it."""


def ranks(values: Floats) -> Floats:
    """Compute ranks from 1 on, shape `(n,)`; equal values share the mean of theirs.

    >>> ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)


def median(values: Floats) -> float:
    """Compute the median, ten times faster than numpy's where there are some tens of values.

    >>> median(np.array([3.0, 1.0, 2.0, 10.0]))
    2.5
    """
    ordered, half = np.sort(values), values.size // 2
    return float(ordered[half] if values.size % 2 else (ordered[half - 1] + ordered[half]) / 2)


def mann_whitney(a: Floats, b: Floats) -> float:
    """Compute the two-sided p-value that neither sample tends to be larger.

    Exact for small samples without equal values; else the normal limit, corrected for continuity and equal values.

    Source: Mann and Whitney (1947), Annals of Mathematical Statistics 18, 50-60.

    >>> round(mann_whitney(np.array([1.0, 2, 3]), np.array([4.0, 5, 6])), 3)
    0.1
    """
    n, m = a.size, b.size
    both = np.concatenate([a, b])
    u = float(ranks(both)[:n].sum()) - n * (n + 1) / 2
    larger = max(u, n * m - u)
    counts = np.unique(both, return_counts=True)[1].astype(np.float64)
    if min(n, m) <= EXACT_UP_TO and counts.max() == 1:
        return min(1.0, 2 * _exact(min(n, m), max(n, m))[math.ceil(larger)])
    total = n + m
    equal = float((counts**3 - counts).sum()) / (total * (total - 1))
    deviation = math.sqrt(n * m / 12 * (total + 1 - equal))
    if deviation == 0:
        return 1.0
    return min(1.0, math.erfc((larger - n * m / 2 - 0.5) / deviation / math.sqrt(2)))


def theil_slope(values: Floats) -> float:
    """Compute the median slope of all pairs of values, whose places are 0, 1, …: the change from one to the next.

    Source: Theil (1950), Proceedings of the KNAW 53; Sen (1968), Journal of the American Statistical Association 63.

    >>> theil_slope(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 90.0]))
    1.0
    """
    places = np.arange(values.size, dtype=np.float64)
    apart, change = places[:, None] - places, values[:, None] - values
    return float(np.median(change[apart > 0] / apart[apart > 0]))


def kendall(values: Floats) -> float:
    """Compute the two-sided p-value that values have no trend, by how many pairs of them rise; NaN where all are equal.

    Exact for short series without equal values; else the normal limit, corrected for equal values.

    Source: Kendall (1938), Biometrika 30, 81-93; Kendall and Gibbons, Rank Correlation Methods (1990), chapter 4.

    >>> round(kendall(np.arange(5.0)), 5), kendall(np.ones(5))
    (0.01667, nan)
    """
    n = values.size
    pairs = np.sign(values[:, None] - values)[np.tril_indices(n, -1)]
    score, ties = int(pairs.sum()), np.unique(values, return_counts=True)[1].astype(np.float64)
    if ties.max() == 1 and n <= KENDALL_EXACT_UP_TO:
        rarer = (pairs.size - abs(score)) // 2
        return min(1.0, 2 * sum(_inversions(n)[: rarer + 1]) / math.factorial(n))
    variance = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    return math.erfc(abs(score) / math.sqrt(2 * variance)) if variance > 0 else math.nan


@lru_cache(maxsize=64)
def _inversions(n: int) -> tuple[int, ...]:
    """Count the orders of n values in which 0, 1, … pairs fall."""
    ways = [1]
    for size in range(2, n + 1):
        ways = [sum(ways[max(0, k - size + 1) : k + 1]) for k in range(len(ways) + size - 1)]
    return tuple(ways)


@lru_cache(maxsize=256)
def _exact(n: int, m: int) -> tuple[float, ...]:
    """Compute P(U ≥ u) for u = 0 … n m: U counts as the coefficients of the Gaussian binomial do."""
    ways = [1] + [0] * (n * m)
    for i in range(1, n + 1):
        for u in range(n * m, m + i - 1, -1):  # times (1 − q^(m + i))
            ways[u] -= ways[u - m - i]
        for u in range(i, n * m + 1):  # by (1 − q^i)
            ways[u] += ways[u - i]
    total, remaining, tail = math.comb(n + m, n), 0, []
    for count in reversed(ways):
        remaining += count
        tail.append(remaining / total)
    return tuple(reversed(tail))
