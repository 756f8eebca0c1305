"""Which examples are asked for in which order, and the timing of one request.

The timed region holds the request and the wait for the device, nothing else: prompts are rendered before it,
answers are looked at after it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from bench.meters.clock import Clock
from bench.record import Phase, Timing
from bench.tasks.base import Request, Workload
from bench.tasks.batching import Batching
from bench.tasks.scoring import lengths_of

Batch = tuple[int, ...]


def seeded_order(count: int, seed: int, process: int) -> list[int]:
    """Shuffle the positions 0..count-1: the same for every model, another for each process.

    Two models are then timed on the same first examples however early one of them stops.
    """
    order = list(range(count))
    random.Random(f"{seed}:{process}").shuffle(order)
    return order


def sorted_batches(workload: Workload, batching: Batching | int) -> list[Batch]:
    """Group all examples into the batches in which they are scored: of similar length, the longest first."""
    limits = Batching(examples=batching) if isinstance(batching, int) else batching
    return limits.split(lengths_of(workload))


class Requests:
    """Prepared requests, rendered once each and kept."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._prepared: dict[Batch, Request] = {}

    def get(self, batch: Batch) -> Request:
        """Look up the request for a batch, prepared now if it was not before."""
        request = self._prepared.get(batch)
        if request is None:
            request = self._prepared[batch] = self._workload.request(batch)
        return request


def cycle(batches: Sequence[Batch]) -> Iterator[tuple[int, Batch]]:
    """Cycle through the batches for ever, as `(iteration, batch)`."""
    iteration = 0
    while True:
        for batch in batches:
            yield iteration, batch
            iteration += 1


def time_request(
    clock: Clock, request: Request, phase: Phase, process: int, iteration: int, batch: Batch, stamp: bool
) -> tuple[Timing, Sequence[object]]:
    """Time one request and keep its answers; `stamp` notes the time of every output token."""
    now, synchronise = clock.now_ns, clock.synchronise
    stamps: list[int] = []
    note = stamps.append

    def on_token() -> None:
        note(now())

    listener = on_token if stamp else None
    timer = clock.device_timer()
    synchronise()
    start = now()
    if timer is not None:
        timer.start()
    answers = request(listener)
    if timer is not None:
        timer.stop()
    synchronise()
    end = now()
    timing = Timing(
        phase=phase,
        process=process,
        iteration=iteration,
        examples=batch,
        duration_ns=end - start,
        start_ns=start,
        input_tokens=token_sum(answers, "input_tokens"),
        output_tokens=token_sum(answers, "output_tokens"),
        token_ns=tuple(stamped - start for stamped in stamps),
        device_ns=timer.elapsed_ns() if timer is not None else None,
    )
    return timing, answers


def token_sum(answers: Sequence[object], name: str) -> int:
    """Add up the tokens of all answers; 0 for a model without tokens."""
    return sum(getattr(answer, name, 0) for answer in answers)
