"""The resample weights of a task: one seeded matrix of counts that all models of the task share.

Row b says how often each example (or each group of examples) is drawn in replicate b. Because every model is
weighted by the same rows, a difference between two models is paired, and its interval takes their agreement
into account. The matrix is never held whole: it is drawn in chunks, in the same order every time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CHUNK_CELLS = 2_000_000
"""Counts held at once (16 MB as float64); small enough for a cache, large enough for one matrix product to
pay."""


def seeded(*parts: object) -> np.random.Generator:
    """Make a generator that depends on all of `parts` and on nothing else, on any machine."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


@dataclass(frozen=True, slots=True)
class Resamples:
    """`replicates` bootstrap draws of `n` examples; whole groups are drawn where the data have groups."""

    n: int
    """Examples."""
    replicates: int
    seed: int
    groups: tuple[str, ...] | None = None
    """The group of each example, shape `(n,)`; None when examples are independent."""

    @property
    def units(self) -> int:
        """Count the units that are drawn: the groups, or the examples where there are no groups."""
        return self.n if self.groups is None else len(set(self.groups))

    def chunks(self) -> Iterator[NDArray[np.int64]]:
        """Yield counts of the drawn units, shape `(chunk, units)`; each row sums to `units`."""
        rng = np.random.default_rng(self.seed)
        units = self.units
        size = max(1, CHUNK_CELLS // max(units, 1))
        for start in range(0, self.replicates, size):
            rows = min(size, self.replicates - start)
            drawn = rng.integers(0, units, size=(rows, units))
            drawn += np.arange(rows)[:, None] * units
            yield np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units)

    def by_unit(self, statistics: Floats) -> Floats:
        """Sum the statistics over each drawn unit, shape `(units, k)`."""
        if self.groups is None:
            return statistics
        _, codes = np.unique(np.asarray(self.groups), return_inverse=True)
        summed = np.zeros((self.units, statistics.shape[1]))
        np.add.at(summed, codes, statistics)
        return summed

    def sums(self, blocks: Sequence[Floats]) -> list[Floats]:
        """Compute for each block of statistics, shape `(n, k)`, its resampled sums, shape `(replicates, k)`.

        All blocks are multiplied by the same weights in one pass, which is what makes models comparable pair
        by pair.
        """
        if not blocks:
            return []
        stacked = np.concatenate([self.by_unit(np.asarray(block, dtype=np.float64)) for block in blocks], axis=1)
        out = np.empty((self.replicates, stacked.shape[1]))
        row = 0
        for counts in self.chunks():
            out[row : row + len(counts)] = counts.astype(np.float64) @ stacked
            row += len(counts)
        ends = np.cumsum([block.shape[1] for block in blocks])
        return np.split(out, ends[:-1], axis=1)
