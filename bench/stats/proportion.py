"""The interval of a proportion."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri, stdtrit

Floats = NDArray[np.float64]

FEW = 5
"""Right or wrong answers below which Wilson's interval can cover less than it claims (Brown, Cai and
DasGupta, 2001): 91 % for p = 0.99 at n = 50."""
FEW_SAID = "fewer than 5 answers of one kind: the exact interval is given, which is wider than it need be"
"""What is said then."""
USUAL_LIKENESS = 0.5
"""Correlation of the answers within one group that is assumed before any is seen. It is none's own: it makes groups of
5 worth a third of their examples, and groups of 20 a tenth."""
LIKENESS_COUNTS = 5.0
"""Groups with an answer of the rarer kind that this assumption counts for."""


def is_few(successes: int, n: int) -> bool:
    """Tell whether there are too few answers of one kind for Wilson's interval."""
    return min(successes, n - successes) < FEW


def proportion_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """Compute the interval of a proportion: Wilson's, or the exact one where few answers are of one kind; None when n
    is 0.

    >>> tuple(round(end, 4) for end in proportion_interval(1, 50))
    (0.0005, 0.1065)
    """
    exact = clopper_pearson if is_few(successes, n) else wilson
    return exact(successes, n, confidence)


def grouped_proportion(right: Floats, sizes: Floats, confidence: float = 0.95) -> tuple[float, float] | None:
    """Compute the interval of a proportion of answers that come in groups: `proportion_interval` at n ÷ design effect.

    The design effect is that of the groups' residuals, drawn towards the one of `USUAL_LIKENESS`, for few groups with a
    wrong answer cannot show it and none at all says nothing. With few groups n is also divided by the squared ratio of
    Student's quantile to the normal one.

    Args:
        right: right answers of each group, shape `(groups,)`.
        sizes: answers of each group.
        confidence: nominal coverage.

    Source: Korn and Graubard (1998), Survey Methodology 24, 193-201.

    >>> low, high = grouped_proportion(np.full(10, 5.0), np.full(10, 5.0))
    >>> round(low, 2), high
    (0.74, 1.0)
    """
    n, groups = float(sizes.sum()), sizes.size
    if n <= 0 or groups < 2:
        return None
    level = 0.5 + confidence / 2
    certain = (float(ndtri(level)) / float(stdtrit(groups - 1, level))) ** 2
    share = float(right.sum()) / n
    effective = min(n, certain * n / grouped_design_effect(right, sizes))
    exact = min(share, 1 - share) * n < FEW
    return (clopper_pearson if exact else wilson)(share * effective, effective, confidence)


def grouped_design_effect(right: Floats, sizes: Floats) -> float:
    """Count how many times larger the variance of a share of grouped answers is than of independent ones, at least 1;
    see `grouped_proportion`."""
    n, groups = float(sizes.sum()), sizes.size
    share = float(right.sum()) / n
    rarer = right if share <= 0.5 else sizes - right
    telling = int(np.count_nonzero(rarer))
    usual = 1 + USUAL_LIKENESS * (float((sizes**2).sum()) / n - 1)
    if not 0 < share < 1:
        return max(1.0, usual)
    residuals = float(((right - share * sizes) ** 2).sum()) * groups / (groups - 1)
    seen = residuals / (n * share * (1 - share))
    return max(1.0, (telling * seen + LIKENESS_COUNTS * usual) / (telling + LIKENESS_COUNTS))


def clopper_pearson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Compute the exact interval of a proportion, which covers at least `confidence`; None when n is 0.

    Source: Clopper and Pearson (1934), Biometrika 26, 404-413.
    """
    if n <= 0:
        return None
    tail = (1 - confidence) / 2
    low = 0.0 if successes <= 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes >= n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return low, high


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Compute Wilson's score interval of a proportion, both ends within 0 and 1; None when n is 0.

    Source: Wilson (1927), Journal of the American Statistical Association 22, 209-212.

    >>> tuple(round(end, 4) for end in wilson(8, 10))
    (0.4902, 0.9433)
    """
    if n <= 0:
        return None
    z = float(ndtri(0.5 + confidence / 2))
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    high = 1.0 if successes >= n else min(1.0, centre + half)
    return low, high
