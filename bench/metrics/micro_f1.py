"""F1 of all labels' counts together."""

from __future__ import annotations

from bench.metrics.base import Floats
from bench.metrics.f1 import LabelF1
from bench.metrics.rows import ratio


class MicroF1(LabelF1):
    """F1 of all labels' counts together; equals accuracy when every prediction is a label."""

    name = "micro_f1"
    title = "Micro F1"
    definition = "2·hits / (predicted + expected) of all labels' counts together."

    def value(self, sums: Floats) -> Floats:
        """Compute the F1 of the summed counts."""
        hits, predicted, expected = (part.sum(axis=-1) for part in self.counts(sums))
        return ratio(2 * hits, predicted + expected)
