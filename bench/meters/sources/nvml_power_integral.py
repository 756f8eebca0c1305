"""GPU energy from NVML's power readings, integrated by trapezoid, for GPUs without an energy counter.

Three readings look alike and are not: field 186 is the mean of the last 25 ms, field 185 the mean of the last
second, and `nvmlDeviceGetPowerUsage` one or the other by generation. Which one it was is part of the figure.
A reading that is refreshed more rarely than it averages does not see all of the time; its bounds say by how
much that can matter.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from types import ModuleType
from typing import ClassVar

from bench.host.nvml import NvmlDevice, NvmlUnavailableError, attempt, board_scope, reason_of
from bench.meters.clock import NS_PER_S, Clock
from bench.meters.energy import Energy, EnergyMeter
from bench.meters.source import GpuEnergySource, Probe, Site

POLL_INTERVAL_S = 0.0125
"""Between two looks: half of the 25 ms that field 186 averages, so that every moment is in two means and
weighs the same, whatever the rhythm of the load."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One of NVML's power readings."""

    name: str
    field_id: str | None
    """Name of the field in pynvml, None for `nvmlDeviceGetPowerUsage`."""
    averages_s: float
    """The time over which it is a mean."""


READINGS = (
    Reading("power of the last 25 ms (field 186)", "NVML_FI_DEV_POWER_INSTANT", 0.025),
    Reading("power of the last second (field 185)", "NVML_FI_DEV_POWER_AVERAGE", 1.0),
    Reading("power usage (mean of up to 1 s, depending on the GPU)", None, 1.0),
)
"""Best first. Source: NVML API reference, field values and nvmlDeviceGetPowerUsage; Yang et al. 2023."""


class NvmlPowerSource(GpuEnergySource):
    """The best power reading that every GPU of the device has."""

    name: ClassVar[str] = "nvml_power_integral"
    title: ClassVar[str] = "GPU power, integrated (NVML)"
    rank: ClassVar[int] = 20

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._reading = READINGS[-1]

    def probe(self) -> Probe:
        """Find the best reading of each GPU; the coarsest of them is used for all."""
        boards = self.site.boards
        if boards is None:
            return Probe(False, self.site.why_no_boards)
        try:
            readings = {board.index: probe_power(boards.pynvml, board) for board in boards.devices}
        except NvmlUnavailableError as error:
            return Probe(False, str(error))
        self._reading = max(readings.values(), key=lambda reading: reading.averages_s)
        return Probe(True, ", ".join(f"GPU {index}: {reading.name}" for index, reading in readings.items()))

    def open(self) -> EnergyMeter:
        """Integrate the power of the site's GPUs."""
        boards = self.site.boards
        assert boards is not None, "opened without a probe that works"
        return NvmlPowerIntegral(boards.pynvml, boards.devices, self._reading, self.site.clock)


def read_watts(pynvml: ModuleType, device: NvmlDevice, reading: Reading) -> float:
    """Read the power in watts.

    Raises:
        pynvml.NVMLError: NVML has no such reading here.
    """
    if reading.field_id is None:
        return int(pynvml.nvmlDeviceGetPowerUsage(device.handle)) / 1000
    value = pynvml.nvmlDeviceGetFieldValues(device.handle, [getattr(pynvml, reading.field_id)])[0]
    if value.nvmlReturn != pynvml.NVML_SUCCESS:
        raise pynvml.NVMLError(value.nvmlReturn)
    return int(value.value.uiVal) / 1000


def probe_power(pynvml: ModuleType, device: NvmlDevice) -> Reading:
    """Find the best power reading that answers with more than zero.

    Raises:
        NvmlUnavailableError: none does.
    """
    reasons = []
    for reading in READINGS:
        watts, reason = attempt(pynvml, partial(read_watts, pynvml, device, reading))
        if watts:
            return reading
        reasons.append(f"{reading.name}: {reason or 'reads 0 W'}")
    raise NvmlUnavailableError(f"no power reading of GPU {device.index}; " + "; ".join(reasons))


@dataclass(slots=True)
class NvmlPowerIntegral:
    """Trapezoid over power samples of one or more GPUs."""

    pynvml: ModuleType
    devices: tuple[NvmlDevice, ...]
    reading: Reading
    clock: Clock
    source: str = NvmlPowerSource.name
    hardware: bool = True
    poll_interval_s: float | None = POLL_INTERVAL_S
    scope: str = ""
    _samples: list[tuple[int, float]] = field(default_factory=list)
    _broken: str | None = None

    def __post_init__(self) -> None:
        self.scope = board_scope(self.devices)

    def start(self) -> None:
        """Begin a window with a first sample."""
        self._samples, self._broken = [], None
        self.poll()

    def poll(self) -> None:
        """Take a sample."""
        if self._broken is not None:
            return
        try:
            watts = sum(read_watts(self.pynvml, device, self.reading) for device in self.devices)
        except self.pynvml.NVMLError as error:
            self._broken = f"the power reading failed within the window: {reason_of(self.pynvml, error)}"
            return
        self._samples.append((self.clock.now_ns(), watts))

    def stop(self) -> Energy:
        """Integrate the window, with bounds for what the reading did not see."""
        self.poll()
        samples = self._samples
        seconds = (samples[-1][0] - samples[0][0]) / NS_PER_S if len(samples) > 1 else 0.0
        if self._broken is not None:
            return Energy(None, seconds, self.source, self.scope, self._broken)
        joules = trapezoid_j(samples)
        if joules <= 0:
            return Energy(None, seconds, self.source, self.scope, f"{self.reading.name} read 0 W throughout")
        seen = seen_share(samples, self.reading)
        low, high = bounds_j(samples, joules, seen, self.reading)
        reason = f"{self.reading.name}, {len(samples)} samples, sees {seen:.0%} of the time"
        return Energy(joules, seconds, self.source, self.scope, reason, low, high)


def trapezoid_j(samples: Sequence[tuple[int, float]]) -> float:
    """Integrate by trapezoid: Σ (P_i + P_{i+1})/2 · Δt in joules, for samples of (ns, W).

    >>> trapezoid_j([(0, 100.0), (1_000_000_000, 200.0)])
    150.0
    """
    pairs = itertools.pairwise(samples)
    return sum((early[1] + late[1]) / 2 * (late[0] - early[0]) / NS_PER_S for early, late in pairs)


def seen_share(samples: Sequence[tuple[int, float]], reading: Reading) -> float:
    """Compute the share of time that the reading averages over.

    That is its mean's length over its refresh period, at most 1. The period is the median gap between changes; a power
    that never changes is seen in full, whatever the period.
    """
    changes = [late[0] for early, late in itertools.pairwise(samples) if late[1] != early[1]]
    if len(changes) < 2:
        return 1.0
    period_s = median(late - early for early, late in itertools.pairwise(changes)) / NS_PER_S
    return min(1.0, reading.averages_s / period_s)


def bounds_j(samples: Sequence[tuple[int, float]], joules: float, seen: float, reading: Reading) -> tuple[float, float]:
    """Bound the joules: what was not seen, and the lag at the edges, at the least and the greatest power sampled.

    With share seen s, window T and lag a of the mean: low = s·E + (1−s)·P_min·T − a·(P_max−P_min)/2, high
    likewise.
    """
    watts = [sample[1] for sample in samples]
    seconds = (samples[-1][0] - samples[0][0]) / NS_PER_S
    lag_j = min(reading.averages_s, seconds) * (max(watts) - min(watts)) / 2
    low = seen * joules + (1 - seen) * min(watts) * seconds - lag_j
    high = seen * joules + (1 - seen) * max(watts) * seconds + lag_j
    return max(0.0, low), high
