"""The share of tokens with the right tag."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.base import Floats, Metric
from bench.metrics.rows import TAG_KINDS, ratio
from bench.record import Sample


class TagAccuracy(Metric):
    """Share of tokens with the right tag, `O` counted. Rows: `right, tokens, 1`.

    Most tokens belong to no name, so that `O` alone is mostly right: look at entity F1 first.
    """

    name = "tag_accuracy"
    title = "Tag accuracy"
    definition = "Share of tokens with the right tag, those that belong to nothing counted."
    kinds = TAG_KINDS

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows of shape `(n, 3)`."""
        pairs = [((sample.prediction or "").split(), sample.reference.split()) for sample in samples]
        rows = [[sum(a == b for a, b in zip(*pair, strict=False)), len(pair[1]), 1] for pair in pairs]
        return np.asarray(rows, dtype=np.float64).reshape(len(rows), 3)

    def value(self, sums: Floats) -> Floats:
        """Compute the share."""
        return ratio(sums[..., 0], sums[..., 1])
