"""MRR@k: how far down the first relevant document stands."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.cutoff import Ordered


class Mrr(Ordered):
    """Mean over queries of 1 / rank of the first relevant document, 0 where none is among the first k.

    Rows: `1/rank, 1`.

    Source: Voorhees 1999.
    """

    name = "mrr"
    title = "MRR"
    definition = "Mean over queries of 1 / rank of the first relevant document; 0 where none is among the first k."
    source = "Voorhees 1999"

    def of(self, grades: Floats) -> float:
        """Compute the reciprocal rank of one query."""
        relevant = np.flatnonzero(grades[: self.k] > 0)
        return 1.0 / (1 + int(relevant[0])) if len(relevant) else 0.0
