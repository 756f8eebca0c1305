from __future__ import annotations

from collections.abc import Sequence

from bench.measure.requests import Requests, cycle, seeded_order, sorted_batches, time_request
from tests.measure.fakes import MS, FakeClock, FakeWorkload, steady


def test_order_is_the_same_for_every_model_and_differs_between_processes() -> None:
    assert sorted(seeded_order(50, 42, 0)) == list(range(50))
    assert seeded_order(50, 42, 0) == seeded_order(50, 42, 0)
    assert len({tuple(seeded_order(50, seed, process)) for seed in (1, 2) for process in range(3)}) == 6


def test_batches_are_sorted_by_length_longest_first() -> None:
    lengths = [5, 9, 1, 9, 7]
    workload = FakeWorkload(FakeClock(), lengths, steady(lengths))
    assert sorted_batches(workload, 2) == [(1, 3), (4, 0), (2,)]


def test_cycle_counts_on() -> None:
    turns = cycle([(1,), (2,)])
    assert [next(turns) for _ in range(3)] == [(0, (1,)), (1, (2,)), (2, (1,))]


def test_prompts_are_rendered_once_and_outside_the_timed_region() -> None:
    clock, rendered = FakeClock(), []

    class Slow(FakeWorkload):
        def request(self, indices: Sequence[int]):  # type: ignore[no-untyped-def]
            rendered.append(tuple(indices))
            clock.ns += 500 * MS
            return super().request(indices)

    requests = Requests(Slow(clock, [3], steady([3])))
    for iteration in range(2):
        timing, _ = time_request(clock, requests.get((0,)), "latency", 0, iteration, (0,), stamp=False)
        assert timing.duration_ns == 3 * MS
    assert rendered == [(0,)]


def test_device_is_waited_for_at_both_ends() -> None:
    clock = FakeClock()
    pending = 40 * MS

    class Device(FakeClock):
        """Work of 40 ms is still queued when the request returns."""

        def synchronise(self) -> None:
            nonlocal pending
            self.ns += pending
            self.synchronised += 1
            pending = 0

    clock = Device()

    def request(_: object) -> list[object]:
        nonlocal pending
        pending = 25 * MS
        return []

    timing, _ = time_request(clock, request, "latency", 0, 0, (0,), stamp=False)
    assert timing.duration_ns == 25 * MS
    assert clock.synchronised == 2


def test_device_timer_is_kept_beside_the_host_clock() -> None:
    class Timer:
        def start(self) -> None:
            self.began = clock.ns

        def stop(self) -> None:
            self.ended = clock.ns

        def elapsed_ns(self) -> int:
            return self.ended - self.began - 1

    clock = FakeClock()
    clock.device_timer = lambda: Timer()  # type: ignore[method-assign,assignment,return-value]
    workload = FakeWorkload(clock, [2], steady([2]))
    timing, _ = time_request(clock, workload.request([0]), "latency", 0, 0, (0,), stamp=False)
    assert (timing.duration_ns, timing.device_ns) == (2 * MS, 2 * MS - 1)


def test_tokens_are_stamped_from_the_start() -> None:
    clock = FakeClock()
    workload = FakeWorkload(clock, [8], steady([8]), generates=True)
    timing, _ = time_request(clock, workload.request([0]), "latency", 1, 7, (0,), stamp=True)
    assert timing.token_ns == (5 * MS, 6 * MS, 7 * MS, 8 * MS)
    assert (timing.input_tokens, timing.output_tokens, timing.process, timing.iteration) == (8, 4, 1, 7)
    unstamped, _ = time_request(clock, workload.request([0]), "latency", 0, 0, (0,), stamp=False)
    assert unstamped.token_ns == ()
