"""Spearman's correlation: Pearson's of ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.pearson import Pearson
from bench.metrics.rows import numbers
from bench.record import Sample


def ranks(values: Floats) -> Floats:
    """Rank numbers from 1, equal ones by their mean rank; what is not a number has none.

    >>> ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.where(np.isnan(values), np.nan, (last - (counts - 1) / 2)[inverse])


class Spearman(Pearson):
    """Pearson's correlation of the ranks, equal numbers having their mean rank.

    A resample keeps the ranks that its texts have among all of them, since sums of rows are all that it has; its spread
    is that of ranking anew to within a few percent (`tests/metrics/test_numbers.py`). Equals `scipy.stats.spearmanr`.
    """

    name = "spearman"
    title = "Spearman correlation"
    short = "Spearman"
    definition = "Pearson's correlation of the ranks of the given and of the right numbers, equal ones sharing a rank."

    def sides(self, samples: Sequence[Sample]) -> tuple[Floats, Floats]:
        """Give the ranks."""
        given, right = numbers(samples)
        return ranks(given), ranks(right)
