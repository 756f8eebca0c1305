from __future__ import annotations

from pathlib import Path

import pytest

from bench.meters.source import Site
from bench.meters.sources import rapl as rapl_module
from bench.meters.sources.rapl import Rapl, RaplSource, find_zones
from tests.measure.fakes import FakeClock

RANGE_UJ = 65_712_999_613


def zone(folder: Path, name: str, energy_uj: int, range_uj: int = RANGE_UJ) -> Path:
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
    return folder / "energy_uj"


@pytest.fixture
def server(tmp_path: Path) -> dict[str, Path]:
    """Two packages with DRAM and core subzones, and a psys that holds them all."""
    return {
        "p0": zone(tmp_path / "intel-rapl:0", "package-0", 1_000_000),
        "core0": zone(tmp_path / "intel-rapl:0" / "intel-rapl:0:0", "core", 500_000),
        "dram0": zone(tmp_path / "intel-rapl:0" / "intel-rapl:0:1", "dram", 200_000),
        "p1": zone(tmp_path / "intel-rapl:1", "package-1", 9_000_000),
        "dram1": zone(tmp_path / "intel-rapl:1" / "intel-rapl:1:0", "dram", 0),
        "psys": zone(tmp_path / "intel-rapl:2", "psys", 77),
        "mmio": zone(tmp_path / "intel-rapl-mmio:0", "package-0", 1_000_000),
        "root": tmp_path,
    }


def add(path: Path, joules: float) -> None:
    path.write_text(str(int(path.read_text()) + round(joules * 1e6)))


def meter(root: Path, clock: FakeClock) -> Rapl:
    return Rapl(find_zones(root).zones, clock)


def test_adds_packages_and_dram_but_not_psys_core_or_mmio(server: dict[str, Path]) -> None:
    clock = FakeClock()
    found = meter(server["root"], clock)
    found.start()
    for name, joules in {
        "p0": 50,
        "dram0": 5,
        "p1": 40,
        "dram1": 4,
        "core0": 30,
        "psys": 120,
        "mmio": 50,
    }.items():
        add(server[name], joules)
    clock.sleep(10.0)
    energy = found.stop()
    assert energy.joules == pytest.approx(50 + 5 + 40 + 4)
    assert energy.seconds == pytest.approx(10.0)
    assert energy.scope == "whole machine: package-0 + package-0/dram + package-1 + package-1/dram"
    assert energy.low is not None and energy.high is not None
    assert energy.low < 99 < energy.high


def test_each_wrap_around_adds_one_range(server: dict[str, Path]) -> None:
    server["p0"].write_text(str(RANGE_UJ - 2_000_000))
    found = meter(server["root"], FakeClock())
    found.start()
    server["p0"].write_text("3000000")
    found.poll()
    server["p0"].write_text("1000000")
    energy = found.stop()
    assert energy.joules == pytest.approx((2 + 3) + (RANGE_UJ / 1e6 - 3 + 1))


def test_second_window_starts_afresh(server: dict[str, Path]) -> None:
    found = meter(server["root"], FakeClock())
    found.start()
    add(server["p0"], 7)
    found.stop()
    found.start()
    add(server["p0"], 2)
    assert found.stop().joules == pytest.approx(2)


def test_counters_that_do_not_move_are_no_zero(server: dict[str, Path]) -> None:
    found = meter(server["root"], FakeClock())
    found.start()
    energy = found.stop()
    assert energy.joules is None
    assert energy.stood_still


def test_file_that_vanishes_within_the_window(server: dict[str, Path]) -> None:
    found = meter(server["root"], FakeClock())
    found.start()
    add(server["p1"], 7)
    server["p0"].unlink()
    energy = found.stop()
    assert energy.joules is None
    assert "stopped answering" in (energy.reason or "")


def test_unreadable_file_gives_the_remedy(server: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    read_text = Path.read_text

    def refuse(self: Path, *args: str, **options: str) -> str:
        if self == server["dram0"]:
            raise PermissionError(13, "Permission denied", str(self))
        return read_text(self, *args, **options)

    monkeypatch.setattr(Path, "read_text", refuse)  # root reads files of any mode, so the mode alone would not do
    found = find_zones(server["root"])
    assert found.zones == ()
    assert "cannot be read" in (found.reason or "")
    assert "sudo chmod" in (found.reason or "")
    probe = RaplSource(Site("cpu", FakeClock(), powercap=server["root"])).probe()
    assert not probe.works
    assert probe.reason == found.reason


def test_no_powercap(tmp_path: Path) -> None:
    assert "no RAPL zones" in (find_zones(tmp_path).reason or "")


def test_polls_often_enough_for_the_smallest_range() -> None:
    assert rapl_module.POLL_INTERVAL_S <= 1.0
