"""Peak resident set that the Linux kernel keeps of every process, and lets a process reset for itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from bench.meters.memory import HostMemory
from bench.meters.source import OWN_PROC, HostMemorySource, Probe

RESET_PEAK_RSS = "5"
"""What to write to `clear_refs`. Source: proc_pid_clear_refs(5), Linux 4.0 and newer."""
_HIGH_WATER = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class RssHighWater(HostMemorySource):
    """The kernel's `VmHWM`, reset through `clear_refs`."""

    name: ClassVar[str] = "rss_high_water"
    title: ClassVar[str] = "peak resident set of the kernel"
    rank: ClassVar[int] = 10

    def probe(self) -> Probe:
        """Find out whether the kernel's peak can be reset and read."""
        if reset_peak(self.site.proc) and high_water_bytes(self.site.proc / "status") is not None:
            return Probe(True, "the kernel keeps the peak and lets it be reset")
        reason = f"{self.site.proc}/clear_refs cannot be written; peaks are polled in passes that are not timed"
        return Probe(False, reason)

    def open(self) -> HostMemory:
        """Read this process's files."""
        return KernelPeak(self.site.proc)


class KernelPeak:
    """The kernel's peaks of this process and of its children."""

    source = RssHighWater.name
    keeps_peak = True

    def __init__(self, proc: Path = OWN_PROC) -> None:
        self._proc = proc

    def reset(self, pids: list[int]) -> None:
        """Reset the peaks; that of a child which does not permit it goes on from before."""
        reset_peak(self._proc)
        for pid in pids:
            reset_peak(_folder(pid))

    def peak_bytes(self, pid: int | None = None) -> int | None:
        """Read the peak since `reset`."""
        return high_water_bytes((self._proc if pid is None else _folder(pid)) / "status")


def reset_peak(folder: Path) -> bool:
    """Reset the kernel's peak of the process of a `/proc/PID` folder; False where that is not permitted."""
    try:
        (folder / "clear_refs").write_text(RESET_PEAK_RSS)
    except OSError:
        return False
    return True


def high_water_bytes(status: Path) -> int | None:
    """Read `VmHWM` of a `/proc/PID/status` file in bytes; None where there is none."""
    try:
        match = _HIGH_WATER.search(status.read_text())
    except OSError:
        return None
    return int(match.group(1)) * 1024 if match else None


def _folder(pid: int) -> Path:
    return Path(f"/proc/{pid}")
