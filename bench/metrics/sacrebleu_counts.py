"""What BLEU, chrF and TER share: sacrebleu's own counts per example, and its signature."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from bench.catalogue.readings import Range
from bench.metrics.base import SCORE_POINT, Floats, Metric
from bench.metrics.rows import TEXT_KINDS, counted, predictions, references
from bench.record import Sample


class SacrebleuCounts(Metric):
    """A corpus metric of sacrebleu; a subclass names its scorer and computes the value from summed counts."""

    unit = "score"
    range = Range(0.0, 100.0)
    kinds = TEXT_KINDS
    point = SCORE_POINT
    width: int
    """Columns of a row of counts, the example's own 1 included."""

    @abstractmethod
    def scorer(self) -> Any:
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
def _prepared(metric: type[SacrebleuCounts], wanted: tuple[str, ...]) -> Any:
    """Find the n-grams of a task's references, made once for all its models: they are half of the work."""
    return metric().scorer()._cache_references([wanted])
