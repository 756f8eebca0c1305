"""What BLEU, chrF and TER share: sacrebleu's own counts per example, and its signature."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Protocol, cast

import numpy as np

from bench.catalogue.readings import Range
from bench.metrics.base import SCORE_POINT, Field, Floats, Metric
from bench.metrics.rows import TEXT_KINDS, accepted, counted, predictions
from bench.record import Sample

VARYING = -1
"""sacrebleu's word for a number of references that differs from example to example."""


class Scorer(Protocol):
    """What is used of sacrebleu's metrics: their counts are not part of its public surface."""

    num_refs: int
    _ref_cache: object

    def get_signature(self) -> object:
        """Name what fixes the number besides the texts."""

    def _cache_references(self, references: Sequence[Sequence[str]]) -> object: ...

    def _extract_corpus_statistics(self, hypotheses: Sequence[str], references: None) -> list[list[float]]: ...

    def _preprocess_segment(self, sentence: str) -> str: ...


class SacrebleuCounts(Metric):
    """A corpus metric of sacrebleu; a subclass names its scorer and computes the value from summed counts."""

    unit = "score"
    range = Range(0.0, 100.0)
    kinds = TEXT_KINDS
    reads = frozenset[Field](("prediction", "reference", "answers"))
    point = SCORE_POINT
    width: int
    """Columns of a row of counts, the example's own 1 included."""

    @abstractmethod
    def scorer(self) -> Scorer:
        """Make sacrebleu's object: the import takes half a second."""

    @cached_property
    def signature(self) -> str | None:
        """sacrebleu's signature, for one reference or for a number that varies."""
        scorer = self.scorer()
        scorer.num_refs = VARYING if self.several else 1
        return str(scorer.get_signature())

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows of shape `(n, width)`."""
        if not samples:
            return np.zeros((0, self.width))
        scorer = self.scorer()
        scorer._ref_cache = _prepared(type(self), tuple(self.settings.items()), streams_of(samples))
        return counted(scorer._extract_corpus_statistics(predictions(samples), None))


def streams_of(samples: Sequence[Sample]) -> tuple[tuple[str | None, ...], ...]:
    """List the first reference of every sample, then the second, …; None for a sample that has fewer."""
    right = accepted(samples)
    most = max(map(len, right))
    return tuple(tuple(texts[place] if place < len(texts) else None for texts in right) for place in range(most))


@lru_cache(maxsize=4)
def _prepared(
    metric: type[SacrebleuCounts], settings: tuple[tuple[str, str], ...], streams: tuple[tuple[str | None, ...], ...]
) -> object:
    """Find the n-grams of a task's references, made once for all its models: they are half of the work.

    sacrebleu takes None for a reference that is not there, as its docstring says and its annotation does not.
    """
    return metric().configured(dict(settings)).scorer()._cache_references(cast("Sequence[Sequence[str]]", streams))
