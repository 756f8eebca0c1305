"""Bits per byte: the text's length under the model, the one fair comparison across tokenisers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.catalogue.readings import AT_LEAST_ZERO
from bench.metrics.base import Field, Floats, Metric
from bench.metrics.rows import counted, ratio
from bench.record import Sample


class BitsPerByte(Metric):
    """Σ negative log-likelihood / ln 2 / Σ UTF-8 bytes of the scored text. Rows: `nats, bytes, 1`."""

    name = "bits_per_byte"
    title = "Bits per byte"
    unit = "score"
    range = AT_LEAST_ZERO
    higher_is_better = False
    definition = "Negative log-likelihood of the text in bits, divided by the bytes of its UTF-8 encoding."
    kinds = frozenset({"likelihood"})
    reads = frozenset[Field](("nll", "scored_bytes"))
    point = None
    signature = "utf-8"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows `(nats, bytes, 1)`, shape `(n, 3)`; NaN nats where the model gave none."""
        pairs = [(np.nan if s.nll is None else s.nll, s.scored_bytes or 0) for s in samples]
        return counted(np.asarray(pairs, dtype=np.float64).reshape(len(samples), 2))

    def value(self, sums: Floats) -> Floats:
        """Compute the bits per byte."""
        values = np.asarray(sums, dtype=np.float64)
        return np.asarray(ratio(values[..., 0], values[..., 1]) / np.log(2.0))
