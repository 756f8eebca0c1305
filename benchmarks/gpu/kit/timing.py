"""Fidelity: bench's latency against CUDA events around the bare loop, in turns, on the same requests."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.gpu.kit.context import Context
from benchmarks.random_models import load, make_checkpoint, workload

LOW, HIGH = 0.98, 1.02
"""Wanted range of the ratio (issue 19, "What it must show")."""
TEXT = "The quick brown fox jumps over the lazy dog near the river bank today"
NEW_TOKENS = 16
FAMILIES = ("encoder", "causal-lm", "seq2seq")
ROUNDS, WINDOW_S = 12, 0.5
DRY_ROUNDS, DRY_WINDOW_S = 2, 0.05


def fidelity(context: Context) -> None:
    """Compare the medians for an encoder's forward, a GPT-2 generation and a T5 generation."""
    rounds, window_s = (ROUNDS, WINDOW_S) if context.on_gpu else (DRY_ROUNDS, DRY_WINDOW_S)
    size = "base" if context.on_gpu else "small"
    for family in FAMILIES:
        checkpoint = make_checkpoint(Path(context.scratch), family, size)
        pairs = compare(checkpoint, family, context.device, rounds, window_s)
        ratio = statistics.median(ours / bare for ours, bare in pairs)
        ours, bare = (statistics.median(column) * 1e3 for column in zip(*pairs, strict=True))
        shown = f"bench {ours:.3f} ms, bare loop {bare:.3f} ms: {ratio:.4f} ({len(pairs)} pairs)"
        name = f"latency against the bare loop, {family}"
        if context.on_gpu:
            context.ledger.hold(name, ratio, at_least=LOW, at_most=HIGH, shown=shown)
        else:
            context.ledger.tell(name, shown, ratio)


def compare(checkpoint: Path, family: str, device: str, rounds: int, window_s: float) -> list[tuple[float, float]]:
    """Time the same requests both ways, the first of each round by lot; pairs of medians in seconds, bench first."""
    from bench.measure.passes import latency, subject
    from bench.measure.profiles import PROFILES
    from bench.meters.bundle import open_meters

    made = workload(load(checkpoint, family, device), family, [TEXT], NEW_TOKENS)
    profile = replace(PROFILES["quick"], window_s=window_s, min_window_s=window_s)
    asked = subject(made, profile, open_meters(device, "off"), 0, 1, 0)
    request = made.request([0])
    bare = _by_events(request, device) if device.startswith("cuda") else _by_host(request)

    def by_bench() -> float:
        return statistics.median(timing.duration_ns for timing in latency(asked).timings) / 1e9

    def by_bare() -> float:
        end, seconds = time.perf_counter() + window_s, list[float]()
        while time.perf_counter() < end or len(seconds) < 3:
            seconds.append(bare())
        return statistics.median(seconds)

    by_bench(), by_bare()
    lot, pairs = random.Random(0), []
    for _ in range(rounds):
        first = lot.random() < 0.5
        early = by_bench() if first else by_bare()
        late = by_bare() if first else by_bench()
        pairs.append((early, late) if first else (late, early))
    return pairs


def _by_events(request: Callable[[None], object], device: str) -> Callable[[], float]:
    """Time one request by two events on the device's stream."""
    import torch

    stream = torch.cuda.current_stream(torch.device(device))

    def once() -> float:
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record(stream)
        request(None)
        end.record(stream)
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1e3

    return once


def _by_host(request: Callable[[None], object]) -> Callable[[], float]:
    def once() -> float:
        begin = time.perf_counter()
        request(None)
        return time.perf_counter() - begin

    return once
