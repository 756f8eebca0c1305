"""Matthews correlation of predicted and expected labels, for two or more classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.f1 import label_set, one_hot
from bench.metrics.rows import LABEL_KINDS, counted, predictions, references
from bench.record import Sample


class Matthews:
    """(c·n − Σ pₖtₖ) / √((n² − Σ pₖ²)(n² − Σ tₖ²)), 0 where only one class is predicted or expected.

    c: correct answers; pₖ, tₖ: how often class k is predicted and expected. Answers that are no label form
    one more class. Rows: `correct`, `p` and `t` per class, 1.

    Source: Gorodkin 2004, as in `sklearn.metrics.matthews_corrcoef`.
    """

    name = "matthews"
    unit = "score"
    higher_is_better = True
    kinds = LABEL_KINDS
    proportion = False
    signature: str | None = None

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Returns rows of shape `(n, 2·(labels + 1) + 2)`."""
        names = label_set(samples, labels)
        given, wanted = predictions(samples), references(samples)
        correct = np.asarray([[float(p == t)] for p, t in zip(given, wanted, strict=True)]).reshape(-1, 1)
        return counted(np.hstack([correct, _classes(given, names), _classes(wanted, names)]))

    def value(self, sums: Floats) -> Floats:
        """Returns the correlation, -1 to 1."""
        values = np.asarray(sums, dtype=np.float64)
        correct, n = values[..., 0], values[..., -1]
        predicted, expected = np.split(values[..., 1:-1], 2, axis=-1)
        covariance = correct * n - (predicted * expected).sum(axis=-1)
        spread = (n**2 - (predicted**2).sum(axis=-1)) * (n**2 - (expected**2).sum(axis=-1))
        known = spread > 0
        found = np.divide(covariance, np.sqrt(np.where(known, spread, 1.0)), where=known, out=np.zeros(n.shape))
        return np.where(n > 0, found, np.nan)


def _classes(values: Sequence[str], labels: Sequence[str]) -> Floats:
    """Returns shape `(n, labels + 1)`, the last class being that of answers that are no label."""
    known = one_hot(values, labels)
    return np.hstack([known, 1.0 - known.sum(axis=1, keepdims=True)])
