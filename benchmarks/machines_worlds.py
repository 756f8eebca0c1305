"""Simulated clusters with known truth: candidates whose speeds are known, on machines that differ, drift and misbehave.

A reading of a process is, as a logarithm, the candidate's own plus the machine's plus the drift of that machine at that
time plus the process's own noise. Machines of one kind differ by 5 %; each drifts at random; one is bad: a tenth
slower, and three times as noisy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.stats.processes import Levels, paired_ratio, paired_spread_of, spread_of, unpaired_ratio

CANDIDATES = 6
"""Compared: the first with the second, which is equal, and with the third, which is not."""
PROCESSES = 6
NOISE = 0.01
"""Standard deviation of a fresh process, of logarithms."""
APART = 0.05
"""Standard deviation of machines of one kind."""
DRIFT = 0.01
"""Of one round to the next on a machine."""
BAD_SLOWER, BAD_NOISE = 0.10, 3.0
ALPHA = 0.05


@dataclass(frozen=True)
class World:
    """How many machines there are, and what they are like."""

    machines: int
    apart: float = APART
    bad: bool = False


def readings(world: World, gap: float, blocks: bool, rng: np.random.Generator) -> np.ndarray:
    """Draw what every process of every candidate reads, as logarithms; shape `(CANDIDATES, PROCESSES)`.

    Args:
        world: the machines.
        gap: by how much the third candidate is slower, as a logarithm.
        blocks: whether process k of all candidates runs on one machine; else each on any.
        rng: draws.
    """
    level = world.apart * rng.standard_normal(world.machines)
    noise = np.full(world.machines, NOISE)
    if world.bad:
        level[-1] += math.log1p(BAD_SLOWER)
        noise[-1] *= BAD_NOISE
    drift = np.cumsum(DRIFT * rng.standard_normal((PROCESSES, world.machines)), axis=0)
    if blocks:
        order = [rng.permutation(world.machines) for _ in range(-(-PROCESSES // world.machines))]
        where = np.tile(np.concatenate(order)[:PROCESSES], (CANDIDATES, 1))
    else:
        where = rng.integers(world.machines, size=(CANDIDATES, PROCESSES))
    own = np.zeros((CANDIDATES, 1))
    own[2] = gap
    rounds = np.arange(PROCESSES)[None, :]
    scatter = noise[where] * rng.standard_normal((CANDIDATES, PROCESSES))
    return np.asarray(own + level[where] + drift[rounds, where] + scatter)


def levels(read: np.ndarray) -> list[Levels]:
    """Give what was read to bench's own comparison."""
    count = read.shape[1]
    return [Levels(tuple(range(count)), row, np.zeros(count), np.ones(count), float(row.mean()), 0.0) for row in read]


def found_within_blocks(read: np.ndarray) -> tuple[bool, bool]:
    """Compare as bench does: whether the equal one and the slower one are told from the first."""
    each = levels(read)
    spread = paired_spread_of(each)
    assert spread is not None
    ratios = [paired_ratio(each[0], each[other], spread) for other in (1, 2)]
    return tuple(ratio is not None and ratio.p < ALPHA for ratio in ratios)  # type: ignore[return-value]


def found_pooled(read: np.ndarray) -> tuple[bool, bool]:
    """Compare as if it did not matter which machine a process ran on."""
    each = levels(read)
    spread = spread_of(each)
    assert spread is not None
    ratios = [unpaired_ratio(each[0], each[other], (spread, spread)) for other in (1, 2)]
    return ratios[0].p < ALPHA, ratios[1].p < ALPHA


def rates(world: World, gap: float, *, blocks: bool, worlds: int, seed: int) -> tuple[float, float]:
    """Compute how often the equal one is told apart (an error), and the slower one (power)."""
    rng = np.random.default_rng(seed)
    found = found_within_blocks if blocks else found_pooled
    told = np.array([found(readings(world, gap, blocks, rng)) for _ in range(worlds)])
    return float(told[:, 0].mean()), float(told[:, 1].mean())
