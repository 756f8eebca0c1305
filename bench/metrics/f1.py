"""What the F1 averages of classification share: counts per label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.base import Field, Floats, Metric
from bench.metrics.rows import LABEL_KINDS, SET_KINDS, counted, label_sets, predictions, references
from bench.record import Sample


def one_hot(values: Sequence[str], labels: Sequence[str]) -> Floats:
    """Mark each value's label with 1, shape `(n, labels)`; a row of zeros for a value that is no label."""
    return np.asarray([[float(value == label) for label in labels] for value in values]).reshape(
        len(values), len(labels)
    )


def many_hot(values: Sequence[Sequence[str]], labels: Sequence[str]) -> Floats:
    """Mark every label of each set with 1, shape `(n, labels)`."""
    return np.asarray([[float(label in own) for label in labels] for own in values]).reshape(len(values), len(labels))


def label_set(samples: Sequence[Sample], labels: Sequence[str]) -> list[str]:
    """List the task's labels, or those that occur when the task has none."""
    return list(labels) or sorted({*predictions(samples), *references(samples)})


class LabelF1(Metric):
    """What the three averages share. Rows: per label `hits`, `predicted`, `expected`, and 1.

    F1 = 2·hits / (predicted + expected). An answer that is no label is a miss of the expected one.
    """

    kinds = LABEL_KINDS | SET_KINDS
    reads: frozenset[Field] = frozenset(("prediction", "reference", "answers"))

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows of shape `(n, 3·labels + 1)`."""
        if any(sample.answers is not None for sample in samples):  # several at once
            names = list(labels) or sorted({label for sample in samples for label in label_sets(sample)[1]})
            sets = [label_sets(sample) for sample in samples]
            predicted, expected = (many_hot([pair[side] for pair in sets], names) for side in (0, 1))
        else:
            names = label_set(samples, labels)
            predicted = one_hot(predictions(samples), names)
            expected = one_hot(references(samples), names)
        return counted(np.hstack([predicted * expected, predicted, expected]))

    @staticmethod
    def counts(sums: Floats) -> tuple[Floats, Floats, Floats]:
        """Split sums into hits, predicted and expected, shape `(..., labels)` each."""
        values = np.asarray(sums, dtype=np.float64)[..., :-1]
        hits, predicted, expected = np.split(values, 3, axis=-1)
        return hits, predicted, expected
