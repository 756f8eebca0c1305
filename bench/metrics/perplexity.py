"""Perplexity: how many tokens the model wavers between. Models are comparable only with the same tokeniser."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.catalogue.readings import Range
from bench.metrics.base import Field, Floats, Metric
from bench.metrics.rows import counted, ratio
from bench.record import Sample


class Perplexity(Metric):
    """exp(Σ negative log-likelihood / Σ scored tokens), token-weighted. Rows: `nats, tokens, 1`."""

    name = "perplexity"
    title = "Perplexity"
    unit = "score"
    range = Range(1.0)
    higher_is_better = False
    definition = "exp(negative log-likelihood of all texts / their tokens): comparable with the same tokeniser alone."
    kinds = frozenset({"likelihood"})
    reads = frozenset[Field](("nll", "scored_tokens"))
    per_token = True
    point = None
    signature = "token-weighted"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows `(nats, tokens, 1)`, shape `(n, 3)`; NaN nats where the model gave none."""
        pairs = [(np.nan if s.nll is None else s.nll, s.scored_tokens or 0) for s in samples]
        return counted(np.asarray(pairs, dtype=np.float64).reshape(len(samples), 2))

    def value(self, sums: Floats) -> Floats:
        """Compute the perplexity, at least 1; infinite where it is beyond a float."""
        values = np.asarray(sums, dtype=np.float64)
        with np.errstate(over="ignore"):
            return np.exp(ratio(values[..., 0], values[..., 1]))
