"""What else happened on the machine while something was measured: others' CPU time, time stolen, throttling by the
cgroup and by heat.

Counters, read at the edges of a pass only, from `/proc/stat`, the cgroup's `cpu.stat` and the CPUs' `thermal_throttle`;
never polled. This module does not know which process is to blame.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from bench.host.cpu import SYSTEM_CPU, affinity, own_groups, text

_BUSY = (0, 1, 2, 5, 6)
"""Columns of /proc/stat that are work of this machine: user, nice, system, irq, softirq. Source:
proc_stat(5)."""
_STEAL = 7


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counters at one moment, in seconds."""

    wall_s: float
    own_cpu_s: float
    """User and system time of this process and its ended children."""
    busy_cpu_s: float | None
    steal_cpu_s: float | None
    throttled_periods: int | None
    throttled_s: float | None
    heat_events: int | None = None
    """Times that the CPUs which this process may use were slowed down for heat, since the boot."""


@dataclass(frozen=True, slots=True)
class Interference:
    """Differences between two snapshots; None where the machine does not say."""

    wall_s: float
    own_cpu_s: float
    others_cpus: float | None
    """CPUs kept busy by other processes, on average."""
    stolen_cpus: float | None
    """CPUs' worth of time that the hypervisor gave to others, on average."""
    throttled_periods: int | None
    throttled_s: float | None
    heat_events: int | None = None
    """Times that a CPU was slowed down for heat."""


class InterferenceMeter:
    """A taker of snapshots; `proc`, `cgroup` and `system` are roots that a test can replace."""

    def __init__(
        self, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup"), system: Path = SYSTEM_CPU
    ) -> None:
        self._proc = proc
        self._cgroup = cgroup
        self._system = system
        self._tick = 1 / os.sysconf("SC_CLK_TCK")

    def snapshot(self) -> Snapshot:
        """Read the counters now."""
        busy, steal = self._machine()
        periods, throttled = self._throttling()
        times = os.times()
        own = time.process_time() + times.children_user + times.children_system
        return Snapshot(time.monotonic(), own, busy, steal, periods, throttled, self._heat_events())

    def since(self, before: Snapshot) -> Interference:
        """Compute what happened since `before`."""
        return difference(before, self.snapshot())

    def _machine(self) -> tuple[float | None, float | None]:
        try:
            first = (self._proc / "stat").read_text().splitlines()[0].split()
        except (OSError, IndexError):
            return None, None
        ticks = [int(text) for text in first[1:]]
        return sum(ticks[column] for column in _BUSY) * self._tick, ticks[_STEAL] * self._tick

    def _throttling(self) -> tuple[int | None, float | None]:
        """Read the periods and seconds of this process's group and those that hold it: each counts its own quota."""
        counted = []
        for folder in dict.fromkeys(own_groups(self._cgroup, self._proc / "self/cgroup")):
            try:
                pairs = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
            except (OSError, ValueError):
                continue
            if "nr_throttled" in pairs:
                counted.append((int(pairs["nr_throttled"]), _throttled_s(pairs)))
        return (sum(n for n, _ in counted), sum(s for _, s in counted)) if counted else (None, None)

    def _heat_events(self) -> int | None:
        """Count the events of the cores in use, and of the package with the most.

        Source: Linux Documentation/ABI/testing/sysfs-devices-system-cpu, thermal_throttle (Intel only).
        """
        folders = [self._system / f"cpu{number}" / "thermal_throttle" for number in affinity()]
        cores = [int(count) for folder in folders if (count := text(folder / "core_throttle_count"))]
        packages = [int(count) for folder in folders if (count := text(folder / "package_throttle_count"))]
        return sum(cores) + max(packages, default=0) if cores or packages else None


def difference(before: Snapshot, after: Snapshot) -> Interference:
    """Compute what happened between two snapshots."""
    wall = after.wall_s - before.wall_s
    own = after.own_cpu_s - before.own_cpu_s

    def rate(late: float | None, early: float | None, less: float) -> float | None:
        if late is None or early is None or wall <= 0:
            return None
        return max(0.0, late - early - less) / wall

    def grown(late: float | None, early: float | None) -> float | None:
        return None if late is None or early is None else late - early

    periods, heat = (
        None if late is None or early is None else late - early
        for late, early in (
            (after.throttled_periods, before.throttled_periods),
            (after.heat_events, before.heat_events),
        )
    )
    return Interference(
        wall_s=wall,
        own_cpu_s=own,
        others_cpus=rate(after.busy_cpu_s, before.busy_cpu_s, own),
        stolen_cpus=rate(after.steal_cpu_s, before.steal_cpu_s, 0.0),
        throttled_periods=periods,
        throttled_s=grown(after.throttled_s, before.throttled_s),
        heat_events=heat,
    )


def _throttled_s(pairs: dict[str, str]) -> float:
    """cgroup v2 counts microseconds (`throttled_usec`), v1 nanoseconds (`throttled_time`)."""
    if "throttled_usec" in pairs:
        return int(pairs["throttled_usec"]) / 1e6
    return int(pairs.get("throttled_time", 0)) / 1e9
