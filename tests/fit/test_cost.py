"""Costs by hand, with instruments whose figures are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bench.fit.cost import Cost, CostMeter, facts_of, total
from bench.meters.bundle import Meters
from bench.meters.energy import Energy
from bench.meters.memory import Peak


@dataclass
class FakeClock:
    ns: int = 0

    def now_ns(self) -> int:
        return self.ns


@dataclass
class FakeEnergy:
    joules: list[float | None]
    source: str = "rapl"
    poll_interval_s: float | None = None

    def start(self) -> None:
        pass

    def stop(self) -> Energy:
        value = self.joules.pop(0)
        why = None if value is not None else "the counter stood still"
        return Energy(value, 1.0, self.source, "CPU packages", why)


@dataclass
class FakeMemory:
    peaks: list[int] = field(default_factory=lambda: [300, 100, 200])

    def start(self, poll: bool) -> None:
        assert not poll

    def stop(self) -> Peak:
        return Peak(self.peaks.pop(0), "rss_high_water")


def meter(joules: list[float | None], clock: FakeClock) -> CostMeter:
    instruments: Any = Meters("cpu", cast(Any, clock), cast(Any, FakeMemory()), cast(Any, None), FakeEnergy(joules))
    return CostMeter(instruments)


def test_windows_add_up_over_laps_and_interruptions() -> None:
    clock = FakeClock()
    first = meter([5.0], clock)
    first.start()
    clock.ns = 2_000_000_000
    saved = first.lap(10)
    assert (saved.wall_s, saved.energy_j, saved.peak_rss_bytes, saved.examples) == (2.0, 5.0, 300, 10)
    clock.ns = 90_000_000_000  # the killed process's own further work is lost
    second = meter([7.0, 1.0], clock)
    second.start(saved)
    clock.ns = 93_000_000_000
    assert second.elapsed_s == pytest.approx(5.0)
    second.lap(20)
    clock.ns = 94_000_000_000
    whole = second.stop(25)
    assert (whole.wall_s, whole.energy_j, whole.examples, whole.peak_rss_bytes) == (6.0, 13.0, 25, 300)
    assert whole.energy_source == "rapl" and whole.energy_reason == "CPU packages"


def test_an_energy_that_one_window_lacks_is_lacking_with_its_reason() -> None:
    clock = FakeClock()
    one = meter([5.0, None], clock)
    one.start()
    clock.ns = 1_000_000_000
    one.lap(1)
    clock.ns = 2_000_000_000
    found = one.stop(2)
    assert found.energy_j is None and found.energy_reason == "the counter stood still"


def test_the_total_by_hand() -> None:
    a = Cost(2.0, 10, 4.0, 3.0, 5.0, "estimate", "x", 100)
    b = Cost(3.0, 20, 6.0, 5.0, 9.0, "estimate", "y", 80)
    found = total([a, b])
    assert (found.wall_s, found.examples, found.energy_j, found.energy_low_j, found.energy_high_j) == (5, 30, 10, 8, 14)
    assert found.peak_rss_bytes == 100 and found.energy_source == "estimate"


def test_facts_say_search_folds_and_teacher_apart() -> None:
    own, search = (
        Cost(10.0, 500, 20.0, 10.0, 30.0, "estimate", "CPU", 1000),
        Cost(40.0, 1, 80.0, 40.0, 120.0, "estimate"),
    )
    provenance = {"cost": own.as_dict(), "search": {"cost": search.as_dict()}, "teacher": {"cost_unknown": "bought"}}
    facts = {fact.name: fact for fact in facts_of(provenance, 0)}
    assert facts["fit_s"].value == 10.0 and facts["fit_search_s"].value == 40.0 and facts["fit_total_s"].value == 50.0
    assert facts["fit_energy_j"].value == 20.0 and facts["fit_energy_j"].source == "estimate"
    assert facts["fit_total_energy_j"].value == 100.0 and facts["fit_total_energy_j"].high == 150.0
    assert facts["fit_peak_memory_bytes"].value == 1000 and facts["fit_examples_per_s"].value == 50.0
    assert facts["fit_folds_s"].value is None and facts["fit_folds_s"].reason == "this training had no folds"
    assert facts["fit_teacher_s"].value is None and facts["fit_teacher_s"].reason == "bought"


def test_an_old_provenance_has_no_energy_and_says_so() -> None:
    facts = {fact.name: fact for fact in facts_of({"wall_s": 3.0, "examples": 30, "peak_rss_bytes": 5}, 0)}
    assert facts["fit_s"].value == 3.0 and facts["fit_examples_per_s"].value == 10.0
    assert facts["fit_energy_j"].value is None and "bench fit" in str(facts["fit_energy_j"].reason)
    assert facts_of(None, 0) == []
