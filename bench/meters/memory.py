"""Peak memory of a stretch of work: resident set of this process and its children, and torch's memory on the
GPU.

On Linux the kernel keeps the peak (`VmHWM`) and lets a process reset its own through `/proc/self/clear_refs`,
which costs nothing while the work runs. Where that is not permitted the resident set is polled by a thread,
and only in stretches that are not timed. The sum over processes counts pages that they share more than once, and
takes their peaks as if they had met. This module does not know what the work is.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.meters.clock import split_devices

RESET_PEAK_RSS = "5"
"""What to write to `clear_refs`. Source: proc_pid_clear_refs(5), Linux 4.0 and newer."""
POLL_INTERVAL_S = 0.01
"""Between two looks at the resident set: 100 Hz costs about 1 % of a core with psutil's `/proc` reads."""
_HIGH_WATER = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GpuPeak:
    """The highest memory of one stretch of work on one GPU, as torch's allocator counts it."""

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
    """`rss_high_water` (kernel's own peak), `rss_polled`."""
    reason: str | None = None
    gpus: tuple[GpuPeak, ...] = ()
    """One of each GPU used; empty without CUDA."""

    @property
    def gpu_allocated_bytes(self) -> int | None:
        """Sum over the GPUs of `torch.cuda.max_memory_allocated`; None without CUDA."""
        return sum(gpu.allocated_bytes for gpu in self.gpus) if self.gpus else None

    @property
    def gpu_reserved_bytes(self) -> int | None:
        """Sum over the GPUs of `torch.cuda.max_memory_reserved`; None without CUDA."""
        return sum(gpu.reserved_bytes for gpu in self.gpus) if self.gpus else None


class MemoryMeter:
    """Peak memory between `start` and `stop`."""

    def __init__(self, device: str, proc: Path = Path("/proc/self")) -> None:
        self.gpus = split_devices(device) if device.startswith("cuda") else ()
        self._proc = proc
        self._process = psutil.Process()
        self._polled: Poller | None = None
        self._highest = 0
        self.resettable = self._reset()

    def start(self, poll: bool) -> None:
        """Begins a stretch; `poll` starts a thread that looks at children too, so not for timed work."""
        self._highest = 0
        self._reset()
        for child in self._children():
            _reset_peak(Path(f"/proc/{child.pid}"))
        self._reset_gpus()
        if poll:
            self._look()
            self._polled = Poller(self._look, POLL_INTERVAL_S)

    def stop(self) -> Peak:
        """Ends the stretch and returns its peak."""
        polled, self._polled = self._polled, None
        if polled is not None:
            polled.stop()
            self._look()
        gpus = self._gpu_peaks()
        own = high_water_bytes(self._proc / "status") if self.resettable else None
        if own is None and polled is None:
            why = "the kernel's peak cannot be reset here and polling would disturb a timed pass"
            return Peak(None, "rss_polled", why, gpus)
        if own is None:
            return Peak(self._highest, "rss_polled", None, gpus)
        total = own + sum(filter(None, (_child_peak(child) for child in self._children())))
        return Peak(max(total, self._highest), "rss_high_water", None, gpus)

    def rss_bytes(self) -> int:
        """Returns the resident set of the process and its children now."""
        return int(self._process.memory_info().rss) + sum(_rss(child) for child in self._children())

    def high_water_now(self) -> int:
        """Returns the peak since `start` so far, without ending the stretch."""
        own = high_water_bytes(self._proc / "status") if self.resettable else None
        return max(own or 0, self._highest, int(self._process.memory_info().rss))

    def _look(self) -> None:
        self._highest = max(self._highest, self.rss_bytes())

    def _children(self) -> list[Any]:
        try:
            return self._process.children(recursive=True)
        except psutil.Error:
            return []

    def _reset(self) -> bool:
        return _reset_peak(self._proc) and high_water_bytes(self._proc / "status") is not None

    def _reset_gpus(self) -> None:
        if not self.gpus:
            return
        import torch

        # torch refuses a reset before it is initialised; where NVML is missing, nothing else has done that yet
        torch.cuda.init()  # type: ignore[no-untyped-call]
        for gpu in self.gpus:
            torch.cuda.reset_peak_memory_stats(torch.device(gpu))

    def _gpu_peaks(self) -> tuple[GpuPeak, ...]:
        if not self.gpus:
            return ()
        import torch

        cuda = torch.cuda
        return tuple(
            GpuPeak(gpu, int(cuda.max_memory_allocated(gpu)), int(cuda.max_memory_reserved(gpu))) for gpu in self.gpus
        )


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
        """Ends the thread and waits for it."""
        self._done.set()
        self._thread.join()


def high_water_bytes(status: Path) -> int | None:
    """Returns `VmHWM` of a `/proc/PID/status` file in bytes, or None where there is none."""
    try:
        match = _HIGH_WATER.search(status.read_text())
    except OSError:
        return None
    return int(match.group(1)) * 1024 if match else None


def _reset_peak(folder: Path) -> bool:
    """Resets the kernel's peak of the process of `/proc/PID`; returns whether that was permitted."""
    try:
        (folder / "clear_refs").write_text(RESET_PEAK_RSS)
    except OSError:
        return False
    return True


def _child_peak(child: Any) -> int | None:
    peak = high_water_bytes(Path(f"/proc/{child.pid}/status"))
    return peak if peak is not None else _rss(child)


def _rss(process: Any) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
