"""The share of texts all of whose labels are right, none missing and none too many."""

from __future__ import annotations

from collections.abc import Sequence

from bench.metrics.base import Field, Floats, Metric
from bench.metrics.rows import SET_KINDS, counted, label_sets, mean
from bench.record import Sample


class SubsetAccuracy(Metric):
    """Share of texts whose set of labels is exactly the right one. Rows: `correct, 1`.

    Equals `sklearn.metrics.accuracy_score` of indicator matrices.
    """

    name = "subset_accuracy"
    title = "Subset accuracy"
    definition = "Share of texts whose labels are exactly the right ones, none missing and none too many."
    kinds = SET_KINDS
    reads: frozenset[Field] = frozenset(("prediction", "reference", "answers"))
    proportion = True

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows `(correct, 1)`, shape `(n, 2)`."""
        sets = [label_sets(sample) for sample in samples]
        return counted([float(set(given) == set(right)) for given, right in sets])

    def value(self, sums: Floats) -> Floats:
        """Compute the share."""
        return mean(sums)
