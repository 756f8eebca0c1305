"""Accuracy: the share of examples answered with exactly the expected label."""

from __future__ import annotations

from collections.abc import Sequence

from bench.metrics.base import Floats, Metric
from bench.metrics.rows import LABEL_KINDS, counted, mean, predictions, references
from bench.record import Sample


class Accuracy(Metric):
    """Correct / n. Rows: `correct, 1`."""

    name = "accuracy"
    title = "Accuracy"
    definition = "Share of examples answered with exactly the expected label: correct / n."
    kinds = LABEL_KINDS
    proportion = True

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows `(correct, 1)`, shape `(n, 2)`."""
        pairs = zip(predictions(samples), references(samples), strict=True)
        return counted([float(predicted == expected) for predicted, expected in pairs])

    def value(self, sums: Floats) -> Floats:
        """Compute the share of correct answers."""
        return mean(sums)
