"""Exact match of short answers, after the normalisation of SQuAD."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from bench.metrics.base import Floats
from bench.metrics.rows import ANSWER_KINDS, LABEL_KINDS, accepted, counted, mean, predictions
from bench.record import Sample

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Returns `text` in lower case without punctuation and English articles, words one space apart.

    Source: Rajpurkar et al. 2016, SQuAD's evaluation script.

    >>> normalised("The  Eiffel-Tower!")
    'eiffeltower'
    """
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


class ExactMatch:
    """Share of answers that equal the reference, or one of several, once both are normalised. Rows: `match, 1`."""

    name = "exact_match"
    unit = "ratio"
    higher_is_better = True
    kinds = ANSWER_KINDS | LABEL_KINDS
    proportion = True
    signature: str | None = "normalisation:squad"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Returns rows `(match, 1)`, shape `(n, 2)`."""
        pairs = zip(predictions(samples), accepted(samples), strict=True)
        return counted([float(normalised(given) in map(normalised, answers)) for given, answers in pairs])

    def value(self, sums: Floats) -> Floats:
        """Returns the share of matches."""
        return mean(sums)
