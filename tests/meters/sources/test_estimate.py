from __future__ import annotations

import time
from pathlib import Path

import pytest

from bench.meters.cascade import choose_energy
from bench.meters.source import Site
from bench.meters.sources.estimate import CpuEstimate, CpuPower, cpu_power
from tests.measure.fakes import FakeClock


def burn(cpu_s: float) -> None:
    start = time.process_time()
    while time.process_time() - start < cpu_s:
        pass


def test_joules_are_cpu_seconds_times_watts_with_bounds() -> None:
    meter = CpuEstimate(FakeClock(), CpuPower(5.0, 2.0, 9.0, "test"))
    start = time.process_time()
    meter.start()
    burn(0.05)
    energy = meter.stop()
    spent = time.process_time() - start
    assert energy.joules is not None and energy.low is not None and energy.high is not None
    assert 5.0 * 0.05 <= energy.joules <= 5.0 * spent
    assert energy.low / energy.joules == pytest.approx(2 / 5)
    assert energy.high / energy.joules == pytest.approx(9 / 5)
    assert (energy.reason or "").startswith("estimate: ")


@pytest.mark.parametrize(
    ("model", "tdp_w", "watts"),
    [
        ("AMD EPYC 7763 64-Core Processor", None, 280 / 128),
        ("Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", None, 145 / 36),
        ("AMD EPYC 7763 64-Core Processor", 100.0, 25.0),
        ("no such CPU", None, 4.0),
    ],
)
def test_watts_of_a_busy_cpu(model: str, tdp_w: float | None, watts: float) -> None:
    power = cpu_power(model, 4, tdp_w)
    assert power.watts == pytest.approx(watts)
    assert power.low < power.watts < power.high


def test_unknown_cpu_says_how_to_set_it() -> None:
    assert "measure.tdp_w" in cpu_power("no such CPU", 4, None).origin


def test_cascade_falls_to_the_estimate_and_says_why(tmp_path: Path) -> None:
    chosen = choose_energy(Site("cpu", FakeClock(), powercap=tmp_path))
    assert chosen.meter.source == "estimate"
    assert not chosen.meter.hardware
    assert chosen.rejected[0].startswith("rapl: no RAPL zones")


def test_energy_off_is_obeyed() -> None:
    chosen = choose_energy(Site("cpu", FakeClock()), "off")
    energy = chosen.meter.stop()
    assert (energy.source, energy.joules) == ("unavailable", None)
    assert "energy: off" in (energy.reason or "")
