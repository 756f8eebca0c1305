"""F1 of classification: macro, micro and weighted, from counts per label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.rows import LABEL_KINDS, counted, predictions, ratio, references
from bench.record import Sample


def one_hot(values: Sequence[str], labels: Sequence[str]) -> Floats:
    """Returns shape `(n, labels)`: 1 where the value is the label; a row of zeros for a value that is
    none."""
    return np.asarray([[float(value == label) for label in labels] for value in values]).reshape(
        len(values), len(labels)
    )


def label_set(samples: Sequence[Sample], labels: Sequence[str]) -> list[str]:
    """Returns the task's labels, or those that occur when the task has none."""
    return list(labels) or sorted({*predictions(samples), *references(samples)})


class _F1:
    """What the three averages share. Rows: per label `hits`, `predicted`, `expected`, and 1.

    F1 = 2·hits / (predicted + expected). An answer that is no label is a miss of the expected one.
    """

    unit = "ratio"
    higher_is_better = True
    kinds = LABEL_KINDS
    proportion = False
    signature: str | None = None

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Returns rows of shape `(n, 3·labels + 1)`."""
        names = label_set(samples, labels)
        predicted = one_hot(predictions(samples), names)
        expected = one_hot(references(samples), names)
        return counted(np.hstack([predicted * expected, predicted, expected]))

    @staticmethod
    def _parts(sums: Floats) -> tuple[Floats, Floats, Floats]:
        """Returns hits, predicted and expected, shape `(..., labels)` each."""
        values = np.asarray(sums, dtype=np.float64)[..., :-1]
        hits, predicted, expected = np.split(values, 3, axis=-1)
        return hits, predicted, expected


class MacroF1(_F1):
    """Mean F1 over the labels that occur, in references or predictions; each label counts the same.

    Equals `sklearn.metrics.f1_score(average="macro")` when every prediction is a label.
    """

    name = "macro_f1"

    def value(self, sums: Floats) -> Floats:
        """Returns the mean F1 over labels."""
        hits, predicted, expected = self._parts(sums)
        occurs = (predicted + expected) > 0
        f1 = np.where(occurs, ratio(2 * hits, predicted + expected), 0.0)
        return ratio(f1.sum(axis=-1), occurs.sum(axis=-1))


class MicroF1(_F1):
    """F1 of all labels' counts together; equals accuracy when every prediction is a label."""

    name = "micro_f1"

    def value(self, sums: Floats) -> Floats:
        """Returns the F1 of the summed counts."""
        hits, predicted, expected = (part.sum(axis=-1) for part in self._parts(sums))
        return ratio(2 * hits, predicted + expected)


class WeightedF1(_F1):
    """Mean F1 over labels, each weighted by how often it is expected."""

    name = "weighted_f1"

    def value(self, sums: Floats) -> Floats:
        """Returns the weighted mean F1."""
        hits, predicted, expected = self._parts(sums)
        f1 = np.where(predicted + expected > 0, ratio(2 * hits, predicted + expected), 0.0)
        return ratio((f1 * expected).sum(axis=-1), expected.sum(axis=-1))
