"""What BLEU, chrF and TER share: sacrebleu's own counts per example, and its signature."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np

from bench.catalogue.readings import Range
from bench.metrics.base import SCORE_POINT, Floats, Metric
from bench.metrics.rows import TEXT_KINDS, counted, predictions, references
from bench.record import Sample


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
    point = SCORE_POINT
    width: int
    """Columns of a row of counts, the example's own 1 included."""

    @abstractmethod
    def scorer(self) -> Scorer:
        """Make sacrebleu's object: the import takes half a second."""

    @cached_property
    def signature(self) -> str | None:
        """sacrebleu's signature for one reference."""
        scorer = self.scorer()
        scorer.num_refs = 1
        return str(scorer.get_signature())

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows of shape `(n, width)`."""
        if not samples:
            return np.zeros((0, self.width))
        scorer = self.scorer()
        scorer._ref_cache = _prepared(type(self), tuple(references(samples)))
        return counted(scorer._extract_corpus_statistics(predictions(samples), None))


@lru_cache(maxsize=4)
def _prepared(metric: type[SacrebleuCounts], wanted: tuple[str, ...]) -> object:
    """Find the n-grams of a task's references, made once for all its models: they are half of the work."""
    return metric().scorer()._cache_references([wanted])
