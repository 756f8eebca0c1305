"""What NVML says of a GPU besides energy: throttling, other processes on it, memory of this process and of
the board.

`look` may be called at the edges of timed passes; everything seen is kept until asked for. In a container the
process numbers are the host's, so one's own cannot be found there; then only a second process is called
foreign.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import psutil

from bench.host.nvml import NvmlDevice, attempt
from bench.record import Fact

THROTTLING = {
    "SwPowerCap": "power cap (software)",
    "HwSlowdown": "hardware slowdown",
    "SwThermalSlowdown": "heat (software)",
    "HwThermalSlowdown": "heat (hardware)",
    "HwPowerBrakeSlowdown": "external power brake",
    "SyncBoost": "sync boost group",
}
"""Bits that mean that the GPU ran slower than it could; idle and clocks set by the user are not among them.
Source: NVML API reference, nvmlClocksEventReasons."""


@dataclass(slots=True)
class GpuState:
    """All that was seen of one GPU since it was made."""

    pynvml: Any
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
    problems: list[str] = field(default_factory=list)
    """Why something could not be read, once each."""

    def look(self) -> None:
        """Reads everything once; an error is kept as a problem, not raised."""
        nv, handle = self.pynvml, self.device.handle
        bits = self._read("throttle reasons", lambda: _throttle_bits(nv, handle))
        if bits is not None:
            self.throttle_bits = (self.throttle_bits or 0) | bits
        used = self._read("board memory", lambda: int(nv.nvmlDeviceGetMemoryInfo(handle).used))
        self.device_bytes = _larger(self.device_bytes, used)
        heat = self._read("temperature", lambda: int(nv.nvmlDeviceGetTemperature(handle, nv.NVML_TEMPERATURE_GPU)))
        self.temperature_c = _larger(self.temperature_c, heat)
        self._look_at_processes()

    def throttling(self) -> tuple[str, ...]:
        """Returns the kinds of throttling seen so far, for people."""
        named = (
            (getattr(self.pynvml, f"nvmlClocksThrottleReason{name}", 0), text) for name, text in THROTTLING.items()
        )
        return tuple(text for bit, text in named if (self.throttle_bits or 0) & int(bit))

    def facts(self, process: int) -> list[Fact]:
        """Returns the memory figures and the temperature."""
        why = "; ".join(self.problems) or "NVML did not say"

        def fact(name: str, value: int | None, unit: str) -> Fact:
            return Fact(name, value, unit, "nvml", None if value is not None else why, process=process)

        return [
            fact("peak_gpu_process_bytes", self.process_bytes, "bytes"),
            fact("peak_gpu_device_bytes", self.device_bytes, "bytes"),
            fact("gpu_temperature_c", self.temperature_c, "°C"),
            fact("gpu_throttle_bits", self.throttle_bits, "count"),
        ]

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

    def _read(self, what: str, read: Any) -> Any:
        value, reason = attempt(self.pynvml, read)
        problem = f"{what}: {reason}"
        if reason is not None and problem not in self.problems:
            self.problems.append(problem)
        return value


def _throttle_bits(pynvml: Any, handle: Any) -> int:
    """The driver renamed 'throttle' to 'event' reasons in version 535; the older name still works
    everywhere."""
    return int(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))


def _own_pids() -> set[int]:
    try:
        return {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    except psutil.Error:
        return {os.getpid()}


def _in_container() -> bool:
    """Whether process 1 is not the machine's own init, so that process numbers are this container's."""
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
