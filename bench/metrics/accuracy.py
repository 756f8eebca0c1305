"""Accuracy: the share of examples answered with exactly the expected label."""

from __future__ import annotations

from collections.abc import Sequence

from bench.metrics.base import Floats
from bench.metrics.rows import LABEL_KINDS, counted, mean, predictions, references
from bench.record import Sample


class Accuracy:
    """Correct / n. Rows: `correct, 1`."""

    name = "accuracy"
    unit = "ratio"
    higher_is_better = True
    kinds = LABEL_KINDS
    proportion = True
    signature: str | None = None

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Returns rows `(correct, 1)`, shape `(n, 2)`."""
        pairs = zip(predictions(samples), references(samples), strict=True)
        return counted([float(predicted == expected) for predicted, expected in pairs])

    def value(self, sums: Floats) -> Floats:
        """Returns the share of correct answers."""
        return mean(sums)
