"""Energy of the CPU estimated as utilisation × thermal design power (TDP), with low and high bounds.

The last resort, labelled as such everywhere. It knows the time that the process spent on CPUs and the power
for which the CPU was designed; it does not know frequency, memory traffic, the instruction mix or anything of
the idle machine, so it has no net figure. Estimates of two models on one machine rank them by CPU time, no
more.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil

from bench.meters.clock import NS_PER_S, Clock
from bench.meters.energy import Energy, EnergyMeter
from bench.meters.memory import has_children
from bench.meters.source import OWN_PROC, CpuEnergySource, Probe

GENERIC_W = 4.0
"""Watts of one busy logical CPU of unknown make. Source: Cloud Carbon Footprint's methodology, average of 3.5
to 4.3 W at full use per virtual CPU over AWS, Azure and Google Cloud; desktop parts (65 W, 16 threads)
agree."""
GENERIC_LOW_W = 1.5
"""Mobile parts: 15 W over 8 to 12 threads."""
GENERIC_HIGH_W = 16.0
"""Desktop parts at their turbo limit: 253 W over 16 performance threads (Intel Core i9-13900K, PL2)."""
KNOWN_LOW, KNOWN_HIGH = 0.5, 1.5
"""Bounds around a known TDP: busy packages draw from half of it (scalar code, memory waits) to the turbo
limit, which vendors set 1.2 to 2 times higher for desktops and at or near the TDP for servers. Source: Intel
64 SDM vol. 3B, 15.10 (PL1, PL2); RAPL readings in Khan et al., RAPL in Action, ACM TOMPECS 3(2), 2018."""


class EstimateSource(CpuEnergySource):
    """The process's CPU time, which every machine has, times the watts of a busy CPU."""

    name: ClassVar[str] = "estimate"
    title: ClassVar[str] = "estimate"
    rank: ClassVar[int] = 90
    estimates: ClassVar[bool] = True

    def probe(self) -> Probe:
        """Say which watts it assumes; it works everywhere."""
        power = self._power()
        return Probe(True, f"{power.watts:.3g} W per busy CPU ({power.low:.3g} to {power.high:.3g}); {power.origin}")

    def open(self) -> EnergyMeter:
        """Count this process's CPU time."""
        return CpuEstimate(self.site.clock, self._power())

    def _power(self) -> CpuPower:
        return cpu_power(cpu_model(), os.cpu_count() or 1, self.site.tdp_w)


@dataclass(frozen=True, slots=True)
class CpuPower:
    """Power of one busy logical CPU in watts, with bounds."""

    watts: float
    low: float
    high: float
    origin: str


_TDP_TABLE: tuple[tuple[str, float, int], ...] = (
    (r"Xeon.*Platinum 8[34]80", 315.0, 96),
    (r"Xeon.*Platinum 8375C", 300.0, 64),
    (r"Xeon.*Platinum 8259CL", 210.0, 48),
    (r"Xeon.*E5-2686 v4", 145.0, 36),
    (r"EPYC 9R14", 400.0, 192),
    (r"EPYC 7R13", 225.0, 96),
    (r"EPYC 7763", 280.0, 128),
    (r"EPYC 9654", 360.0, 192),
    (r"Core.*i9-13900K", 125.0, 32),
    (r"Core.*i7-12700\b", 65.0, 20),
    (r"Ryzen 9 7950X\b", 170.0, 32),
    (r"Ryzen 7 5800X\b", 105.0, 16),
    (r"Apple M1\b", 15.0, 8),
)
"""Model name (regular expression), TDP of the package in watts, its logical CPUs. Source: the vendors'
product pages; the cloud parts (8375C, 8259CL, 9R14, 7R13) from the public parts that they derive from."""


def cpu_power(model: str, logical_cpus: int, tdp_w: float | None) -> CpuPower:
    """Look up the watts of one busy logical CPU, from the suite's TDP, the table, or the generic bounds.

    >>> cpu_power("whatever", 10, 65.0).watts
    6.5
    >>> cpu_power("AMD Ryzen 7 5800X 8-Core Processor", 4, None).watts
    6.5625
    """
    if tdp_w is not None:
        return _around(tdp_w / max(1, logical_cpus), f"{tdp_w:g} W for {logical_cpus} CPUs, as the suite says")
    for pattern, package_w, package_cpus in _TDP_TABLE:
        if re.search(pattern, model):
            return _around(package_w / package_cpus, f"TDP {package_w:g} W for {package_cpus} CPUs of '{model}'")
    origin = (
        f"generic {GENERIC_LOW_W:g} to {GENERIC_HIGH_W:g} W per busy CPU; '{model}' is not in the table, "
        "set measure.tdp_w"
    )
    return CpuPower(GENERIC_W, GENERIC_LOW_W, GENERIC_HIGH_W, origin)


def _around(watts: float, origin: str) -> CpuPower:
    return CpuPower(watts, KNOWN_LOW * watts, KNOWN_HIGH * watts, origin)


class CpuEstimate:
    """CPU seconds of this process and its children, times watts of a busy logical CPU."""

    source = EstimateSource.name
    scope = "CPU time of this process and its children; no memory, no idle power"
    hardware = False
    poll_interval_s: float | None = None

    def __init__(self, clock: Clock, power: CpuPower) -> None:
        self._clock = clock
        self._power = power
        self._start_ns = 0
        self._start_cpu_s = 0.0

    def start(self) -> None:
        """Note the CPU time so far."""
        self._start_ns = self._clock.now_ns()
        self._start_cpu_s = self._cpu_s()

    def poll(self) -> None:
        """Do nothing: there is nothing to look at."""

    def stop(self) -> Energy:
        """Compute utilisation × TDP × time, which is CPU seconds × watts of a busy CPU."""
        busy_s = self._cpu_s() - self._start_cpu_s
        seconds = (self._clock.now_ns() - self._start_ns) / NS_PER_S
        power = self._power
        if busy_s <= 0:
            reason = f"the process used no CPU time that the kernel could count in {seconds:.3g} s"
            return Energy(None, seconds, self.source, self.scope, reason)
        reason = f"estimate: {busy_s:.3g} CPU s × {power.watts:.3g} W ({power.origin})"
        return Energy(
            busy_s * power.watts,
            seconds,
            self.source,
            self.scope,
            reason,
            busy_s * power.low,
            busy_s * power.high,
        )

    def _cpu_s(self) -> float:
        children = os.times()  # in ticks of 10 ms; the process's own clock counts nanoseconds
        return time.process_time() + children.children_user + children.children_system + _living_children_s()


def _living_children_s() -> float:
    """Read the CPU time of the processes that this one has started and that still run, such as a server."""
    if not has_children(OWN_PROC):
        return 0.0
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            spent = child.cpu_times()
            total += spent.user + spent.system
    return total


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Read the CPU's model name, or `unknown CPU`."""
    try:
        match = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)
    except OSError:
        return "unknown CPU"
    return match.group(1).strip() if match else "unknown CPU"
