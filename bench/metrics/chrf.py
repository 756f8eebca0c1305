"""chrF, by sacrebleu's counts, with its value computed for many resamples at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.ngrams import shared_ngrams, totals
from bench.metrics.rows import predictions, ratio, references
from bench.metrics.sacrebleu_counts import SacrebleuCounts, Scorer
from bench.record import Sample

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
    title = "chrF"
    definition = "F2 of character n-gram precision and recall, averaged over n = 1 … 6, 0 to 100."
    source = "Popović 2015 and 2016"
    width = 3 * ORDERS + 1

    def scorer(self) -> Scorer:
        """Make sacrebleu's scorer."""
        from sacrebleu.metrics.chrf import CHRF

        scorer: Scorer = CHRF(char_order=ORDERS, word_order=0, beta=BETA)
        return scorer

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows of shape `(n, width)`: sacrebleu's counts, made for all texts at once where they can be."""
        shared = shared_ngrams(predictions(samples), references(samples), ORDERS, _letters)
        if shared is None:
            return super().statistics(samples, labels)
        wanted = totals(shared.wanted, ORDERS)
        prediction_totals = np.where(wanted > 0, totals(shared.given, ORDERS), 0)  # as sacrebleu has it
        rows = np.stack([prediction_totals, wanted, shared.hits], axis=-1).reshape(len(samples), 3 * ORDERS)
        return np.column_stack([rows, np.ones(len(samples))])

    def value(self, sums: Floats) -> Floats:
        """Compute corpus chrF."""
        values = np.asarray(sums, dtype=np.float64)
        n = values[..., -1]
        counts = values[..., :-1].reshape(*n.shape, ORDERS, 3)
        prediction_totals, wanted, shared = counts[..., 0], counts[..., 1], counts[..., 2]
        used = (prediction_totals > 0) & (wanted > 0)
        orders = used.sum(axis=-1)
        precision = np.where(used, ratio(shared, prediction_totals), 0.0).sum(axis=-1)
        recall = np.where(used, ratio(shared, wanted), 0.0).sum(axis=-1)
        precision, recall = (np.divide(part, np.maximum(orders, 1)) for part in (precision, recall))
        scored = precision + recall > 0
        below = np.where(scored, BETA**2 * precision + recall, 1.0)
        score = 100.0 * (1 + BETA**2) * precision * recall / below
        return np.where(n > 0, np.where(scored, score, 0.0), np.nan)


def _letters(text: str) -> str:
    return "".join(text.split())
