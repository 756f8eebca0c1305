"""F1 of each label, averaged so that each label counts the same."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.f1 import LabelF1
from bench.metrics.rows import ratio


class MacroF1(LabelF1):
    """Mean F1 over the labels that occur, in references or predictions; each label counts the same.

    Equals `sklearn.metrics.f1_score(average="macro")` when every prediction is a label.
    """

    name = "macro_f1"
    title = "Macro F1"
    definition = "Mean over the labels that occur of 2·hits / (predicted + expected); each label counts the same."

    def value(self, sums: Floats) -> Floats:
        """Compute the mean F1 over labels."""
        hits, predicted, expected = self.counts(sums)
        occurs = (predicted + expected) > 0
        f1 = np.where(occurs, ratio(2 * hits, predicted + expected), 0.0)
        return ratio(f1.sum(axis=-1), occurs.sum(axis=-1))
