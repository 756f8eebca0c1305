"""The sufficient statistics of many cells at once, on several cores where there is much text to count.

Counting n-grams of a corpus takes about 60 µs an example, in Python that holds the interpreter's lock; 60 models
on four tasks of 2 000 texts would take most of a minute.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.host.cpu import affinity
from bench.metrics.base import Metric
from bench.metrics.rows import TEXT_KINDS
from bench.record import Sample

Floats = NDArray[np.float64]

MANY_TEXTS = 50_000
"""Texts to score from which processes are forked: about 3 s of counting, far above what a fork costs (0.1 s)."""
BATCH = 4
"""Cells that a process takes at a time: enough to keep a task's references in its cache."""


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
        """Returns each metric's sufficient statistics, shape `(n, k)`, or why it could not be computed."""
        rows: dict[str, Floats] = {}
        failed: dict[str, str] = {}
        for metric in self.metrics:
            try:
                rows[metric.name] = np.asarray(metric.statistics(self.samples, self.labels), dtype=np.float64)
            except BenchError as error:  # a metric of the user's own; the others are computed all the same
                failed[metric.name] = str(error)
        return Counted(rows, failed)

    @property
    def texts(self) -> int:
        """How many texts are scored."""
        return len(self.samples) * sum(metric.kinds == TEXT_KINDS for metric in self.metrics)


def of_each(cells: Sequence[Answers]) -> list[Counted]:
    """Returns the statistics of each cell by metric; the same numbers on one core and on many."""
    workers = min(len(affinity()) or os.cpu_count() or 1, len(cells))
    if workers < 2 or sum(cell.texts for cell in cells) < MANY_TEXTS or not _may_fork():
        return [cell.statistics() for cell in cells]
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, context, initializer=_inherit, initargs=(cells,)) as pool:
        return list(pool.map(_at, range(len(cells)), chunksize=BATCH))


def _may_fork() -> bool:
    """Returns whether a fork is safe: on Linux, from a process with one thread that is no pool's child itself."""
    alone = threading.active_count() == 1 and multiprocessing.parent_process() is None
    return alone and sys.platform == "linux"


_inherited: Sequence[Answers] = ()
"""In a forked child: the cells, which it has from its parent's memory without a copy."""


def _inherit(cells: Sequence[Answers]) -> None:
    global _inherited
    _inherited = cells


def _at(index: int) -> Counted:
    return _inherited[index].statistics()
