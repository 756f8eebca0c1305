"""Expected calibration error: how far a classifier's confidence is from its accuracy. Lower is better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.base import Field, Floats, Metric
from bench.metrics.rows import LABEL_KINDS, ratio
from bench.record import Sample

BINS = 15
"""Of equal width over (0, 1]. Source: Guo et al. 2017."""


class CalibrationError(Metric):
    """Σ over bins |Σ confidence − Σ correct| / n, confidence being the largest softmax probability of the
    label scores.

    Rows: per bin the sum of `confidence − correct`; then the number of examples with scores. Undefined
    without scores.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.
    """

    name = "ece"
    title = "Calibration error"
    higher_is_better = False
    definition = f"Mean distance of confidence and accuracy over {BINS} bins of confidence, weighted by their examples."
    source = "Guo et al. 2017"
    kinds = LABEL_KINDS
    reads = frozenset[Field](("prediction", "reference", "scores"))
    signature = f"bins:{BINS}"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows of shape `(n, 16)`: the bin of the example holds confidence − correct.

        A row of zeros for an example without scores, or whose scores have no finite highest.
        """
        rows = np.zeros((len(samples), BINS + 1))
        for row, sample in zip(rows, samples, strict=True):
            confidence = _confidence(sample.scores or ())
            if confidence is not None:
                place = min(max(int(np.ceil(confidence * BINS)) - 1, 0), BINS - 1)
                row[place] = confidence - float(sample.prediction == sample.reference)
                row[-1] = 1.0
        return rows

    def value(self, sums: Floats) -> Floats:
        """Compute the expected calibration error."""
        values = np.asarray(sums, dtype=np.float64)
        return ratio(np.abs(values[..., :-1]).sum(axis=-1), values[..., -1])


def _confidence(scores: Sequence[float]) -> float | None:
    """Find the largest softmax probability of log-probabilities, None where it is undefined."""
    values = np.asarray(scores, dtype=np.float64)
    if values.size == 0 or not np.isfinite(values.max()):
        return None
    return float(1.0 / np.exp(values - values.max()).sum())
