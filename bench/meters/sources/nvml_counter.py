"""GPU energy from NVML's total-energy counter, probed before it is trusted.

The counter (millijoules since the driver loaded) moves every 20 to 100 ms, so a window's error is that period
over the window; the period is measured here, not assumed. The figure is the whole board's: also under MIG,
and also when another process uses the GPU. Host CPU and memory are not in it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from types import ModuleType
from typing import ClassVar

from bench.host.nvml import NvmlDevice, attempt, board_scope
from bench.meters.clock import NS_PER_S, Clock
from bench.meters.energy import Energy, EnergyMeter
from bench.meters.source import GpuEnergySource, Probe, Site

PROBE_LIMIT_S = 1.0
"""A counter that has not moved in this time does not work; working ones move every 20 to 100 ms even when idle.
Source: Yang et al., Part-time Power Measurements: nvidia-smi's Lack of Attention, 2023."""
PROBE_STEP_S = 0.001
PROBE_CHANGES = 4
"""Changes to see before the period is their median gap."""
POLL_INTERVAL_S = 1.0
"""Between two looks within a window, to see a counter that goes back (a reset of the driver)."""


class NvmlCounterSource(GpuEnergySource):
    """The energy counter, where every GPU of the device has one that moves."""

    name: ClassVar[str] = "nvml_counter"
    title: ClassVar[str] = "GPU energy counter (NVML)"
    rank: ClassVar[int] = 10

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._period_s = 0.0

    def probe(self) -> Probe:
        """Measure the update period of every GPU's counter; takes up to a second per GPU."""
        boards = self.site.boards
        if boards is None:
            return Probe(False, self.site.why_no_boards)
        counters = [(board, probe_counter(boards.pynvml, board, self.site.clock)) for board in boards.devices]
        reasons = [counter.reason for _, counter in counters if counter.reason is not None]
        if reasons:
            return Probe(False, "; ".join(reasons))
        periods = {board.index: counter.period_s or 0.0 for board, counter in counters}
        self._period_s = max(periods.values())
        shown = ", ".join(f"GPU {index}: {period_s * 1000:.0f} ms" for index, period_s in periods.items())
        return Probe(True, f"counter moves every {shown}")

    def open(self) -> EnergyMeter:
        """Add up the counters of the site's GPUs."""
        boards = self.site.boards
        assert boards is not None, "opened without a probe that works"
        return NvmlCounter(boards.pynvml, boards.devices, self.site.clock, self._period_s)


@dataclass(frozen=True, slots=True)
class CounterProbe:
    """How often a counter moves."""

    period_s: float | None
    """Between two updates; None when the counter cannot be used."""
    reason: str | None = None


def probe_counter(pynvml: ModuleType, device: NvmlDevice, clock: Clock) -> CounterProbe:
    """Measure the counter's update period, or find out why it cannot be used."""
    value, reason = attempt(pynvml, lambda: _millijoules(pynvml, device))
    if value is None:
        return CounterProbe(None, f"energy counter of GPU {device.index}: {reason}")
    first, start_ns, changes = value, clock.now_ns(), list[int]()
    while clock.now_ns() - start_ns < PROBE_LIMIT_S * NS_PER_S and len(changes) < PROBE_CHANGES:
        clock.sleep(PROBE_STEP_S)
        latest, reason = attempt(pynvml, lambda: _millijoules(pynvml, device))
        if latest is None:
            return CounterProbe(None, f"energy counter of GPU {device.index}: {reason}")
        if latest != value:
            value = latest
            changes.append(clock.now_ns())
    if len(changes) < 2:
        return CounterProbe(None, f"energy counter of GPU {device.index} stays at {first} mJ for {PROBE_LIMIT_S:g} s")
    gaps = [late - early for early, late in itertools.pairwise(changes)]
    return CounterProbe(median(gaps) / NS_PER_S)


@dataclass(slots=True)
class NvmlCounter:
    """Sum of the counters of one or more GPUs."""

    pynvml: ModuleType
    devices: tuple[NvmlDevice, ...]
    clock: Clock
    period_s: float
    """The longest update period of the devices."""
    source: str = NvmlCounterSource.name
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
        """Begin a window."""
        self._broken = None
        self._first = self._last = self._read()
        self._start_ns = self.clock.now_ns()

    def poll(self) -> None:
        """Check that no counter went back."""
        latest = self._read()
        for device, early, late in zip(self.devices, self._last, latest, strict=False):
            if late < early:
                self._broken = (
                    f"the energy counter of GPU {device.index} went back from {early} to {late} mJ within the window; "
                    "the driver was reset"
                )
        self._last = latest

    def stop(self) -> Energy:
        """Add up the joules of the window, with the error of its edges as bounds."""
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
            value, reason = attempt(self.pynvml, partial(_millijoules, self.pynvml, device))
            if value is None:
                self._broken = self._broken or f"energy counter of GPU {device.index}: {reason}"
                return []
            values.append(value)
        return values


def _millijoules(pynvml: ModuleType, device: NvmlDevice) -> int:
    return int(pynvml.nvmlDeviceGetTotalEnergyConsumption(device.handle))
