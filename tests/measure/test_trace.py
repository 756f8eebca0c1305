from __future__ import annotations

from collections import Counter

import pytest

from bench.measure import trace
from bench.measure.trace import MAX_ANSWERS, Pass
from bench.record import Timing


def request(place: int, example: int = 0) -> Timing:
    return Timing("energy", place // 10_000, place, (example,), place + 1, output_tokens=2)


def test_every_request_has_the_same_chance_to_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 passes of 60 requests that keep 20: each is kept by a third of them, within 4 binomial errors."""
    monkeypatch.setattr(trace, "MAX_KEPT", 20)
    kept: Counter[int] = Counter()
    for process in range(2_000):
        found = Pass("energy")
        for place in range(60):
            found.keep(Timing("energy", process, place, (0,), 1), ())
        found.end("time_cap")
        assert len(found.timings) == 20
        kept.update(timing.iteration for timing in found.timings)
    error = (2_000 * (1 / 3) * (2 / 3)) ** 0.5
    assert len(kept) == 60
    assert all(abs(count - 2_000 / 3) < 4 * error for count in kept.values())


def test_all_are_counted_whether_kept_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MAX_KEPT", 5)
    found = Pass("energy")
    for place in range(100):
        found.keep(request(place), ())
    found.end("time_cap")
    assert (found.requests, found.examples, found.output_tokens, found.duration_ns) == (100, 100, 200, 5050)
    assert sorted(found.durations) == [timing.duration_ns for timing in found.timings]


def test_different_answers_to_one_example_are_kept_up_to_a_bound() -> None:
    found = Pass("energy")
    for place in range(20):
        found.keep(request(place), ("same",))
        found.keep(request(place, example=1), (f"answer {place}",))
    assert found.answers[0] == ["same"]
    assert found.answers[1] == [f"answer {place}" for place in range(MAX_ANSWERS)]
