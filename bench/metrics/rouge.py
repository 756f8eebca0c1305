"""What ROUGE-1, -2, -L and -Lsum share: F-measures of Google's rouge-score, averaged over examples.

Its tokeniser keeps a–z and 0–9 alone, so that words in other alphabets do not count, and umlauts split words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from importlib.metadata import version

from bench.metrics.base import Floats, Metric
from bench.metrics.ngrams import shared_ngrams, totals
from bench.metrics.rows import TEXT_KINDS, counted, mean, predictions, references
from bench.record import Sample

REMEMBERED = 2**14
"""Texts whose words are kept: several metrics and models read the same references and answers."""


class _Words:
    """rouge-score's own tokeniser without stemming, which reads each text once."""

    def tokenize(self, text: str) -> list[str]:
        """Split a text into words."""
        return words_of(text)


@lru_cache(maxsize=REMEMBERED)
def words_of(text: str) -> list[str]:
    """Split a text as rouge-score does, without stemming."""
    from rouge_score.tokenize import tokenize

    words: list[str] = tokenize(text, None)
    return words


class Rouge(Metric):
    """What the four share. Rows: `f-measure, 1`. No stemming, as in `evaluate`'s default.

    Source: Lin 2004; rouge-score.
    """

    source = "Lin 2004; rouge-score"
    sentences = ""
    """What the signature says of how sentences are told apart, where that matters."""
    kinds = TEXT_KINDS

    @cached_property
    def signature(self) -> str | None:
        """The library's version and its settings."""
        return f"{self.name}|f-measure|stemmer:no{self.sentences}|rouge-score:{version('rouge-score')}"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows `(f-measure, 1)`, shape `(n, 2)`."""
        return counted(self.scores(references(samples), predictions(samples)))

    def scores(self, wanted: Sequence[str], given: Sequence[str]) -> list[float]:
        """Compute the F-measure of each pair of texts."""
        from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer([self.name], tokenizer=_Words())
        return [scorer.score(a, b)[self.name].fmeasure for a, b in zip(wanted, given, strict=True)]

    def value(self, sums: Floats) -> Floats:
        """Compute the mean F-measure."""
        return mean(sums)


class SharedNgrams(Rouge):
    """F-measure of shared runs of `order` words."""

    order: int

    def scores(self, wanted: Sequence[str], given: Sequence[str]) -> list[float]:
        """Compute the F-measure of each pair of texts: rouge-score's, counted for all of them at once."""
        from rouge_score.scoring import fmeasure

        shared = shared_ngrams(given, wanted, self.order, words_of)
        if shared is None:
            return super().scores(wanted, given)
        hits = shared.hits[:, -1].tolist()
        of_given, of_wanted = (totals(n, self.order)[:, -1].tolist() for n in (shared.given, shared.wanted))
        pairs = zip(hits, of_given, of_wanted, strict=True)
        return [float(fmeasure(hit / max(a, 1), hit / max(b, 1))) for hit, a, b in pairs]
