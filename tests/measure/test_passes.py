from __future__ import annotations

import gc

import pytest

from bench.measure.passes import Subject, batch_fits, cold, latency, quiet_collector, subject, throughput, warm_up
from bench.measure.trace import MAX_KEPT, Pass
from tests.measure.fakes import MS, FakeClock, FakeWorkload, meters, profile, steady

LENGTHS = [4, 1, 3, 2, 5, 6, 7, 8]


def given(workload: FakeWorkload, batch_size: int = 3, **changes: float) -> Subject:
    return subject(workload, profile(**changes), meters(workload.clock), 0, batch_size, 42)


def test_cold_is_one_single_request() -> None:
    workload = FakeWorkload(FakeClock(), LENGTHS, steady(LENGTHS))
    found = cold(workload, meters(workload.clock), 0, 42)
    assert len(workload.calls) == len(found.timings) == 1
    assert len(found.timings[0].examples) == 1
    assert found.timings[0].duration_ns == LENGTHS[found.timings[0].examples[0]] * MS


def test_warm_up_touches_the_extremes_then_repeats_one_until_steady() -> None:
    workload = FakeWorkload(FakeClock(), LENGTHS, lambda index, call: MS * (5 if call < 6 else 1) * LENGTHS[index])
    found = warm_up(given(workload, warmup_window=3, max_warmup_s=10.0), 0.001)
    assert workload.calls[:2] == [(7,), (1,)]
    assert set(workload.calls[2:]) == {(0,)}
    assert found.ended_by == "steady"
    assert len(found.timings) == 2 + 3


def test_warm_up_that_never_settles_ends_at_its_cap() -> None:
    workload = FakeWorkload(FakeClock(), LENGTHS, lambda index, call: MS * (call + 1))
    found = warm_up(given(workload, max_warmup_s=0.5), 0.001)
    assert found.ended_by == "cap"
    spent = sum(timing.duration_ns for timing in found.timings)
    assert 500 * MS <= spent < 600 * MS


def test_slow_request_still_warms_up_three_times() -> None:
    workload = FakeWorkload(FakeClock(), [9], lambda index, call: MS * 1000 * (call + 1))
    assert len(warm_up(given(workload, max_warmup_s=0.1), 1.0).timings) == 3


def test_latency_goes_through_all_examples_in_the_seeded_order() -> None:
    workload = FakeWorkload(FakeClock(), LENGTHS, steady(LENGTHS))
    plan = given(workload)
    found = latency(plan)
    asked = [timing.examples for timing in found.timings]
    assert asked[: len(LENGTHS)] == list(plan.singles)
    assert asked[len(LENGTHS) : 2 * len(LENGTHS)] == list(plan.singles)
    assert all(timing.duration_ns == LENGTHS[timing.examples[0]] * MS for timing in found.timings)
    assert [timing.iteration for timing in found.timings] == list(range(len(found.timings)))


def test_latency_ends_at_the_window_and_says_so() -> None:
    workload = FakeWorkload(FakeClock(), LENGTHS, steady(LENGTHS))
    found = latency(given(workload, window_s=1.0))
    spent = sum(timing.duration_ns for timing in found.timings)
    assert found.ended_by == "time_cap"
    assert 1000 * MS <= spent < 1009 * MS


def test_latency_of_equal_times_ends_when_precise() -> None:
    workload = FakeWorkload(FakeClock(), [1, 1], lambda index, call: MS)
    found = latency(given(workload, window_s=1.0, min_window_s=0.3))
    assert found.ended_by == "precise"
    assert 300 <= len(found.timings) < 1000


def test_throughput_timings_lie_end_to_end_and_fill_the_window() -> None:
    workload = FakeWorkload(FakeClock(), LENGTHS, steady(LENGTHS))
    found = throughput(given(workload, window_s=1.0))
    ends = [timing.start_ns + timing.duration_ns for timing in found.timings]
    assert ends[:-1] == [timing.start_ns for timing in found.timings[1:]]
    total = sum(timing.duration_ns for timing in found.timings)
    assert 1000 * MS <= total < 1000 * MS + 21 * MS
    assert {timing.examples for timing in found.timings} == {(7, 6, 5), (4, 0, 2), (3, 1)}
    rates = len(found.timings) and sum(len(timing.examples) for timing in found.timings) / total
    assert rates == pytest.approx(
        sum(len(t.examples) for t in found.timings) / sum(LENGTHS[i] * MS for t in found.timings for i in t.examples)
    )


@pytest.mark.parametrize(("least", "batches"), [(1, 1), (2, 2), (9, 3)])
def test_throughput_of_huge_batches_has_the_least_up_to_three_windows(least: int, batches: int) -> None:
    workload = FakeWorkload(FakeClock(), LENGTHS, lambda index, call: 500 * MS)
    assert len(throughput(given(workload, window_s=1.0, min_batches=least)).timings) == batches


def test_a_window_of_quick_requests_is_bounded_by_time_and_its_record_by_count() -> None:
    """10 µs an example: 33,000 batches in a second, of which 2,000 are kept, spread over all of it."""
    clock = FakeClock()
    workload = FakeWorkload(clock, LENGTHS, lambda index, call: 10_000)
    began = clock.ns
    found = throughput(given(workload, window_s=1.0))
    assert found.ended_by == "time_cap"
    assert clock.ns - began == found.duration_ns == pytest.approx(1e9, rel=1e-4)
    assert found.requests == len(workload.calls) > 30_000
    assert found.examples == sum(map(len, workload.calls))
    assert len(found.timings) == len(found.durations) == MAX_KEPT
    places = [timing.iteration for timing in found.timings]
    assert places == sorted(set(places))
    assert [timing.examples for timing in found.timings] == [workload.calls[place] for place in places]
    assert sum(places) / MAX_KEPT / found.requests == pytest.approx(0.5, abs=4 * (1 / 12 / MAX_KEPT) ** 0.5)


def test_quick_requests_are_timed_for_the_least_window_too() -> None:
    workload = FakeWorkload(FakeClock(), LENGTHS, lambda index, call: 10_000)
    found = latency(given(workload, window_s=1.0, min_window_s=0.3))
    assert found.ended_by == "precise"
    assert found.duration_ns == pytest.approx(0.3e9, rel=0.3)
    assert len(found.timings) == MAX_KEPT < found.requests


def test_largest_batch_runs_before_the_window_when_asked() -> None:
    workload = FakeWorkload(FakeClock(), LENGTHS, steady(LENGTHS))
    plan = given(workload, window_s=1.0)
    singles = latency(plan)
    assert batch_fits(plan, singles)
    workload.calls.clear()
    found = throughput(plan, warm=True)
    assert workload.calls[0] == plan.batches[0]
    assert len(workload.calls) == found.requests + 1
    slow = FakeWorkload(FakeClock(), LENGTHS, lambda index, call: 400 * MS)
    plan = given(slow, window_s=1.0)
    assert not batch_fits(plan, latency(plan))


@pytest.mark.usefixtures("thawed")
def test_garbage_is_collected_and_frozen_before_and_counted_during() -> None:
    found = Pass("latency")
    with quiet_collector(found):
        assert gc.get_freeze_count() > 0
        gc.collect()
        gc.collect()
    assert found.gc_collections == 2
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert found.gc_collections == 2


@pytest.mark.usefixtures("thawed")
def test_what_was_frozen_before_stays_frozen() -> None:
    gc.freeze()
    with quiet_collector(Pass("latency")):
        pass
    assert gc.get_freeze_count() > 0
