"""ROUGE-1, -2, -L and -Lsum: F-measures of Google's rouge-score, averaged over examples.

Its tokeniser keeps a–z and 0–9 alone, so that words in other alphabets do not count, and umlauts split words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version

from bench.metrics.base import Floats
from bench.metrics.rows import TEXT_KINDS, counted, mean, predictions, references
from bench.record import Sample


class _Rouge:
    """What the four share. Rows: `f-measure, 1`. No stemming, as in `evaluate`'s default.

    Source: Lin 2004; rouge-score.
    """

    name: str
    unit = "ratio"
    higher_is_better = True
    kinds = TEXT_KINDS
    proportion = False

    @cached_property
    def signature(self) -> str | None:
        """The library's version and its settings."""
        return f"{self.name}|f-measure|stemmer:no|rouge-score:{version('rouge-score')}"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Returns rows `(f-measure, 1)`, shape `(n, 2)`."""
        from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer([self.name], use_stemmer=False)
        pairs = zip(references(samples), predictions(samples), strict=True)
        return counted([scorer.score(wanted, given)[self.name].fmeasure for wanted, given in pairs])

    def value(self, sums: Floats) -> Floats:
        """Returns the mean F-measure."""
        return mean(sums)


class Rouge1(_Rouge):
    """F-measure of shared words."""

    name = "rouge1"


class Rouge2(_Rouge):
    """F-measure of shared pairs of words."""

    name = "rouge2"


class RougeL(_Rouge):
    """F-measure of the longest common subsequence of words."""

    name = "rougeL"


class RougeLsum(_Rouge):
    """ROUGE-L per sentence, united over the summary; sentences are lines."""

    name = "rougeLsum"
