"""The sufficient statistics of one cell's answers, and how much work they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.metrics.base import Metric
from bench.metrics.rows import TEXT_KINDS
from bench.record import Sample

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """The statistics of one cell."""

    rows: dict[str, Floats]
    """By metric name, shape `(n, k)`."""
    failed: dict[str, str]
    """Of each metric that raised, what it said."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """One cell's answers and what scores them."""

    samples: Sequence[Sample]
    labels: Sequence[str]
    metrics: Sequence[Metric]

    def statistics(self) -> Counted:
        """Compute each metric's sufficient statistics, shape `(n, k)`, or say why they could not be."""
        rows: dict[str, Floats] = {}
        failed: dict[str, str] = {}
        for metric in self.metrics:
            try:
                rows[metric.name] = np.asarray(metric.statistics(self.samples, self.labels), dtype=np.float64)
            except BenchError as error:  # a metric of the user's own; the others are still computed
                failed[metric.name] = str(error)
        return Counted(rows, failed)

    @property
    def texts(self) -> int:
        """Count the texts that are scored."""
        return len(self.samples) * sum(metric.kinds == TEXT_KINDS for metric in self.metrics)
