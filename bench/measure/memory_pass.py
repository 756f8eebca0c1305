"""The memory pass: the largest requests once more, watched by a polling thread, and not timed.

The longest single example comes first: for generation the peak up to its first token (prefill) and the peak
of the whole are told apart. The longest batch follows. Runs inside `watch("memory", …, poll=True)`, which
keeps the peak of both.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.measure.passes import Subject
from bench.meters.clock import NS_PER_S
from bench.record import Fact, Timing


def run_memory_pass(given: Subject, batched: Sequence[Timing]) -> list[Fact]:
    """Run the longest single example and the longest batch; give the peaks of prefill and generation."""
    facts = _single_peaks(given)
    if _affordable(given, batched):
        given.requests.get(given.batches[0])(None)
    return facts


def _single_peaks(given: Subject) -> list[Fact]:
    memory = given.meters.memory
    first: list[int] = []

    def on_token() -> None:
        if not first:
            first.append(memory.high_water_now())

    request = given.requests.get((given.batches[0][0],))
    if not given.workload.generates:
        request(None)
        return [_fact("peak_rss_forward_bytes", memory.high_water_now(), given)]
    request(on_token)
    facts = [_fact("peak_rss_prefill_bytes", first[0], given)] if first else []
    return [*facts, _fact("peak_rss_generate_bytes", memory.high_water_now(), given)]


def _affordable(given: Subject, batched: Sequence[Timing]) -> bool:
    """Skip a batch that takes longer than a whole window: the evaluation has run it already."""
    return all(timing.duration_ns < given.profile.window_s * NS_PER_S for timing in batched)


def _fact(name: str, value: int, given: Subject) -> Fact:
    source = given.meters.memory.source
    return Fact(name, value, "bytes", source, "longest example at batch size 1", process=given.process)
