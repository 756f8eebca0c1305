"""GPU energy from NVML's total-energy counter, probed before it is trusted.

The counter (millijoules since the driver loaded) moves every 20 to 100 ms, so a window's error is that period
over the window; the period is measured here, not assumed. The figure is the whole board's: also under MIG,
and also when another process uses the GPU. Host CPU and memory are not in it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.host.nvml import NvmlDevice, attempt
from bench.meters.clock import NS_PER_S, Clock
from bench.meters.energy import Energy

PROBE_LIMIT_S = 1.0
"""A counter that has not moved in this time does not work; working ones move every 20 to 100 ms even when
idle. Source: Yang et al., Part-time Power Measurements: nvidia-smi's Lack of Attention, 2023; our notes on
peers."""
PROBE_STEP_S = 0.001
PROBE_CHANGES = 4
"""Changes to see before the period is their median gap."""
POLL_INTERVAL_S = 1.0
"""Between two looks within a window, to see a counter that goes back (a reset of the driver)."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What probing a counter found."""

    period_s: float | None
    """Between two updates; None when the counter cannot be used."""
    reason: str | None = None


def probe_counter(pynvml: Any, device: NvmlDevice, clock: Clock) -> Probed:
    """Returns the counter's update period, or why it cannot be used."""
    value, reason = attempt(pynvml, lambda: _millijoules(pynvml, device))
    if value is None:
        return Probed(None, f"energy counter of GPU {device.index}: {reason}")
    first, start_ns, changes = value, clock.now_ns(), list[int]()
    while clock.now_ns() - start_ns < PROBE_LIMIT_S * NS_PER_S and len(changes) < PROBE_CHANGES:
        clock.sleep(PROBE_STEP_S)
        latest, reason = attempt(pynvml, lambda: _millijoules(pynvml, device))
        if latest is None:
            return Probed(None, f"energy counter of GPU {device.index}: {reason}")
        if latest != value:
            value = latest
            changes.append(clock.now_ns())
    if len(changes) < 2:
        return Probed(None, f"energy counter of GPU {device.index} stays at {first} mJ for {PROBE_LIMIT_S:g} s")
    gaps = [late - early for early, late in itertools.pairwise(changes)]
    return Probed(median(gaps) / NS_PER_S)


def board_scope(devices: tuple[NvmlDevice, ...]) -> str:
    """Returns what power and energy of these GPUs cover."""
    names = ", ".join(f"GPU {device.index} ({device.name})" for device in devices)
    shared = "; MIG is on, so other instances are in it" if any(device.mig for device in devices) else ""
    return f"{names}, whole board{shared}"


@dataclass(slots=True)
class NvmlCounter:
    """Sum of the counters of one or more GPUs."""

    pynvml: Any
    devices: tuple[NvmlDevice, ...]
    clock: Clock
    period_s: float
    """The longest update period of the devices."""
    source: str = "nvml_counter"
    hardware: bool = True
    poll_interval_s: float | None = POLL_INTERVAL_S
    scope: str = ""
    _first: list[int] = field(default_factory=list)
    _last: list[int] = field(default_factory=list)
    _start_ns: int = 0
    _broken: str | None = None

    def __post_init__(self) -> None:
        self.scope = board_scope(self.devices)

    def start(self) -> None:
        """Begins a window."""
        self._broken = None
        self._first = self._last = self._read()
        self._start_ns = self.clock.now_ns()

    def poll(self) -> None:
        """Checks that no counter went back."""
        latest = self._read()
        for device, early, late in zip(self.devices, self._last, latest, strict=False):
            if late < early:
                self._broken = (
                    f"the energy counter of GPU {device.index} went back from {early} to {late} mJ "
                    "within the window; "
                    "the driver was reset"
                )
        self._last = latest

    def stop(self) -> Energy:
        """Returns the joules of the window, with the error of its edges as bounds."""
        self.poll()
        seconds = (self.clock.now_ns() - self._start_ns) / NS_PER_S
        if self._broken is not None:
            return Energy(None, seconds, self.source, self.scope, self._broken)
        joules = sum(late - early for early, late in zip(self._first, self._last, strict=True)) / 1000
        if joules <= 0:
            reason = f"the energy counter did not move in {seconds:.3g} s (it moves every {self.period_s:.3g} s)"
            return Energy(None, seconds, self.source, self.scope, reason, stood_still=True)
        edge = min(1.0, self.period_s / seconds)
        reason = f"counter moves every {self.period_s * 1000:.3g} ms, so ±{edge:.2%} at the edges"
        return Energy(joules, seconds, self.source, self.scope, reason, joules * (1 - edge), joules * (1 + edge))

    def _read(self) -> list[int]:
        values = []
        for device in self.devices:
            value, reason = attempt(self.pynvml, lambda device=device: _millijoules(self.pynvml, device))  # type: ignore[misc]
            if value is None:
                self._broken = self._broken or f"energy counter of GPU {device.index}: {reason}"
                return []
            values.append(value)
        return values


def _millijoules(pynvml: Any, device: NvmlDevice) -> int:
    return int(pynvml.nvmlDeviceGetTotalEnergyConsumption(device.handle))
