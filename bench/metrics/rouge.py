"""What ROUGE-1, -2, -L and -Lsum share: F-measures of Google's rouge-score, averaged over examples.

Its tokeniser keeps a–z and 0–9 alone, so that words in other alphabets do not count, and umlauts split words. With
`words: unicode` words are those of `bench.metrics.scripts.unicode_words` instead. Of several
references the best counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from typing import ClassVar

from bench.metrics.base import Field, Floats, Metric
from bench.metrics.ngrams import shared_ngrams, totals
from bench.metrics.rows import TEXT_KINDS, accepted, counted, mean, predictions
from bench.metrics.scripts import HALF, read_share, unicode_words
from bench.record import Sample

REMEMBERED = 2**14
"""Texts whose words are kept: several metrics and models read the same references and answers."""


@dataclass(frozen=True, slots=True)
class _Words:
    """A tokeniser as rouge-score asks for it."""

    split: Callable[[str], Sequence[str]]

    def tokenize(self, text: str) -> Sequence[str]:
        """Split a text into words."""
        return self.split(text)


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
    reads = frozenset[Field](("prediction", "reference", "answers"))
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {"words": ("latin", "unicode")}

    @property
    def split(self) -> Callable[[str], Sequence[str]]:
        """The function that splits a text into words."""
        return words_of if self.setting("words") == "latin" else unicode_words

    def overlooks(self, text: str) -> bool:
        """Tell whether less than half of a text's letters and digits are in words that are read."""
        if text.isascii() or self.setting("words") != "latin":
            return False
        return read_share(text, words_of(text)) < HALF

    def remedy(self, text: str) -> Mapping[str, str]:
        """Name the words of any script."""
        return {"words": "unicode"}

    @cached_property
    def signature(self) -> str | None:
        """The library's version and its settings."""
        changed = "".join(f"|{name}:{value}" for name, value in self.settings.items())
        best = "|nrefs:var" if self.several else ""
        return f"{self.name}|f-measure|stemmer:no{self.sentences}{changed}{best}|rouge-score:{version('rouge-score')}"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows `(f-measure, 1)`, shape `(n, 2)`."""
        right = accepted(samples)
        given = [text for text, texts in zip(predictions(samples), right, strict=True) for _ in texts]
        scores = iter(self.scores([text for texts in right for text in texts], given))
        return counted([max(next(scores) for _ in texts) for texts in right])

    def scores(self, wanted: Sequence[str], given: Sequence[str]) -> list[float]:
        """Compute the F-measure of each pair of texts."""
        from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer([self.name], tokenizer=_Words(self.split))
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

        shared = shared_ngrams(given, wanted, self.order, self.split)
        if shared is None:
            return super().scores(wanted, given)
        hits = shared.hits[:, -1].tolist()
        of_given, of_wanted = (totals(n, self.order)[:, -1].tolist() for n in (shared.given, shared.wanted))
        pairs = zip(hits, of_given, of_wanted, strict=True)
        return [float(fmeasure(hit / max(a, 1), hit / max(b, 1))) for hit, a, b in pairs]
