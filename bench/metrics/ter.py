"""TER (translation edit rate), by sacrebleu's counts. Lower is better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from bench.catalogue.readings import AT_LEAST_ZERO
from bench.metrics.base import Floats
from bench.metrics.sacrebleu_counts import SacrebleuCounts, Scorer
from bench.metrics.scripts import is_mostly_unspaced


class Ter(SacrebleuCounts):
    """100 · edits / reference words, an edit being a word inserted, deleted or replaced, or a run of words
    moved.

    With no reference words: 100 if there are edits, else 0. Rows: `edits, reference words, 1`.

    Source: Snover et al. 2006, sacrebleu 2.
    """

    name = "ter"
    title = "TER"
    definition = "100 · edits / reference words, a run of words that moved being one edit."
    source = "Snover et al. 2006"
    higher_is_better = False
    range = AT_LEAST_ZERO
    width = 3
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {"tokenize": ("tercom", "asian")}
    """`asian`: tercom's normalisation, with the letters of Chinese and Japanese apart."""

    def scorer(self) -> Scorer:
        """Make sacrebleu's scorer."""
        from sacrebleu.metrics.ter import TER

        asian = self.setting("tokenize") == "asian"
        scorer: Scorer = TER(normalized=asian, asian_support=asian)
        return scorer

    def overlooks(self, text: str) -> bool:
        """Tell whether words that are cut at spaces are sentences of the text."""
        return not text.isascii() and not self.settings and is_mostly_unspaced(text.split())

    def remedy(self, text: str) -> Mapping[str, str]:
        """Name the letters as words, which Chinese and Japanese alone have."""
        return {"tokenize": "asian"}

    def value(self, sums: Floats) -> Floats:
        """Compute corpus TER."""
        values = np.asarray(sums, dtype=np.float64)
        edits, words, n = values[..., 0], values[..., 1], values[..., -1]
        without_words = np.where(edits > 0, 1.0, 0.0)
        rate = np.where(words > 0, edits / np.where(words > 0, words, 1.0), without_words)
        return np.where(n > 0, 100.0 * rate, np.nan)
