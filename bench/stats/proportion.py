"""The interval of a proportion."""

from __future__ import annotations

import math

from scipy.stats import beta, norm

FEW = 5
"""Right or wrong answers below which Wilson's interval can cover less than it claims (Brown, Cai and
DasGupta, 2001): 91 % for p = 0.99 at n = 50."""
FEW_SAID = "fewer than 5 answers of one kind: the exact interval is given, which is wider than it need be"
"""What is said then."""


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


def clopper_pearson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Compute the exact interval of a proportion, which covers at least `confidence`; None when n is 0.

    Source: Clopper and Pearson (1934), Biometrika 26, 404-413.
    """
    if n <= 0:
        return None
    tail = (1 - confidence) / 2
    low = 0.0 if successes <= 0 else float(beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes >= n else float(beta.ppf(1 - tail, successes + 1, n - successes))
    return low, high


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Compute Wilson's score interval of a proportion, both ends within 0 and 1; None when n is 0.

    Source: Wilson (1927), Journal of the American Statistical Association 22, 209-212.

    >>> tuple(round(end, 4) for end in wilson(8, 10))
    (0.4902, 0.9433)
    """
    if n <= 0:
        return None
    z = float(norm.ppf(0.5 + confidence / 2))
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    high = 1.0 if successes >= n else min(1.0, centre + half)
    return low, high
