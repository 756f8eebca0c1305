"""BLEU, by sacrebleu's counts, with its value computed for many resamples at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

import numpy as np

from bench.errors import EnvironmentLackError
from bench.metrics.base import Floats
from bench.metrics.ngrams import shared_ngrams, totals
from bench.metrics.rows import one_reference, predictions, references
from bench.metrics.sacrebleu_counts import SacrebleuCounts, Scorer
from bench.metrics.scripts import has_unspaced, is_mostly_unspaced
from bench.record import Sample

ORDERS = 4
"""Longest n-gram. Source: Papineni et al. 2002."""
REMEMBERED = 2**16
"""Words whose tokens are kept: of most texts nearly all words come again."""


class Bleu(SacrebleuCounts):
    """Corpus BLEU, 0 to 100: brevity penalty times the geometric mean of the n-gram precisions, n = 1 … 4.

    A precision without a hit is smoothed to 100 / (2ᵏ·total), k counting such precisions
    (`smooth_method="exp"`, NIST's). Rows: `length, reference length, hits 1–4, n-grams 1–4, 1`.

    Source: Post 2018, sacrebleu.
    """

    name = "bleu"
    title = "BLEU"
    definition = "Brevity penalty times the geometric mean of the n-gram precisions, n = 1 … 4, 0 to 100."
    source = "Papineni et al. 2002, Post 2018"
    width = 2 + 2 * ORDERS + 1
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "tokenize": ("13a", "zh", "char", "intl", "none", "flores200", "flores101", "spm", "ja-mecab", "ko-mecab")
    }
    """sacrebleu's tokenisers by its names; the last five need packages or files that sacrebleu asks for."""

    def scorer(self) -> Scorer:
        """Make sacrebleu's scorer."""
        from sacrebleu.metrics.bleu import BLEU

        scorer: Scorer = BLEU(force=True, tokenize=self.setting("tokenize"))
        return scorer

    def prepare(self) -> None:
        """Make the tokeniser of a suite, which may need a package or a file from the network.

        Raises:
            EnvironmentLackError: it is not here.
        """
        if not self.settings:
            return
        try:
            _tokeniser(self.setting("tokenize"))
        except (ImportError, RuntimeError, OSError, SystemExit) as error:
            raise EnvironmentLackError(
                f"BLEU's tokeniser '{self.setting('tokenize')}' cannot be loaded ({error}); install what it asks for, "
                "or take 'char', which needs nothing"
            ) from error

    def overlooks(self, text: str) -> bool:
        """Tell whether a tokeniser that cuts at spaces takes sentences of the text for words."""
        if self.setting("tokenize") not in CUT_AT_SPACES or not has_unspaced(text):
            return False
        return is_mostly_unspaced(_tokeniser(self.setting("tokenize"))._preprocess_segment(text).split())

    def remedy(self, text: str) -> Mapping[str, str]:
        """Name the tokeniser that reads a text: `zh` for Han alone, else `char`."""
        chinese = self.configured({"tokenize": "zh"})
        return {"tokenize": "char" if chinese.overlooks(text) or _has_kana(text) else "zh"}

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows of shape `(n, width)`: sacrebleu's counts, made for all texts at once where they can be."""
        if self.settings or not one_reference(samples):
            return super().statistics(samples, labels)
        shared = shared_ngrams(predictions(samples), references(samples), ORDERS, _words)
        if shared is None:
            return super().statistics(samples, labels)
        prediction_totals = totals(shared.given, ORDERS)
        return np.column_stack([shared.given, shared.wanted, shared.hits, prediction_totals, np.ones(len(samples))])

    def value(self, sums: Floats) -> Floats:
        """Compute corpus BLEU."""
        values = np.asarray(sums, dtype=np.float64)
        length, wanted, n = values[..., 0], values[..., 1], values[..., -1]
        hits, totals = values[..., 2 : 2 + ORDERS], values[..., 2 + ORDERS : 2 + 2 * ORDERS]
        scored = (hits.sum(axis=-1) > 0) & (totals > 0).all(axis=-1)
        misses = np.cumsum(hits == 0, axis=-1)
        smoothed = np.where(hits > 0, hits, 0.5**misses)
        precisions = np.divide(smoothed, totals, out=np.ones(hits.shape), where=scored[..., None])
        geometric = np.exp(np.log(precisions).mean(axis=-1))
        shortness = np.divide(wanted, length, out=np.ones(n.shape), where=scored & (length > 0))
        penalty = np.exp(np.minimum(0.0, 1.0 - shortness))
        return np.where(n > 0, np.where(scored, 100.0 * penalty * geometric, 0.0), np.nan)


CUT_AT_SPACES = frozenset({"13a", "intl", "none", "zh"})
"""Tokenisers that leave words of scripts without spaces together; `zh` parts Han alone."""
KANA = (0x3040, 0x30FF)


def _has_kana(text: str) -> bool:
    return any(KANA[0] <= ord(character) <= KANA[1] for character in text)


@lru_cache(maxsize=4)
def _tokeniser(name: str) -> Scorer:
    return Bleu().configured({"tokenize": name}).scorer()


def _words(text: str) -> list[str]:
    """Split a text as `13a` does.

    It looks no further than the white space around a word, except where it joins what the end of a line or a mark for
    a skipped part tears apart; so each word is read once.
    """
    if "\n" in text or "<skipped>" in text:
        return list(_tokens(text))
    return [token for word in text.split() for token in _tokens(word)]


@lru_cache(maxsize=REMEMBERED)
def _tokens(text: str) -> tuple[str, ...]:
    return tuple(_tokeniser("13a")._preprocess_segment(text).split())
