"""Which source a machine gets: of those that read the same thing, the best by rank that works here.

The table is the sorted list of declared sources, those of third parties among them. The host's CPU beside a GPU is read
by the CPU's own cascade and kept apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

from bench.host.nvml import NvmlUnavailableError
from bench.meters.boards import boards_of
from bench.meters.clock import Clock, on_cuda
from bench.meters.energy import EnergyMeter, Unavailable
from bench.meters.gpu_state import GpuState
from bench.meters.gpus import Gpus
from bench.meters.memory import MemoryMeter
from bench.meters.source import (
    CpuEnergySource,
    EnergySource,
    GpuEnergySource,
    GpuMemorySource,
    HostMemorySource,
    Probe,
    Site,
    Source,
)
from bench.plugins import Classes, Declared

SOURCES: Declared[type[Source]] = Declared("meter", "bench.meters", Classes("bench.meters.sources", Source))
"""Every source by name."""

S = TypeVar("S", bound=Source)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The energy sources for one device."""

    meter: EnergyMeter
    rejected: tuple[str, ...] = ()
    """Why the better sources were not taken, best first."""
    host: EnergyMeter | None = None
    gpu: Gpus | None = None


def title_of(stored: str) -> str:
    """Name the source of a stored figure for people; a source that is not installed here keeps its stored name.

    >>> title_of("rapl")
    'CPU energy counter (RAPL)'
    """
    return " + ".join(SOURCES[name].title if name in SOURCES else name for name in stored.split("+"))


def rests_on_estimate(stored: str) -> bool:
    """Tell whether a stored figure, or a part of it, comes from a source that estimates."""
    return any(name in SOURCES and SOURCES[name].estimates for name in stored.split("+"))


def ranked(kind: type[S]) -> list[type[S]]:
    """Sort the alternatives that derive from `kind`, best first; of equal rank, by name."""
    alternatives = [source for source in SOURCES.values() if issubclass(source, kind)]
    return sorted(alternatives, key=lambda source: (source.rank, source.name))


def probed(source: Source) -> Probe:
    """Probe a source; one that raises an error does not work, with the error as the reason."""
    try:
        return source.probe()
    except Exception as error:  # noqa: BLE001  may be a third party's
        return Probe(False, f"probing raised {type(error).__name__}: {error}")


def best(kind: type[S], site: Site) -> tuple[S | None, tuple[str, ...]]:
    """Find the best source of a kind that works at a site, and why each better one does not."""
    rejected: list[str] = []
    for alternative in ranked(kind):
        source = alternative(site)
        probe = probed(source)
        if probe.works:
            return source, tuple(rejected)
        rejected.append(f"{source.name}: {probe.reason}")
    return None, tuple(rejected)


def site_of(device: str, clock: Clock, tdp_w: float | None = None) -> Site:
    """Describe where a cell's meters are to read."""
    if not on_cuda(device):
        return Site(device, clock, tdp_w)
    try:
        return Site(device, clock, tdp_w, boards_of(device))
    except NvmlUnavailableError as error:
        return Site(device, clock, tdp_w, why_no_boards=str(error))


def choose_energy(site: Site, energy: Literal["auto", "off"] = "auto") -> Chosen:
    """Open the best energy sources of a site, and the state of its GPUs."""
    boards = site.boards
    state = None if boards is None else Gpus(tuple(GpuState(boards.pynvml, board) for board in boards.devices))
    if energy == "off":
        return Chosen(Unavailable("the suite says energy: off"), gpu=state)
    if not on_cuda(site.device):
        return _opened(CpuEnergySource, site, "CPU")
    chosen = _opened(GpuEnergySource, site, "GPU")
    return Chosen(chosen.meter, chosen.rejected, _opened(CpuEnergySource, site, "CPU").meter, state)


def _opened(kind: type[EnergySource], site: Site, scope: str) -> Chosen:
    """Open the best energy source of a kind; where none works, a meter that says why."""
    source, rejected = best(kind, site)
    if source is None:
        return Chosen(Unavailable("; ".join(rejected), scope), rejected)
    return Chosen(source.open(), rejected)


def open_memory(site: Site) -> MemoryMeter:
    """Open the best memory sources of a site."""
    host, rejected = best(HostMemorySource, site)
    if host is None:
        raise RuntimeError(f"no source reads the memory of this process: {'; '.join(rejected)}")
    if not on_cuda(site.device):
        return MemoryMeter(host.open(), proc=site.proc)
    gpus, _ = best(GpuMemorySource, site)
    return MemoryMeter(host.open(), None if gpus is None else gpus.open(), site.proc)
