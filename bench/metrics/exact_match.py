"""Exact match of short answers, after the normalisation of SQuAD."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from bench.metrics.base import Field, Floats, Metric
from bench.metrics.rows import ANSWER_KINDS, LABEL_KINDS, accepted, counted, mean, predictions
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


class ExactMatch(Metric):
    """Share of answers that equal the reference, or one of several, once both are normalised. Rows: `match, 1`."""

    name = "exact_match"
    title = "Exact match"
    definition = "Share of answers that equal the reference, or one of several, once both are normalised."
    source = "Rajpurkar et al. 2016"
    kinds = ANSWER_KINDS | LABEL_KINDS
    reads = frozenset[Field](("prediction", "reference", "answers"))
    proportion = True
    signature = "normalisation:squad"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows `(match, 1)`, shape `(n, 2)`."""
        pairs = zip(predictions(samples), accepted(samples), strict=True)
        return counted([float(normalised(answer) in map(normalised, right)) for answer, right in pairs])

    def value(self, sums: Floats) -> Floats:
        """Compute the share of matches."""
        return mean(sums)
