"""The quality pass: every example answered once, in batches sorted by length, the rows back in the data's
order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.record import Sample
from bench.tasks.base import Workload


def batches(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Yields indices in batches, longest first, so that running out of memory shows in the first batch.

    >>> list(batches([3, 9, 5], 2))
    [[1, 2], [0]]
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    for at in range(0, len(order), batch_size):
        yield order[at : at + batch_size]


def score(workload: Workload, batch_size: int) -> list[Sample]:
    """Returns one row per example, in the data's order."""
    lengths = [workload.length(index) for index in range(len(workload.examples))]
    rows: list[Sample] = []
    for indices in batches(lengths, batch_size):
        rows.extend(workload.samples(indices, workload.request(indices)(None)))
    return sorted(rows, key=lambda row: row.index)
