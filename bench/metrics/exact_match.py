"""Exact match of short answers, after the normalisation of SQuAD."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

from bench.metrics.base import Field, Floats, Metric
from bench.metrics.rows import ANSWER_KINDS, LABEL_KINDS, accepted, counted, mean, predictions
from bench.metrics.scripts import has_foreign_stops, is_mostly_unspaced, unicode_words
from bench.record import Sample

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Put `text` in lower case without punctuation and English articles, words one space apart.

    Source: Rajpurkar et al. 2016, SQuAD's evaluation script.

    >>> normalised("The  Eiffel-Tower!")
    'eiffeltower'
    """
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


class AnswerWords(Metric):
    """What exact match and token F1 share: how an answer is split into words.

    With `words: squad` as SQuAD does, whose punctuation and articles are English. With `words: unicode` by
    `bench.metrics.scripts.unicode_words`: punctuation of every script is dropped, articles are kept, and letters of
    scripts without spaces are words.
    """

    options: ClassVar[Mapping[str, tuple[str, ...]]] = {"words": ("squad", "unicode")}
    reads = frozenset[Field](("prediction", "reference", "answers"))

    @cached_property
    def signature(self) -> str | None:
        """The normalisation."""
        return f"normalisation:{self.setting('words')}"

    def words_of(self, text: str) -> Sequence[str]:
        """Split an answer into the words that are compared."""
        return normalised(text).split() if self.setting("words") == "squad" else unicode_words(text)

    def remedy(self, text: str) -> Mapping[str, str]:
        """Name the words of any script."""
        return {"words": "unicode"}


class ExactMatch(AnswerWords):
    """Share of answers that equal the reference, or one of several, once both are normalised. Rows: `match, 1`."""

    name = "exact_match"
    title = "Exact match"
    definition = "Share of answers that equal the reference, or one of several, once both are normalised."
    source = "Rajpurkar et al. 2016"
    kinds = ANSWER_KINDS | LABEL_KINDS
    proportion = True

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows `(match, 1)`, shape `(n, 2)`."""
        pairs = zip(predictions(samples), accepted(samples), strict=True)
        words_of = self.words_of
        return counted([float(words_of(answer) in map(words_of, right)) for answer, right in pairs])

    def overlooks(self, text: str) -> bool:
        """Tell whether SQuAD's normalisation would leave a text of a script without spaces in one piece, or a
        foreign full stop in it."""
        if text.isascii() or self.setting("words") != "squad":
            return False
        return is_mostly_unspaced(self.words_of(text)) or has_foreign_stops(text)

    def value(self, sums: Floats) -> Floats:
        """Compute the share of matches."""
        return mean(sums)
