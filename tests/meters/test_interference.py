from __future__ import annotations

from pathlib import Path

import pytest

from bench.meters.interference import InterferenceMeter, Snapshot, difference


def snapshot(
    wall: float, own: float, busy: float | None, steal: float | None = 0.0, periods: int | None = 0
) -> Snapshot:
    return Snapshot(wall, own, busy, steal, periods, None if periods is None else periods * 0.05)


def test_others_are_what_is_busy_less_ones_own() -> None:
    seen = difference(snapshot(10, 4, 100, 1.0, 3), snapshot(20, 9, 112, 1.5, 5))
    assert seen.others_cpus == pytest.approx((12 - 5) / 10)
    assert seen.stolen_cpus == pytest.approx(0.05)
    assert (seen.throttled_periods, seen.throttled_s) == (2, pytest.approx(0.1))


def test_ticks_rounded_down_are_no_negative_load() -> None:
    assert difference(snapshot(0, 0, 0), snapshot(1, 0.999, 0.99)).others_cpus == 0.0


def test_unknown_stays_unknown() -> None:
    seen = difference(snapshot(0, 0, None, None, None), snapshot(1, 1, None, None, None))
    assert (seen.others_cpus, seen.stolen_cpus, seen.throttled_periods) == (None, None, None)


def test_reads_the_files(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  100 10 200 5000 60 7 8 90 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 5\nnr_periods 9\nnr_throttled 4\nthrottled_usec 250000\n")
    seen = InterferenceMeter(tmp_path, tmp_path).snapshot()
    assert seen.busy_cpu_s == pytest.approx((100 + 10 + 200 + 7 + 8) / 100)
    assert seen.steal_cpu_s == pytest.approx(0.9)
    assert (seen.throttled_periods, seen.throttled_s) == (4, 0.25)


def test_reads_cgroup_v1(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.stat").write_text("nr_periods 9\nnr_throttled 2\nthrottled_time 3000000000\n")
    seen = InterferenceMeter(tmp_path, tmp_path).snapshot()
    assert (seen.busy_cpu_s, seen.throttled_periods, seen.throttled_s) == (None, 2, 3.0)
