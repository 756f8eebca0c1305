"""The interval of a proportion."""

from __future__ import annotations

import math

from scipy.stats import norm

FEW = 5
"""Right or wrong answers below which Wilson's interval can cover less than it claims (Brown, Cai and
DasGupta, 2001)."""
FEW_SAID = "fewer than 5 answers of one kind: the interval may cover 90 to 95 % instead of 95 %"
"""What is said then; the range is that of `benchmarks/coverage.py`."""


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Returns Wilson's score interval of a proportion, both ends within 0 and 1; None when n is 0.

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
