"""How many further observations would show a difference, and of which task and kind they are cheapest.

A difference between two candidates is a sum of parts: examples of several tasks, requests, batches, processes. Each
part has a variance that falls with its number of observations, and a price in seconds. The cheapest plan is the one
that brings the variance of the sum to what is wanted in the least time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import READINGS
from bench.decision.board import Board
from bench.decision.rule import Stage
from bench.stats.bootstrap import robust_variance

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NoiseSource:
    """One kind of observation on which a difference rests."""

    task: str
    column: str
    """The first reading or metric that these observations give."""
    unit: str
    """`examples`, `requests`, `token gaps`, `batches` or `processes`."""
    n: int
    """Observations so far."""
    variance: float
    """What they add to the variance of the difference."""
    seconds: float | None
    """Time of one more on all candidates concerned; None when unknown."""


def further(sources: Sequence[NoiseSource], target_variance: float) -> list[int] | None:
    """Count how many further observations of each source bring the variance of their sum to `wanted` in the least
    time; None when it cannot be, since something has no observations.

    The time Σ c·N is least under Σ v·n/N = wanted where every N is proportional to √(v·n/c); a source that has more
    than that already keeps what it has. Sources of unknown time are left as they are, unless the others cannot do it
    alone.

    Source: Neyman's allocation with costs, Cochran, Sampling Techniques (1977), section 5.5.

    >>> further([NoiseSource("t", "accuracy", "examples", 100, 4.0, 0.1)], 1.0)
    [300]
    """
    if target_variance <= 0 or any(source.n == 0 for source in sources):
        return None
    priced = [i for i, source in enumerate(sources) if source.seconds is not None]
    fixed = sum(source.variance for source in sources if source.seconds is None)
    free = priced if fixed < target_variance and priced else list(range(len(sources)))
    out = [0] * len(sources)
    while free:
        remaining = target_variance - sum(source.variance for i, source in enumerate(sources) if i not in free)
        weight = {i: sources[i].variance * sources[i].n for i in free}
        price = {i: sources[i].seconds or 1.0 for i in free}
        scale = sum(math.sqrt(weight[i] * price[i]) for i in free) / remaining if remaining > 0 else math.inf
        total = {i: scale * math.sqrt(weight[i] / price[i]) for i in free}
        if not all(math.isfinite(value) for value in total.values()):
            return None
        enough = [i for i in free if total[i] <= sources[i].n]
        if not enough:
            for i in free:
                out[i] = math.ceil(total[i] - 1e-9) - sources[i].n
            break
        free = [i for i in free if i not in enough]
    return out


def sources(board: Board, stage: Stage, row: int, other: int) -> list[NoiseSource]:
    """List what the difference of two candidates in a stage rests on, parts without noise left out."""
    shared: dict[tuple[str, str], tuple[Board, int, Floats]] = {}
    for column, weight in stage.weights.items():
        for part, c, drawn in board.parts_of(column):
            key = (part.task, unit_of(part.columns[c].name, is_quality=part.columns[c].is_quality))
            gaps = weight * (drawn[:, row] - drawn[:, other])
            before = shared.get(key)
            shared[key] = (part, c, gaps) if before is None else (before[0], before[1], before[2] + gaps)
    pair = (board.names[row], board.names[other])
    estimated = [_source(part, c, unit, gaps, pair) for (_, unit), (part, c, gaps) in shared.items()]
    return [source for source in estimated if source.variance > 0]


def _source(part: Board, c: int, unit: str, gaps: Floats, pair: tuple[str, str]) -> NoiseSource:
    rows = [part.names.index(name) for name in pair]
    n = min((q.n for q in (part.quantities[r][c] for r in rows) if q is not None), default=0)
    spread = robust_variance(gaps) or float(np.var(gaps))  # a tail's draws have no variance to speak of
    spread = 0.0 if np.ptp(gaps) == 0 or not math.isfinite(spread) else spread
    return NoiseSource(part.task, part.columns[c].name, unit, n, spread, seconds_each(part, rows, unit))


def unit_of(name: str, *, is_quality: bool) -> str:
    """Tell what a reading or metric is observed on."""
    return "examples" if is_quality else READINGS[name].observation


def seconds_each(board: Board, rows: Sequence[int], unit: str) -> float | None:
    """Look up the time of one more observation on all of `rows` at batch size 1; None when it is not known."""
    if board.seconds is None or unit not in ("examples", "requests"):
        return None
    total = float(board.seconds[list(rows)].sum())
    return total if math.isfinite(total) and total > 0 else None
