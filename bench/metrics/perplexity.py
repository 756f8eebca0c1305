"""Perplexity: how many tokens the model wavers between. Comparable only between models of the same
tokeniser."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.rows import counted, ratio
from bench.record import Sample


class Perplexity:
    """exp(Σ negative log-likelihood / Σ scored tokens), token-weighted. Rows: `nats, tokens, 1`."""

    name = "perplexity"
    unit = "score"
    higher_is_better = False
    kinds = frozenset({"likelihood"})
    proportion = False
    signature: str | None = "token-weighted"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Returns rows `(nats, tokens, 1)`, shape `(n, 3)`; NaN nats where the model gave none."""
        pairs = [(np.nan if s.nll is None else s.nll, s.scored_tokens or 0) for s in samples]
        return counted(np.asarray(pairs, dtype=np.float64).reshape(len(samples), 2))

    def value(self, sums: Floats) -> Floats:
        """Returns the perplexity, at least 1; infinite where it is beyond a float."""
        values = np.asarray(sums, dtype=np.float64)
        with np.errstate(over="ignore"):
            return np.exp(ratio(values[..., 0], values[..., 1]))
