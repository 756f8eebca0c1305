"""Matthews correlation of predicted and expected labels, for two or more classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.catalogue.readings import Range
from bench.metrics.base import Floats, Metric
from bench.metrics.f1 import label_set, one_hot
from bench.metrics.rows import LABEL_KINDS, counted, predictions, references
from bench.record import Sample


class Matthews(Metric):
    """(c·n − Σ pₖtₖ) / √((n² − Σ pₖ²)(n² − Σ tₖ²)), 0 where only one class is predicted or expected.

    c: correct answers; pₖ, tₖ: how often class k is predicted and expected. Answers that are no label form
    one more class. Rows: `correct`, `p` and `t` per class, 1.

    Source: Gorodkin 2004, as in `sklearn.metrics.matthews_corrcoef`.
    """

    name = "matthews"
    title = "Matthews correlation"
    unit = "score"
    range = Range(-1.0, 1.0)
    definition = "Correlation of predicted and expected labels, 0 for a guess: (c·n − Σ pₖtₖ) / √(…)."
    source = "Gorodkin 2004"
    kinds = LABEL_KINDS

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows of shape `(n, 2·(labels + 1) + 2)`."""
        names = label_set(samples, labels)
        predicted, expected = predictions(samples), references(samples)
        correct = np.asarray([[float(p == t)] for p, t in zip(predicted, expected, strict=True)]).reshape(-1, 1)
        return counted(np.hstack([correct, _classes(predicted, names), _classes(expected, names)]))

    def value(self, sums: Floats) -> Floats:
        """Compute the correlation, -1 to 1."""
        values = np.asarray(sums, dtype=np.float64)
        correct, n = values[..., 0], values[..., -1]
        predicted, expected = np.split(values[..., 1:-1], 2, axis=-1)
        covariance = correct * n - (predicted * expected).sum(axis=-1)
        spread = (n**2 - (predicted**2).sum(axis=-1)) * (n**2 - (expected**2).sum(axis=-1))
        varied = spread > 0
        scaled = np.divide(covariance, np.sqrt(np.where(varied, spread, 1.0)), where=varied, out=np.zeros(n.shape))
        return np.where(n > 0, scaled, np.nan)


def _classes(values: Sequence[str], labels: Sequence[str]) -> Floats:
    """Mark each answer's class, shape `(n, labels + 1)`, the last class being that of answers that are no label."""
    labelled = one_hot(values, labels)
    return np.hstack([labelled, 1.0 - labelled.sum(axis=1, keepdims=True)])
