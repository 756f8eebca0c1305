"""ROUGE-1, -2, -L and -Lsum: F-measures of Google's rouge-score, averaged over examples.

Its tokeniser keeps a–z and 0–9 alone, so that words in other alphabets do not count, and umlauts split words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from importlib.metadata import version

from bench.metrics.base import Floats
from bench.metrics.lcs import lcs_length
from bench.metrics.ngrams import shared_ngrams, totals
from bench.metrics.rows import TEXT_KINDS, counted, mean, predictions, references
from bench.record import Sample

REMEMBERED = 2**14
"""Texts whose words are kept: several metrics and models read the same references and answers."""


class _Words:
    """rouge-score's own tokeniser without stemming, which reads each text once."""

    def tokenize(self, text: str) -> list[str]:
        """Returns the words."""
        return _words(text)


@lru_cache(maxsize=REMEMBERED)
def _words(text: str) -> list[str]:
    from rouge_score.tokenize import tokenize

    found: list[str] = tokenize(text, None)
    return found


class _Rouge:
    """What the four share. Rows: `f-measure, 1`. No stemming, as in `evaluate`'s default.

    Source: Lin 2004; rouge-score.
    """

    name: str
    sentences = ""
    """What the signature says of how sentences are told apart, where that matters."""
    unit = "ratio"
    higher_is_better = True
    kinds = TEXT_KINDS
    proportion = False

    @cached_property
    def signature(self) -> str | None:
        """The library's version and its settings."""
        return f"{self.name}|f-measure|stemmer:no{self.sentences}|rouge-score:{version('rouge-score')}"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Returns rows `(f-measure, 1)`, shape `(n, 2)`."""
        return counted(self.scores(references(samples), predictions(samples)))

    def scores(self, wanted: Sequence[str], given: Sequence[str]) -> list[float]:
        """Returns the F-measure of each pair of texts."""
        from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer([self.name], tokenizer=_Words())
        return [scorer.score(a, b)[self.name].fmeasure for a, b in zip(wanted, given, strict=True)]

    def value(self, sums: Floats) -> Floats:
        """Returns the mean F-measure."""
        return mean(sums)


class Rouge1(_Rouge):
    """F-measure of shared words."""

    name = "rouge1"
    order = 1

    def scores(self, wanted: Sequence[str], given: Sequence[str]) -> list[float]:
        """Returns the F-measure of each pair of texts: rouge-score's, counted for all of them at once."""
        from rouge_score.scoring import fmeasure

        found = shared_ngrams(given, wanted, self.order, _words)
        if found is None:
            return super().scores(wanted, given)
        hits = found.hits[:, -1].tolist()
        of_given, of_wanted = (totals(n, self.order)[:, -1].tolist() for n in (found.given, found.wanted))
        pairs = zip(hits, of_given, of_wanted, strict=True)
        return [float(fmeasure(hit / max(a, 1), hit / max(b, 1))) for hit, a, b in pairs]


class Rouge2(Rouge1):
    """F-measure of shared pairs of words."""

    name = "rouge2"
    order = 2


class RougeL(_Rouge):
    """F-measure of the longest common subsequence of words."""

    name = "rougeL"

    def scores(self, wanted: Sequence[str], given: Sequence[str]) -> list[float]:
        """Returns the F-measure of each pair of texts: rouge-score's, without its table in Python (15 times faster)."""
        from rouge_score.scoring import fmeasure

        found = []
        for a, b in zip(map(_words, wanted), map(_words, given), strict=True):
            length = lcs_length(a, b)
            found.append(float(fmeasure(length / len(b), length / len(a))) if length else 0.0)
        return found


class RougeLsum(_Rouge):
    """ROUGE-L per sentence, united over the summary; sentences are lines, as rouge-score has it.

    So a text of one line is one sentence, and its value that of ROUGE-L.
    """

    name = "rougeLsum"
    sentences = "|sentences:lines"
