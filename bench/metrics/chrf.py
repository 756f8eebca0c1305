"""chrF, by sacrebleu's counts, with its value computed for many resamples at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.rows import ratio
from bench.metrics.sacrebleu_counts import SacrebleuCounts

ORDERS = 6
"""Longest character n-gram. Source: Popović 2015."""
BETA = 2
"""Recall weighs β² times as much as precision. Source: Popović 2016."""


class ChrF(SacrebleuCounts):
    """Corpus chrF2, 0 to 100: F-β of character n-gram precision and recall, averaged over n = 1 … 6.

    Orders without an n-gram on either side are left out. Rows: per order `in prediction, in reference,
    shared`; 1.

    Source: sacrebleu 2.
    """

    name = "chrf"
    higher_is_better = True
    width = 3 * ORDERS + 1

    def scorer(self) -> Any:
        """Returns sacrebleu's scorer."""
        from sacrebleu.metrics.chrf import CHRF

        return CHRF(char_order=ORDERS, word_order=0, beta=BETA)

    def value(self, sums: Floats) -> Floats:
        """Returns corpus chrF."""
        values = np.asarray(sums, dtype=np.float64)
        n = values[..., -1]
        counts = values[..., :-1].reshape(*n.shape, ORDERS, 3)
        given, wanted, shared = counts[..., 0], counts[..., 1], counts[..., 2]
        used = (given > 0) & (wanted > 0)
        orders = used.sum(axis=-1)
        precision = np.where(used, ratio(shared, given), 0.0).sum(axis=-1)
        recall = np.where(used, ratio(shared, wanted), 0.0).sum(axis=-1)
        precision, recall = (np.divide(part, np.maximum(orders, 1)) for part in (precision, recall))
        scored = precision + recall > 0
        below = np.where(scored, BETA**2 * precision + recall, 1.0)
        score = 100.0 * (1 + BETA**2) * precision * recall / below
        return np.where(n > 0, np.where(scored, score, 0.0), np.nan)
