from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.meters.cpu_clock import CpuClock
from bench.meters.interference import InterferenceMeter

CPUS = sorted(os.sched_getaffinity(0))


def write(root: Path, name: str, value: int) -> None:
    for cpu in CPUS:
        path = root / f"cpu{cpu}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")


def test_mean_lowest_and_highest_rate(tmp_path: Path) -> None:
    clock = CpuClock(tmp_path)
    for khz in (3_000_000, 2_000_000, 2_500_000):
        write(tmp_path, "cpufreq/scaling_cur_freq", khz)
        clock.look()
    fact = clock.facts(3)[0]
    assert (fact.value, fact.low, fact.high, fact.unit, fact.process) == (2500.0, 2000.0, 3000.0, "MHz", 3)


def test_no_driver_is_no_figure_with_the_reason(tmp_path: Path) -> None:
    clock = CpuClock(tmp_path)
    clock.look()
    fact = clock.facts(0)[0]
    assert fact.value is None
    assert "cpufreq" in (fact.reason or "")


def test_slowing_down_for_heat_is_counted(tmp_path: Path) -> None:
    meter = InterferenceMeter(tmp_path, tmp_path, tmp_path)
    assert meter.snapshot().heat_events is None
    write(tmp_path, "thermal_throttle/core_throttle_count", 5)
    write(tmp_path, "thermal_throttle/package_throttle_count", 40)
    before = meter.snapshot()
    assert before.heat_events == 5 * len(CPUS) + 40
    write(tmp_path, "thermal_throttle/core_throttle_count", 7)
    assert meter.since(before).heat_events == 2 * len(CPUS)


@pytest.mark.parametrize("missing", ["core_throttle_count", "package_throttle_count"])
def test_one_counter_alone_does(tmp_path: Path, missing: str) -> None:
    other = {"core_throttle_count": "package_throttle_count"}.get(missing, "core_throttle_count")
    write(tmp_path, f"thermal_throttle/{other}", 1)
    assert InterferenceMeter(tmp_path, tmp_path, tmp_path).snapshot().heat_events is not None
