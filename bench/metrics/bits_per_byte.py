"""Bits per byte: the text's length under the model, the one fair comparison across tokenisers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.rows import counted, ratio
from bench.record import Sample


class BitsPerByte:
    """Σ negative log-likelihood / ln 2 / Σ UTF-8 bytes of the scored text. Rows: `nats, bytes, 1`."""

    name = "bits_per_byte"
    unit = "score"
    higher_is_better = False
    kinds = frozenset({"likelihood"})
    proportion = False
    signature: str | None = "utf-8"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Returns rows `(nats, bytes, 1)`, shape `(n, 3)`; NaN nats where the model gave none."""
        pairs = [(np.nan if s.nll is None else s.nll, s.scored_bytes or 0) for s in samples]
        return counted(np.asarray(pairs, dtype=np.float64).reshape(len(samples), 2))

    def value(self, sums: Floats) -> Floats:
        """Returns bits per byte."""
        values = np.asarray(sums, dtype=np.float64)
        return np.asarray(ratio(values[..., 0], values[..., 1]) / np.log(2.0))
