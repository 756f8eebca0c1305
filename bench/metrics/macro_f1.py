"""F1 of each label, averaged so that each label counts the same."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.f1 import LabelF1
from bench.metrics.rows import ratio

RARE = 10
"""Examples of a label below which resampling them does not show how much its F1 varies: macro F1 then covers 64 to
90 % (`benchmarks/coverage.py`)."""


class MacroF1(LabelF1):
    """Mean F1 over the labels that occur, in references or predictions; each label counts the same.

    Equals `sklearn.metrics.f1_score(average="macro")` when every prediction is a label.
    """

    name = "macro_f1"
    title = "Macro F1"
    definition = "Mean over the labels that occur of 2·hits / (predicted + expected); each label counts the same."

    def half_examples(self, sums: Floats) -> Floats | None:
        """Add half an example answered rightly and half a one answered wrongly to each label that occurs, where one of
        them is expected fewer than `RARE` times: with three examples, all right, its F1 still varies."""
        _, predicted, expected = self.counts(sums)
        occurs = (predicted + expected) > 0
        if not occurs.any() or expected[occurs].min() >= RARE:
            return None
        one = 0.5 * np.eye(occurs.size)[occurs]
        elsewhere = np.tile(0.5 * occurs / occurs.sum(), (len(one), 1))
        right, wrong = np.hstack([one, one, one]), np.hstack([np.zeros_like(one), elsewhere, one])
        rows = np.vstack([right, wrong])
        return np.asarray(np.column_stack([rows, np.full(len(rows), 0.5)]), dtype=np.float64)

    def value(self, sums: Floats) -> Floats:
        """Compute the mean F1 over labels."""
        hits, predicted, expected = self.counts(sums)
        occurs = (predicted + expected) > 0
        f1 = np.where(occurs, ratio(2 * hits, predicted + expected), 0.0)
        return ratio(f1.sum(axis=-1), occurs.sum(axis=-1))
