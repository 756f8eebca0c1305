"""One phase of a cell under watch: how long it took and its peak memory, as facts.

The worker uses it around loading and evaluating, and every measuring pass runs inside one. Nothing here polls
in a phase that is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from bench.meters.allocator import release
from bench.meters.bundle import Meters
from bench.meters.clock import NS_PER_S
from bench.meters.memory import GpuPeak, Peak
from bench.record import Fact, Phase

T = TypeVar("T")

NO_MAPPINGS = "the kernel does not list the mappings of a process here (/proc/self/smaps)"

KEEPS_MEMORY: tuple[Phase, ...] = ("load", "cold", "latency")
"""Phases that begin with the allocator as it is: nothing ran before the load, a first request meets the process as the
load left it, and the latency pass must stay warm."""


@contextmanager
def watch(phase: Phase, meters: Meters, process: int, poll: bool = False) -> Iterator[list[Fact]]:
    """Watch a block as one phase; yield a list that holds the phase's facts once the block has ended.

    The facts are `window_PHASE_s`, `peak_rss_PHASE_bytes`, `peak_own_memory_PHASE_bytes` and, on CUDA,
    `peak_gpu_memory_PHASE_bytes` and `peak_gpu_reserved_PHASE_bytes` (of several GPUs the sum, and each apart). `poll`
    lets a thread look at memory, so not for timed phases.

    Memory that earlier phases have freed is given back before, so that the peak is the phase's own. Not before
    `latency`, which would then pay in its first requests for memory that the warm-up had got: its peak may include
    what the warm-up left, which runs the same shapes.
    """
    facts: list[Fact] = []
    if phase not in KEEPS_MEMORY:
        release()
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
        _own_fact(f"peak_own_memory_{phase}_bytes", peak, process),
    ]
    why = f"sum of the peaks of {', '.join(gpu.device for gpu in peak.gpus)}" if len(peak.gpus) > 1 else None
    for name, value in (("memory", peak.gpu_allocated_bytes), ("reserved", peak.gpu_reserved_bytes)):
        if value is not None:
            facts.append(Fact(f"peak_gpu_{name}_{phase}_bytes", value, "bytes", "torch", why, process=process))
    return [*facts, *(fact for gpu in peak.gpus if why for fact in _device_facts(phase, gpu, process))]


def _own_fact(name: str, peak: Peak, process: int) -> Fact:
    reason = peak.reason or (NO_MAPPINGS if peak.own_bytes is None else None)
    return Fact(name, peak.own_bytes, "bytes", peak.source, reason, process=process)


def _device_facts(phase: str, gpu: GpuPeak, process: int) -> list[Fact]:
    """Give the peaks on one of several GPUs: `cuda1_peak_memory_PHASE_bytes`, `cuda1_peak_reserved_PHASE_bytes`."""
    name = gpu.device.replace(":", "")
    return [
        Fact(f"{name}_peak_memory_{phase}_bytes", gpu.allocated_bytes, "bytes", "torch", process=process),
        Fact(f"{name}_peak_reserved_{phase}_bytes", gpu.reserved_bytes, "bytes", "torch", process=process),
    ]


def measure_load(load: Callable[[], T], meters: Meters, process: int = 0) -> tuple[T, list[Fact]]:
    """Load under watch; give what `load` returns, and the facts of the load.

    These are `baseline_rss_bytes`, `baseline_own_memory_bytes` (on CUDA also `baseline_gpu_memory_bytes`), `load_s`,
    `load_rss_bytes` and those of `watch`.

    Memory is polled only where the kernel keeps no peak that can be reset; at 100 Hz that slows the load by
    about 1 %.
    """
    release()  # else the model would fill what is free in the heap already, and seem smaller
    baseline = meters.memory.rss_bytes()
    meters.memory.start(poll=not meters.memory.keeps_peak)
    empty = meters.memory.stop()
    with watch("load", meters, process, poll=not meters.memory.keeps_peak) as facts:
        loaded = load()
    by_name = {fact.name: fact for fact in facts}
    seconds, peak = by_name["window_load_s"], by_name["peak_rss_load_bytes"]
    return loaded, [
        *facts,
        Fact("baseline_rss_bytes", baseline, "bytes", "rss", process=process),
        _own_fact("baseline_own_memory_bytes", empty, process),
        *_gpu_baseline(empty, process),
        Fact("load_s", seconds.value, "s", "clock", process=process),
        Fact("load_rss_bytes", peak.value, "bytes", peak.source, peak.reason, process=process),
    ]


def _gpu_baseline(empty: Peak, process: int) -> list[Fact]:
    value = empty.gpu_allocated_bytes
    return [] if value is None else [Fact("baseline_gpu_memory_bytes", value, "bytes", "torch", process=process)]
