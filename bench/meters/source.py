"""What a source of energy or memory figures declares, and the place for which it is opened.

A source is one class in one file of `bench.meters.sources`, or of a third party behind an entry point of the group
`bench.meters`. It says what it reads and how good it is; `bench.meters.cascade` takes the best one that works.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.meters.boards import Boards
from bench.meters.clock import Clock
from bench.meters.energy import EnergyMeter
from bench.meters.memory import OWN_PROC as OWN_PROC
from bench.meters.memory import GpuMemory, HostMemory

POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True, slots=True)
class Site:
    """What is to be read, and where; roots of the kernel's files are fields so that a test can replace them."""

    device: str
    """`cpu`, `cuda:N`, or several joined by commas."""
    clock: Clock
    tdp_w: float | None = None
    """Thermal design power of the CPU, where the suite states it."""
    boards: Boards | None = None
    """The GPUs of the device as NVML knows them."""
    why_no_boards: str = "the device is no NVIDIA GPU"
    powercap: Path = POWERCAP
    proc: Path = OWN_PROC


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a source works at a site."""

    works: bool
    reason: str
    """What it covers, or why it does not work and what to do about it."""


class Source:
    """One source of figures at one site. Probing and opening change nothing on the machine."""

    name: ClassVar[str]
    """Stable name, stored as the source of every figure."""
    title: ClassVar[str]
    """For people."""
    reads: ClassVar[str]
    """What it reads, for people; sources of the same base class are alternatives."""
    rank: ClassVar[int]
    """Place among the alternatives: the lowest that works is taken. Those of bench stand at 10, 20, …"""
    estimates: ClassVar[bool] = False
    """Whether its figures are computed from assumptions rather than read from hardware."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def probe(self) -> Probe:
        """Find out whether the source works here; takes up to a second per device."""
        raise NotImplementedError(f"{type(self).__name__} has no probe")


class EnergySource(Source):
    """A source of joules."""

    def open(self) -> EnergyMeter:
        """Open the meter; called once, after a probe that works."""
        raise NotImplementedError(f"{type(self).__name__} cannot be opened")


class CpuEnergySource(EnergySource):
    """Energy of the host's CPU."""

    reads: ClassVar[str] = "CPU energy"


class GpuEnergySource(EnergySource):
    """Energy of the GPUs of the device."""

    reads: ClassVar[str] = "GPU energy"


class HostMemorySource(Source):
    """Peak memory of the process and its children."""

    reads: ClassVar[str] = "process memory"

    def open(self) -> HostMemory:
        """Open the meter; called once, after a probe that works."""
        raise NotImplementedError(f"{type(self).__name__} cannot be opened")


class GpuMemorySource(Source):
    """Peak memory on the GPUs of the device."""

    reads: ClassVar[str] = "GPU memory"

    def open(self) -> GpuMemory:
        """Open the meter; called once, after a probe that works."""
        raise NotImplementedError(f"{type(self).__name__} cannot be opened")
