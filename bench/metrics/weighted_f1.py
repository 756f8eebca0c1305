"""F1 of each label, weighted by how often it is expected."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.f1 import LabelF1
from bench.metrics.rows import ratio


class WeightedF1(LabelF1):
    """Mean F1 over labels, each weighted by how often it is expected."""

    name = "weighted_f1"
    title = "Weighted F1"
    definition = "Mean of the F1 of each label, weighted by how often it is expected."

    def value(self, sums: Floats) -> Floats:
        """Compute the weighted mean F1."""
        hits, predicted, expected = self.counts(sums)
        f1 = np.where(predicted + expected > 0, ratio(2 * hits, predicted + expected), 0.0)
        return ratio((f1 * expected).sum(axis=-1), expected.sum(axis=-1))
