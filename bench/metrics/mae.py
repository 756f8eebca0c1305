"""The mean distance of given and right numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bench.catalogue.readings import Range
from bench.metrics.base import Floats, Metric
from bench.metrics.rows import NUMBER_KINDS, counted, mean, numbers
from bench.record import Sample


class MeanAbsoluteError(Metric):
    """Mean of |given − right|, in the unit of the numbers. Rows: `|given − right|, 1`.

    Equals `sklearn.metrics.mean_absolute_error`.
    """

    name = "mae"
    title = "Mean absolute error"
    short = "MAE"
    unit = "score"
    range = Range(0.0, math.inf)
    higher_is_better = False
    definition = "Mean over texts of the distance between the given and the right number, in their own unit."
    kinds = NUMBER_KINDS
    point = None

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows `(distance, 1)`, shape `(n, 2)`."""
        given, right = numbers(samples)
        return counted(np.abs(given - right))

    def value(self, sums: Floats) -> Floats:
        """Compute the mean."""
        return mean(sums)
