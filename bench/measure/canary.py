"""A fixed piece of work that measures the machine itself, so that a slower machine is not a slower model.

Three parts that a small model's request is made of: a matrix product, Python objects, and copying memory; on one
thread, so that it does not depend on how many there are. It does not see a slower GPU, nor what only many threads feel.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from bench.measure.placement import bind

VERSION = 1
"""Rises with every change of the work: durations of two versions do not compare."""
REPEATS = 60
"""Of each part; all together take a quarter of a second."""
SIZE = 448
"""Rows and columns of the matrices, as float32: 0.8 MB each, which stay in a core's cache."""
WORDS = 12_000
"""Words that the Python part counts."""
COPIED_BYTES = 16 * 1024**2
"""More than a core's share of the last-level cache."""
NS = 1e-9


@dataclass(frozen=True, slots=True)
class Canary:
    """How long the work took."""

    version: int
    seconds: float
    """Sum of the parts."""
    parts: Mapping[str, float]
    """Median seconds of each part: `matmul`, `python`, `copy`."""
    taken_at: str
    """ISO 8601, UTC."""


def measure_canary(
    notify: Callable[[str], None] = lambda _: None,
    *,
    repeats: int = REPEATS,
    clock: Callable[[], int] = time.perf_counter_ns,
    cpus: str | None = None,
) -> Canary:
    """Measure how long the fixed work takes here and now; an executor runs it in a fresh process.

    Args:
        notify: told the phase.
        repeats: of each part; the first is not counted.
        clock: nanoseconds.
        cpus: those that the models are bound to, `defaults.cpus`: cores of another kind say nothing of theirs.

    Raises:
        EnvironmentLackError: this process may not use them.
    """
    notify("canary")
    if cpus is not None:
        bind(cpus)
    taken_at = datetime.now(UTC).isoformat()
    works = {"matmul": _matmul(), "python": _python, "copy": _copy()}
    parts = {name: _median_s(work, repeats, clock) for name, work in works.items()}
    return Canary(VERSION, sum(parts.values()), parts, taken_at)


def _median_s(work: Callable[[], object], repeats: int, clock: Callable[[], int]) -> float:
    work()
    durations = []
    for _ in range(repeats):
        start = clock()
        work()
        durations.append(clock() - start)
    return median(durations) * NS


def _matmul() -> Callable[[], object]:
    import torch

    torch.set_num_threads(1)
    a = torch.linspace(-1, 1, SIZE * SIZE).reshape(SIZE, SIZE)
    return lambda: a @ a


def _python() -> object:
    counts: dict[str, int] = {}
    for number in range(WORDS):
        word = f"w{number % 997}"
        counts[word] = counts.get(word, 0) + len(word)
    return counts


def _copy() -> Callable[[], object]:
    import torch

    source = torch.zeros(COPIED_BYTES // 4)
    target = torch.empty_like(source)
    return lambda: target.copy_(source)
