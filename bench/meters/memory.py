"""Peak memory of a stretch of work: of this process with its children, and on the GPUs.

Where the kernel keeps the peak of a process, reading it costs nothing while the work runs. Elsewhere the resident set
is polled by a thread, and only in stretches that are not timed. The sum over processes counts pages that they share
more than once, and takes their peaks as if they had met. This module does not know what the work is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from bench.meters.resident import program_bytes, shared_bytes

OWN_PROC = Path("/proc/self")
POLL_INTERVAL_S = 0.01
"""Between two looks at the resident set: 100 Hz costs about 1 % of a core with psutil's `/proc` reads."""


@dataclass(frozen=True, slots=True)
class GpuPeak:
    """The highest memory of one stretch of work on one GPU, as the allocator counts it."""

    device: str
    """`cuda:N`."""
    allocated_bytes: int
    reserved_bytes: int


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest memory of one stretch of work."""

    rss_bytes: int | None
    """Of the process and its children; None when it can only be polled and was not."""
    source: str
    """Name of the source, `rss_high_water` or `rss_polled`."""
    reason: str | None = None
    gpus: tuple[GpuPeak, ...] = ()
    """One of each GPU used; empty without CUDA."""
    own_bytes: int | None = None
    """Of the resident set, what is neither a page of a program file nor shared by a child with others
    (`bench.meters.resident`); None where the kernel does not tell."""

    @property
    def gpu_allocated_bytes(self) -> int | None:
        """Sum over the GPUs of the allocated peaks; None without CUDA."""
        return sum(gpu.allocated_bytes for gpu in self.gpus) if self.gpus else None

    @property
    def gpu_reserved_bytes(self) -> int | None:
        """Sum over the GPUs of the reserved peaks; None without CUDA."""
        return sum(gpu.reserved_bytes for gpu in self.gpus) if self.gpus else None


class HostMemory(Protocol):
    """What keeps the peak memory of a process."""

    source: str
    keeps_peak: bool
    """Whether the peak is kept without polling, also in a timed stretch."""

    def reset(self, pids: list[int]) -> None:
        """Begin a stretch for this process and those of its children."""

    def peak_bytes(self, pid: int | None = None) -> int | None:
        """Read the peak since `reset` of this process, or of a child; None where it cannot be read."""


class GpuMemory(Protocol):
    """What keeps the peak memory on GPUs."""

    def reset(self) -> None:
        """Begin a stretch."""

    def peaks(self) -> tuple[GpuPeak, ...]:
        """Read the peaks since `reset`, one of each GPU."""


class MemoryMeter:
    """Peak memory between `start` and `stop`."""

    def __init__(self, host: HostMemory, gpus: GpuMemory | None = None, proc: Path = OWN_PROC) -> None:
        self._host = host
        self._proc = proc
        self._gpus = gpus
        self._process = psutil.Process()
        self._poller: Poller | None = None
        self._highest = 0
        self.source = host.source
        self.keeps_peak = host.keeps_peak

    def start(self, poll: bool) -> None:
        """Begin a stretch; `poll` starts a thread that looks at children too, so not for timed work."""
        self._highest = 0
        self._host.reset([child.pid for child in self._children()])
        if self._gpus is not None:
            self._gpus.reset()
        if poll:
            self._look()
            self._poller = Poller(self._look, POLL_INTERVAL_S)

    def stop(self) -> Peak:
        """End the stretch and read its peak."""
        poller, self._poller = self._poller, None
        if poller is not None:
            poller.stop()
            self._look()
        gpus = () if self._gpus is None else self._gpus.peaks()
        children = self._children()
        kernels = self._host.peak_bytes() if self.keeps_peak else None
        if kernels is not None:
            highest = max(self._highest, kernels + sum(self._child_peak(child) for child in children))
            return Peak(highest, self.source, None, gpus, self._own(highest, children))
        if poller is None:
            why = "the kernel's peak cannot be reset here and polling would disturb a timed pass"
            return Peak(None, "rss_polled", why, gpus)
        return Peak(self._highest, "rss_polled", None, gpus, self._own(self._highest, children))

    def rss_bytes(self) -> int:
        """Read the resident set of the process and its children now."""
        return int(self._process.memory_info().rss) + sum(_rss(child) for child in self._children())

    def high_water_now(self) -> int:
        """Read the peak of the process since `start` so far, without ending the stretch."""
        own = self._host.peak_bytes() if self.keeps_peak else None
        return max(own or 0, self._highest, int(self._process.memory_info().rss))

    def _own(self, highest: int, children: list[psutil.Process]) -> int | None:
        """Take off what is not the work's own as it is now: program pages come and stay, so that at the peak they were
        at most these."""
        programs = program_bytes(self._proc)
        if programs is None:
            return None
        return max(0, highest - programs - sum(shared_bytes(Path(f"/proc/{child.pid}")) for child in children))

    def _look(self) -> None:
        self._highest = max(self._highest, self.rss_bytes())

    def _children(self) -> list[psutil.Process]:
        if not has_children(self._proc):
            return []
        try:
            return self._process.children(recursive=True)
        except psutil.Error:
            return []

    def _child_peak(self, child: psutil.Process) -> int:
        peak = self._host.peak_bytes(child.pid)
        return peak if peak is not None else _rss(child)


class Poller:
    """A thread that calls `look` every `interval_s` until stopped."""

    def __init__(self, look: Callable[[], None], interval_s: float) -> None:
        self._look = look
        self._interval_s = interval_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bench-poller", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._done.wait(self._interval_s):
            self._look()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._done.set()
        self._thread.join()


def has_children(proc: Path) -> bool:
    """Tell whether a process has children, which the kernel lists by thread; True where it does not list them.

    To find them psutil looks at every process of the machine, which takes milliseconds, and this microseconds.

    Args:
        proc: its folder under `/proc`.
    """
    try:
        return any(bool((task / "children").read_bytes()) for task in (proc / "task").iterdir())
    except OSError:
        return True


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
