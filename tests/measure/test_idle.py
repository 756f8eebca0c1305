from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.measure.idle import SETTLE_CAP_S, Idle, idle_baseline
from bench.meters.energy import Energy
from tests.measure.fakes import FakeClock, meters


class Falling:
    """A counter over a power that depends on the time since the work ended; `watts` is exact at the step's middle."""

    scope, hardware = "GPU", True
    poll_interval_s: float | None = None

    def __init__(self, clock: FakeClock, watts: Callable[[float], float | None], source: str) -> None:
        self.source = source
        self._clock, self._watts = clock, watts
        self._zero = self._start = clock.ns

    def start(self) -> None:
        self._start = self._clock.ns

    def poll(self) -> None:
        pass

    def stop(self) -> Energy:
        seconds = (self._clock.ns - self._start) / 1e9
        watts = self._watts((self._start + self._clock.ns - 2 * self._zero) / 2e9)
        return Energy(None if watts is None else watts * seconds, seconds, self.source, self.scope)


def idle(watts: Callable[[float], float | None], seconds: float = 5.0, source: str = "rapl") -> Idle:
    clock = FakeClock()
    device = "cuda:0" if source.startswith("nvml") else "cpu"
    return idle_baseline(replace(meters(clock, Falling(clock, watts, source)), device=device), seconds)


def test_high_clocks_after_the_work_are_waited_out() -> None:
    """A GPU at a steady 300 W for 7 s, then at 60 W: not taken for rest, and the baseline is the true 60 W."""
    found = idle(lambda t: 300.0 if t < 7 else 60.0, source="nvml_counter")
    assert (found.settled, found.settling_s, found.watts) == (True, 10.0, 60.0)


def test_falling_power_is_waited_out() -> None:
    found = idle(lambda t: 100.0 * 0.8 ** min(t, 8.0))
    assert found.settled
    assert 8 <= found.settling_s <= 14
    assert found.watts == pytest.approx(100.0 * 0.8**8)


def test_rest_from_the_start_costs_two_looks() -> None:
    found = idle(lambda t: 60.0)
    assert (found.settled, found.settling_s, found.watts) == (True, 4.0, 60.0)
    assert found.load is not None


def test_power_that_never_settles_ends_at_the_cap_and_is_said() -> None:
    found = idle(lambda t: 1000.0 * 0.9**t, seconds=10.0)
    assert not found.settled
    assert found.settling_s == pytest.approx(SETTLE_CAP_S)
    assert "before" in found.said


def test_short_profiles_wait_in_proportion() -> None:
    for source in ("rapl", "nvml_counter"):
        found = idle(lambda t: 1000.0 * 0.5**t, seconds=0.5, source=source)
        assert (found.settled, found.settling_s) == (False, 2.0)
    assert idle(lambda t: 60.0, seconds=0.5).settled
    assert not idle(lambda t: 60.0, seconds=0.5, source="nvml_counter").settled


def test_a_meter_that_fails_ends_the_wait() -> None:
    found = idle(lambda t: None)
    assert (found.settled, found.watts) == (False, None)
    assert found.settling_s == 2.0
