"""TER (translation edit rate), by sacrebleu's counts. Lower is better."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from bench.metrics.base import Floats
from bench.metrics.rows import TEXT_KINDS, counted, predictions, references
from bench.record import Sample


class Ter:
    """100 · edits / reference words, an edit being a word inserted, deleted or replaced, or a run of words
    moved.

    With no reference words: 100 if there are edits, else 0. Rows: `edits, reference words, 1`.

    Source: Snover et al. 2006, sacrebleu 2.
    """

    name = "ter"
    unit = "score"
    higher_is_better = False
    kinds = TEXT_KINDS
    proportion = False

    @cached_property
    def signature(self) -> str | None:
        """sacrebleu's signature for one reference."""
        scorer = _scorer()
        scorer.num_refs = 1
        return str(scorer.get_signature())

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Returns rows of shape `(n, 3)`."""
        if not samples:
            return np.zeros((0, 3))
        return counted(_scorer()._extract_corpus_statistics(predictions(samples), [references(samples)]))

    def value(self, sums: Floats) -> Floats:
        """Returns corpus TER."""
        values = np.asarray(sums, dtype=np.float64)
        edits, words, n = values[..., 0], values[..., 1], values[..., -1]
        without_words = np.where(edits > 0, 1.0, 0.0)
        rate = np.where(words > 0, edits / np.where(words > 0, words, 1.0), without_words)
        return np.where(n > 0, 100.0 * rate, np.nan)


def _scorer() -> Any:
    from sacrebleu.metrics.ter import TER

    return TER()
