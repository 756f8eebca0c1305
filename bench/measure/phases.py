"""One phase of a cell under watch: how long it took and its peak memory, as facts.

The worker uses it around loading and evaluating, and every measuring pass runs inside one. Nothing here polls
in a phase that is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from bench.meters.bundle import Meters
from bench.meters.clock import NS_PER_S
from bench.meters.memory import Peak
from bench.record import Fact, Phase

T = TypeVar("T")


@contextmanager
def watch(phase: Phase, meters: Meters, process: int, poll: bool = False) -> Iterator[list[Fact]]:
    """Yields a list that holds the phase's facts once the block has ended.

    The facts are `window_PHASE_s`, `peak_rss_PHASE_bytes` and, on CUDA, `peak_gpu_memory_PHASE_bytes` and
    `peak_gpu_reserved_PHASE_bytes`. `poll` lets a thread look at memory, so not for timed phases.
    """
    facts: list[Fact] = []
    meters.memory.start(poll)
    start_ns = meters.clock.now_ns()
    try:
        yield facts
    finally:
        meters.clock.synchronise()
        seconds = (meters.clock.now_ns() - start_ns) / NS_PER_S
        facts.append(Fact(f"window_{phase}_s", seconds, "s", "clock", process=process))
        facts.extend(_memory_facts(phase, meters.memory.stop(), process))


def _memory_facts(phase: str, peak: Peak, process: int) -> list[Fact]:
    facts = [
        Fact(f"peak_rss_{phase}_bytes", peak.rss_bytes, "bytes", peak.source, peak.reason, process=process),
    ]
    if peak.gpu_allocated_bytes is not None:
        facts.append(
            Fact(f"peak_gpu_memory_{phase}_bytes", peak.gpu_allocated_bytes, "bytes", "torch", process=process)
        )
    if peak.gpu_reserved_bytes is not None:
        facts.append(
            Fact(f"peak_gpu_reserved_{phase}_bytes", peak.gpu_reserved_bytes, "bytes", "torch", process=process)
        )
    return facts


def measure_load(load: Callable[[], T], meters: Meters, process: int = 0) -> tuple[T, list[Fact]]:
    """Returns what `load` returns, and the facts `baseline_rss_bytes`, `load_s`, `load_rss_bytes` and those
    of `watch`.

    Memory is polled only where the kernel keeps no peak that can be reset; at 100 Hz that slows the load by
    about 1 %.
    """
    baseline = meters.memory.rss_bytes()
    with watch("load", meters, process, poll=not meters.memory.resettable) as facts:
        loaded = load()
    by_name = {fact.name: fact for fact in facts}
    seconds, peak = by_name["window_load_s"], by_name["peak_rss_load_bytes"]
    return loaded, [
        *facts,
        Fact("baseline_rss_bytes", baseline, "bytes", "rss", process=process),
        Fact("load_s", seconds.value, "s", "clock", process=process),
        Fact("load_rss_bytes", peak.value, "bytes", peak.source, peak.reason, process=process),
    ]
