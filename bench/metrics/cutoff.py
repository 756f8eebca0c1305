"""What metrics of orders share: how many documents from the top are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

from bench.metrics.base import Field, Floats, Metric
from bench.metrics.rows import ORDER_KINDS, counted, graded, mean
from bench.record import Sample


class Ordered(Metric):
    """The mean over queries of a number of the order of their documents. Rows: `number, 1`."""

    kinds = ORDER_KINDS
    reads: frozenset[Field] = frozenset(("scores", "answers"))
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {"k": ("10", "1", "3", "5", "20", "50", "100")}

    @property
    def k(self) -> int:
        """Documents from the top that are looked at."""
        return int(self.setting("k"))

    @cached_property
    def signature(self) -> str | None:
        """How many documents are looked at."""
        return f"k:{self.k}"

    def of(self, grades: Floats) -> float:
        """Compute the number of one query.

        Args:
            grades: of its documents, the one that is ranked highest first.
        """
        raise NotImplementedError

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows of shape `(n, 2)`."""
        return counted([self.of(graded(sample)) for sample in samples])

    def value(self, sums: Floats) -> Floats:
        """Compute the mean."""
        return mean(sums)
