"""What NVML says of a GPU besides energy: throttling, clocks, other processes on it, memory of this process and of
the board.

`begin` and `end` stand at the edges of a pass, timed or not: the driver counts the time that it was held back in
between. `glance` is for a thread in passes that are not timed. Everything seen is kept until asked for. In a container
the process numbers are the host's, so one's own cannot be found there; then only a second process is called foreign.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import TypeVar

import psutil

from bench.host.nvml import NvmlDevice, attempt
from bench.meters.clock import NS_PER_S

T = TypeVar("T")

US_PER_S = 1_000_000
THROTTLING = {
    0x004: "power cap (software)",
    0x008: "hardware slowdown",
    0x020: "heat (software)",
    0x040: "heat (hardware)",
    0x080: "external power brake",
    0x010: "sync boost group",
    0x200: "limit of the board",
    0x400: "voltage reliability",
}
"""Bits that mean that the GPU ran slower than it could; idle and clocks set by the user are not among them. As numbers,
since nvidia-ml-py 12.560 has no names for the last two. Source: nvml.h, nvmlClocksEventReason….
"""
VIOLATIONS = {
    "POWER": "power cap",
    "THERMAL": "heat",
    "SYNC_BOOST": "sync boost group",
    "BOARD_LIMIT": "limit of the board",
    "RELIABILITY": "voltage reliability",
}
"""What the driver counts time of. Source: NVML API reference, nvmlDeviceGetViolationStatus, nvmlPerfPolicyType_t."""
LEAST_HELD_BACK = 0.01
"""Share of the passes from which a counted kind is told: a GPU that boosts up to its power limit is held back for
microseconds all the time, and a count above zero says no more than that it worked (NVIDIA/DCGM, issue 285). A hundredth
of the time is below what an interval of ±2 % shows, however slow the clock then was."""
PROCESSES_EVERY = 4
"""Glances per look at the processes, which reads all of /proc."""


@dataclass(slots=True)
class GpuState:
    """All that was seen of one GPU since it was made."""

    pynvml: ModuleType
    device: NvmlDevice
    throttle_bits: int | None = None
    """OR over all looks."""
    foreign: dict[int, str] = field(default_factory=dict)
    """Process number → name, of others' processes that compute on the GPU."""
    process_bytes: int | None = None
    """Most memory that NVML booked on this process and its children."""
    device_bytes: int | None = None
    """Most memory in use on the whole board."""
    temperature_c: int | None = None
    """Highest seen."""
    sm_clocks_mhz: tuple[int, int] | None = None
    """Lowest and highest clock of the multiprocessors seen; an idle GPU clocks down."""
    held_back_s: dict[str, float] | None = None
    """Kind of throttling → seconds of it between the edges so far; None where the driver counts none."""
    watched_s: float = 0.0
    """Time between the edges so far, by the driver's clock; 0 where it counts none."""
    problems: list[str] = field(default_factory=list)
    """Why something could not be read, once each."""
    _glances: int = 0
    _counted: dict[str, tuple[int, int]] = field(default_factory=dict)

    def begin(self) -> None:
        """Look at the beginning of a pass."""
        self.look()
        self._counted = self._violations()

    def end(self) -> None:
        """Look at the end of the pass that `begin` began."""
        late, spans_us = self._violations(), [0]
        for name in late.keys() & self._counted.keys():
            (early_ns, early_us), (late_ns, late_us) = self._counted[name], late[name]
            self.held_back_s = self.held_back_s or dict.fromkeys(VIOLATIONS, 0.0)
            self.held_back_s[name] += max(0, late_ns - early_ns) / NS_PER_S
            spans_us.append(late_us - early_us)
        self.watched_s += max(spans_us) / US_PER_S
        self.look()

    def look(self) -> None:
        """Read everything once; an error is kept as a problem, not raised."""
        self._look_at_device()
        self._look_at_processes()

    def glance(self) -> None:
        """Read what costs little, and the processes now and then."""
        self._look_at_device()
        self._glances += 1
        if self._glances % PROCESSES_EVERY == 0:
            self._look_at_processes()

    def _look_at_device(self) -> None:
        nv, handle = self.pynvml, self.device.handle
        bits = self._read("throttle reasons", lambda: _throttle_bits(nv, handle))
        if bits is not None:
            self.throttle_bits = (self.throttle_bits or 0) | bits
        used = self._read("board memory", lambda: int(nv.nvmlDeviceGetMemoryInfo(handle).used))
        self.device_bytes = _larger(self.device_bytes, used)
        heat = self._read("temperature", lambda: int(nv.nvmlDeviceGetTemperature(handle, nv.NVML_TEMPERATURE_GPU)))
        self.temperature_c = _larger(self.temperature_c, heat)
        clock = self._read("clock", lambda: int(nv.nvmlDeviceGetClockInfo(handle, nv.NVML_CLOCK_SM)))
        if clock is not None:
            low, high = self.sm_clocks_mhz or (clock, clock)
            self.sm_clocks_mhz = (min(low, clock), max(high, clock))

    def throttling(self) -> tuple[str, ...]:
        """Name the kinds of throttling seen so far, and for how long the driver counted them, for people."""
        seen = [text for bit, text in THROTTLING.items() if (self.throttle_bits or 0) & bit]
        least_s = LEAST_HELD_BACK * self.watched_s
        held_back = (self.held_back_s or {}).items()
        counted = [f"{VIOLATIONS[name]} for {s:.3g} s" for name, s in held_back if s > 0 and s >= least_s]
        return (*seen, *counted)

    def _violations(self) -> dict[str, tuple[int, int]]:
        """Read the nanoseconds of each kind of throttling that the driver counts, since it was loaded, and its
        clock in microseconds; the bits are looked at for every kind."""
        nv, violations = self.pynvml, {}
        for name in VIOLATIONS:
            policy = getattr(nv, f"NVML_PERF_POLICY_{name}")
            counted, _ = attempt(nv, partial(nv.nvmlDeviceGetViolationStatus, self.device.handle, policy))
            if counted is not None:
                violations[name] = int(counted.violationTime), int(counted.referenceTime)
        return violations

    @property
    def why_not(self) -> str:
        """Why a figure is missing."""
        return "; ".join(self.problems) or "NVML did not say"

    def _look_at_processes(self) -> None:
        nv, handle = self.pynvml, self.device.handle
        running = self._read("processes", lambda: list(nv.nvmlDeviceGetComputeRunningProcesses(handle)))
        if running is None:
            return
        own = _own_pids()
        mine = [entry for entry in running if int(entry.pid) in own]
        others = [entry for entry in running if int(entry.pid) not in own]
        if not mine and _in_container():
            others = others[1:]
        booked = [int(entry.usedGpuMemory) for entry in mine if entry.usedGpuMemory is not None]
        self.process_bytes = _larger(self.process_bytes, sum(booked) if booked else None)
        self.foreign.update({int(entry.pid): _process_name(int(entry.pid)) for entry in others})

    def _read(self, what: str, read: Callable[[], T]) -> T | None:
        value, reason = attempt(self.pynvml, read)
        problem = f"{what}: {reason}"
        if reason is not None and problem not in self.problems:
            self.problems.append(problem)
        return value


def _throttle_bits(pynvml: ModuleType, handle: object) -> int:
    """The driver renamed 'throttle' to 'event' reasons in version 535, and will drop the old name with CUDA 14."""
    try:
        return int(pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
    except pynvml.NVMLError_FunctionNotFound:
        return int(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))


def _own_pids() -> set[int]:
    try:
        return {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    except psutil.Error:
        return {os.getpid()}


def _in_container() -> bool:
    """Tell whether process 1 is not the machine's own init, so that process numbers are this container's."""
    try:
        return psutil.Process(1).name() not in ("systemd", "init", "launchd")
    except psutil.Error:
        return True


def _process_name(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "a process of another container or user"


def _larger(before: int | None, now: int | None) -> int | None:
    return before if now is None else max(now, before or 0)
