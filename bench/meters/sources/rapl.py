"""Energy of CPU packages and DRAM from RAPL, as Linux's powercap shows it in files.

Adds the `package-*` zones and the `dram` zones within them, which lie outside the package's own figure.
Leaves out `psys` (it holds the packages), the `core` and `uncore` subzones (the package holds them) and the
memory-mapped duplicates. The figure is the whole machine's, not the process's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from bench.meters.clock import NS_PER_S, Clock
from bench.meters.energy import Energy, EnergyMeter
from bench.meters.source import POWERCAP, CpuEnergySource, Probe

POLL_INTERVAL_S = 1.0
"""Between two looks, so that no wrap-around is missed: the smallest range in use (2^32 × 15.3 µJ = 65.7 kJ)
lasts 65 s at 1 kW. Source: Intel 64 SDM vol. 3B, 15.10.3; Linux Documentation/power/powercap."""
UPDATE_PERIOD_S = 0.001
"""The counters move about every millisecond. Source: Intel 64 SDM vol. 3B, 15.10.3."""
REMEDY = (
    "readable by root only since Linux 5.10 (CVE-2020-8694); allow it with "
    "'sudo chmod -R a+r /sys/class/powercap/intel-rapl*' until the next boot, or run as root"
)


class RaplSource(CpuEnergySource):
    """The counters, where that of every CPU package can be read."""

    name: ClassVar[str] = "rapl"
    title: ClassVar[str] = "CPU energy counter (RAPL)"
    rank: ClassVar[int] = 10

    def probe(self) -> Probe:
        """Look for the zones to add up."""
        zones = find_zones(self.site.powercap)
        if zones.zones:
            return Probe(True, "adds " + ", ".join(zone.name for zone in zones.zones))
        return Probe(False, zones.reason or "no zones")

    def open(self) -> EnergyMeter:
        """Add up the zones."""
        return Rapl(find_zones(self.site.powercap).zones, self.site.clock)


@dataclass(frozen=True, slots=True)
class Zone:
    """One counter."""

    name: str
    """`package-0`, `package-0/dram`, …"""
    energy: Path
    range_uj: int
    """At which it wraps around."""


@dataclass(frozen=True, slots=True)
class Zones:
    """The counters of a machine, or why there are none."""

    zones: tuple[Zone, ...] = ()
    reason: str | None = None


def find_zones(root: Path = POWERCAP) -> Zones:
    """Find the zones to add up; none, with the reason, unless every package can be read."""
    packages = sorted(path for path in root.glob("intel-rapl:*") if path.name.count(":") == 1)
    if not packages:
        return Zones(reason=f"no RAPL zones under {root}; most virtual machines hide them, and so do non-x86 machines")
    zones: list[Zone] = []
    try:
        for package in packages:
            zones.extend(_zones_of(package))
    except PermissionError as error:
        return Zones(reason=f"{error.filename} cannot be read; {REMEDY}")
    except (OSError, ValueError) as error:
        return Zones(reason=f"RAPL under {root} cannot be read: {error}")
    if not zones:
        return Zones(reason=f"RAPL under {root} has no package zone")
    return Zones(tuple(zones))


def _zones_of(package: Path) -> list[Zone]:
    name = (package / "name").read_text().strip()
    if not name.startswith("package"):
        return []
    zones = [_zone(name, package)]
    for part in sorted(package.glob(f"{package.name}:*")):
        if (part / "name").read_text().strip() == "dram":
            zones.append(_zone(f"{name}/dram", part))
    return zones


def _zone(name: str, path: Path) -> Zone:
    zone = Zone(name, path / "energy_uj", int((path / "max_energy_range_uj").read_text()))
    _read(zone)
    return zone


def _read(zone: Zone) -> int:
    return int(zone.energy.read_text())


@dataclass(slots=True)
class Window:
    """One counter's running sum."""

    zone: Zone
    last_uj: int
    sum_uj: int = 0

    def look(self) -> None:
        """Add what was used since the last look; a smaller count than before has wrapped around once."""
        now = _read(self.zone)
        self.sum_uj += now - self.last_uj if now >= self.last_uj else now + self.zone.range_uj - self.last_uj
        self.last_uj = now


@dataclass(slots=True)
class Rapl:
    """Packages and DRAM of the whole machine."""

    zones: tuple[Zone, ...]
    clock: Clock
    source: str = RaplSource.name
    hardware: bool = True
    poll_interval_s: float | None = POLL_INTERVAL_S
    scope: str = ""
    _windows: list[Window] = field(default_factory=list)
    _start_ns: int = 0
    _broken: str | None = None

    def __post_init__(self) -> None:
        self.scope = "whole machine: " + " + ".join(zone.name for zone in self.zones)

    def start(self) -> None:
        """Begin a window."""
        self._broken = None
        self._windows = []
        self._start_ns = self.clock.now_ns()
        try:
            self._windows = [Window(zone, _read(zone)) for zone in self.zones]
        except (OSError, ValueError) as error:
            self._broken = str(error)

    def poll(self) -> None:
        """Add what was used since the last look."""
        try:
            for window in self._windows:
                window.look()
        except (OSError, ValueError) as error:
            self._broken = str(error)

    def stop(self) -> Energy:
        """Add up the joules of the window; the counters' period over the window bounds the error of the edges."""
        self.poll()
        seconds = (self.clock.now_ns() - self._start_ns) / NS_PER_S
        joules = sum(window.sum_uj for window in self._windows) / 1e6
        if self._broken is not None:
            return Energy(None, seconds, self.source, self.scope, f"RAPL stopped answering: {self._broken}")
        if joules <= 0:
            reason = f"the RAPL counters did not move in {seconds:.3g} s"
            return Energy(None, seconds, self.source, self.scope, reason, stood_still=True)
        edge = min(1.0, UPDATE_PERIOD_S / seconds) if seconds > 0 else 1.0
        return Energy(joules, seconds, self.source, self.scope, None, joules * (1 - edge), joules * (1 + edge))
