"""The timed passes: cold request, warm-up, latency at batch size 1, batched throughput.

Each runs on the scored model with the task's real inputs and returns raw timings; no statistic is stored.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from bench.measure.heap import frozen_heap
from bench.measure.profiles import HARD_CAP, PROFILES, Profile
from bench.measure.requests import Batch, Requests, cycle, seeded_order, sorted_batches, time_request, token_sum
from bench.measure.steady import MIN_WARMUP_ITERATIONS, is_steady
from bench.measure.stopping import StopRule
from bench.measure.trace import Pass
from bench.meters.bundle import Meters
from bench.meters.clock import NS_PER_S
from bench.record import Phase, Timing
from bench.tasks.base import Workload
from bench.tasks.batching import Batching

SHARE_OF_CAP = 10
"""The extremes of length are run in the warm-up when a request takes at most one part in so many of its cap: otherwise
they would leave nothing of it for the repeats."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured, with what and how."""

    workload: Workload
    profile: Profile
    meters: Meters
    process: int
    batching: Batching
    singles: tuple[Batch, ...]
    """All examples, one at a time, in the seeded order."""
    batches: tuple[Batch, ...]
    """All examples in batches of similar length, the longest first."""
    shuffled: tuple[Batch, ...]
    """The same batches in a seeded order, so that a window shorter than the data is not only the long ones."""
    requests: Requests


def subject(
    workload: Workload, profile: Profile, meters: Meters, process: int, batching: Batching | int, seed: int
) -> Subject:
    """Work out the orders of a subject."""
    order = seeded_order(len(workload.examples), seed, process)
    limits = Batching(examples=batching) if isinstance(batching, int) else batching
    batches = tuple(sorted_batches(workload, limits))
    return Subject(
        workload=workload,
        profile=profile,
        meters=meters,
        process=process,
        batching=limits,
        singles=tuple((index,) for index in order),
        batches=batches,
        shuffled=tuple(batches[position] for position in seeded_order(len(batches), seed, process)),
        requests=Requests(workload),
    )


def cold(workload: Workload, meters: Meters, process: int, seed: int) -> Pass:
    """Time the first request as a user would meet it, at batch size 1; nothing was tokenised or run before."""
    first = seeded_order(len(workload.examples), seed, process)[0]
    nothing_sorted = Subject(
        workload, PROFILES["quick"], meters, process, Batching(examples=1), ((first,),), (), (), Requests(workload)
    )
    cold_pass = Pass("cold")
    cold_pass.keep(*_single(nothing_sorted, "cold", 0, (first,)))
    cold_pass.end("complete")
    return cold_pass


def warm_up(given: Subject, first_s: float) -> Pass:
    """Repeat the example of middle length until it is steady, or until the cap.

    Repeats are of one request, so that their times can be compared. Where the first request (`first_s`) was
    quick enough, the longest and the shortest example run before, so that every shape has allocated.
    """
    warm_up_pass = Pass("warmup")
    by_length = [index for batch in given.batches for index in batch]
    if first_s * SHARE_OF_CAP <= given.profile.max_warmup_s:
        for iteration, index in enumerate((by_length[0], by_length[-1])):
            warm_up_pass.keep(*_single(given, "warmup", iteration, (index,)))
    middle = (by_length[len(by_length) // 2],)
    repeats = deque[float](maxlen=max(given.profile.warmup_window, MIN_WARMUP_ITERATIONS))
    while True:
        timing, answers = _single(given, "warmup", warm_up_pass.requests, middle)
        warm_up_pass.keep(timing, answers)
        repeats.append(float(timing.duration_ns))
        if is_steady(list(repeats), given.profile.warmup_window):
            warm_up_pass.end("steady")
            return warm_up_pass
        if len(repeats) >= MIN_WARMUP_ITERATIONS and warm_up_pass.duration_ns / NS_PER_S >= given.profile.max_warmup_s:
            warm_up_pass.end("cap")
            return warm_up_pass


def latency(given: Subject) -> Pass:
    """Time single requests through all examples in the seeded order until the stopping rule ends it."""
    found, rule, clock = Pass("latency"), StopRule(given.profile), given.meters.clock
    with quiet_collector(found):
        start_ns = clock.now_ns()
        for iteration, batch in cycle(given.singles):
            timing, answers = _single(given, "latency", iteration, batch)
            found.keep(timing, answers)
            reason = rule.decide(found.durations, (clock.now_ns() - start_ns) / NS_PER_S, found.requests)
            if reason is not None:
                found.end(reason)
                break
    return found


def throughput(
    given: Subject,
    phase: Phase = "throughput",
    window_s: float | None = None,
    window: AbstractContextManager[None] | None = None,
    warm: bool = False,
) -> Pass:
    """Run batches one after another for a window; they lie end to end, so that the sum of all, kept or not, is the
    window.

    Pipelined: requests are prepared before the window and the device is waited for at its ends only (a
    request that returns answers has waited for its own). `window` is entered for the window alone. `warm` runs the
    largest batch once before, so that the window finds its memory allocated and its kernels chosen: the warm-up
    runs single requests only.
    """
    found, clock = Pass(phase), given.meters.clock
    window_ns = int((given.profile.timed_s if window_s is None else window_s) * NS_PER_S)
    for batch in given.shuffled:
        given.requests.get(batch)
    if warm:
        given.requests.get(given.batches[0])(None)
    clock.synchronise()
    with quiet_collector(found), window or nullcontext():
        first_ns = before_ns = clock.now_ns()
        for iteration, batch in cycle(given.shuffled):
            answers = given.requests.get(batch)(None)
            elapsed_ns = clock.now_ns() - first_ns
            last = _window_over(elapsed_ns, window_ns, iteration + 1, given.profile.min_batches)
            if last:
                clock.synchronise()
            after_ns = clock.now_ns()
            found.keep(
                _batch_timing(found.phase, given.process, iteration, batch, before_ns, after_ns, answers),
                answers,
            )
            before_ns = after_ns
            if last:
                break
    found.end("time_cap")
    return found


def batch_fits(given: Subject, singles: Pass) -> bool:
    """Find out whether the largest batch takes less than a window even if its examples ran one after another."""
    return max(singles.durations) * len(given.batches[0]) <= given.profile.window_s * NS_PER_S


def _window_over(elapsed_ns: int, window_ns: int, batches: int, least: int) -> bool:
    return elapsed_ns >= HARD_CAP * window_ns or (elapsed_ns >= window_ns and batches >= least)


def _batch_timing(
    phase: Phase,
    process: int,
    iteration: int,
    batch: Batch,
    start_ns: int,
    end_ns: int,
    answers: Sequence[object],
) -> Timing:
    return Timing(
        phase=phase,
        process=process,
        iteration=iteration,
        examples=batch,
        duration_ns=end_ns - start_ns,
        start_ns=start_ns,
        input_tokens=token_sum(answers, "input_tokens"),
        output_tokens=token_sum(answers, "output_tokens"),
    )


def _single(given: Subject, phase: Phase, iteration: int, batch: Batch) -> tuple[Timing, Sequence[object]]:
    request = given.requests.get(batch)
    stamp = given.workload.generates
    return time_request(given.meters.clock, request, phase, given.process, iteration, batch, stamp)


@contextmanager
def quiet_collector(found: Pass) -> Iterator[None]:
    """Collect garbage and freeze what is left before the block, and count the collections that happen in it.

    The collector stays on: a server has it on too, and a pass that leaks cycles must show it.
    """

    def count(stage: str, _: dict[str, int]) -> None:
        if stage == "start":
            found.gc_collections += 1

    with frozen_heap():
        gc.callbacks.append(count)
        try:
            yield
        finally:
            gc.callbacks.remove(count)
