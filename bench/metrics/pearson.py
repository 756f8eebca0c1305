"""Pearson's correlation of given and right numbers, and what Spearman's shares with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.catalogue.readings import Range
from bench.metrics.base import Floats, Metric
from bench.metrics.rows import NUMBER_KINDS, counted, numbers
from bench.record import Sample

NOTHING = 1e-12
"""Share of a variance, of all the squares that it is the difference of, below which it is rounding."""


class Pearson(Metric):
    """(n·Σxy − Σx·Σy) / √((n·Σx² − (Σx)²)(n·Σy² − (Σy)²)); undefined where either does not vary.

    Rows: `x, y, x², y², xy, 1`, x and y being taken from their means over all texts, and in units of their spread, so
    that large numbers lose no digits: the correlation does not change by that.

    Equals `scipy.stats.pearsonr`.
    """

    name = "pearson"
    title = "Pearson correlation"
    short = "Pearson"
    unit = "score"
    range = Range(-1.0, 1.0)
    definition = "Pearson's correlation of the given and the right numbers; undefined where either are all the same."
    kinds = NUMBER_KINDS

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows of shape `(n, 6)`."""
        if not samples:
            return np.zeros((0, 6))
        x, y = (_standard(side) for side in self.sides(samples))
        return counted(np.column_stack([x, y, x * x, y * y, x * y]))

    def sides(self, samples: Sequence[Sample]) -> tuple[Floats, Floats]:
        """Give what is correlated, shape `(n,)` each."""
        return numbers(samples)

    def value(self, sums: Floats) -> Floats:
        """Compute the correlation, -1 to 1; NaN where it is undefined."""
        x, y, xx, yy, xy, n = (np.asarray(sums, dtype=np.float64)[..., column] for column in range(6))
        spread_x, spread_y = n * xx - x * x, n * yy - y * y
        varied = (spread_x > NOTHING * n * xx) & (spread_y > NOTHING * n * yy) & (n > 1)
        below = np.sqrt(np.where(varied, spread_x * spread_y, 1.0))
        return np.where(varied, np.clip((n * xy - x * y) / below, -1.0, 1.0), np.nan)


def _standard(values: Floats) -> Floats:
    centred = values - values.mean()
    spread = float(np.abs(centred).max())
    if spread <= NOTHING * float(np.abs(values).max()):
        return np.zeros_like(values)
    return np.asarray(centred / spread, dtype=np.float64)
