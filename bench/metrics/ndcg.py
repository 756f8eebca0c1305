"""nDCG@k: how much of the grades stands near the top, against the best order."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.cutoff import Ordered


class Ndcg(Ordered):
    """Mean over queries of DCG@k / DCG@k of the best order, DCG = Σ grade / log₂(1 + rank). Rows: `nDCG, 1`.

    Grades count as they are, as in trec_eval, and not as 2^grade − 1. Equals `sklearn.metrics.ndcg_score` without ties;
    a tie goes against the model here.

    Source: Järvelin and Kekäläinen 2002.
    """

    name = "ndcg"
    title = "nDCG"
    definition = "Mean of Σ grade / log₂(1 + rank) over the first k documents, divided by that of the best order."
    source = "Järvelin and Kekäläinen 2002"

    def of(self, grades: Floats) -> float:
        """Compute nDCG@k of one query."""
        best = _gain(-np.sort(-grades)[: self.k])
        return _gain(grades[: self.k]) / best if best else 0.0


def _gain(grades: Floats) -> float:
    return float((grades / np.log2(np.arange(len(grades)) + 2)).sum())
