"""Report for `bench doctor`: the fingerprint, which meters work here and why others do not, and what disturbs it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from bench.host import Advice, advise, fingerprint
from bench.host.nvml import NvmlUnavailableError
from bench.meters.boards import all_boards
from bench.meters.cascade import SOURCES, probed
from bench.meters.clock import HostClock
from bench.meters.source import Site


@dataclass(frozen=True, slots=True)
class MeterState:
    """One meter on this machine."""

    name: str
    reads: str
    works: bool
    reason: str
    """What it covers, or why it does not work."""


@dataclass(frozen=True, slots=True)
class Doctor:
    """Findings on this machine; nothing was changed."""

    fingerprint: dict[str, object]
    meters: tuple[MeterState, ...]
    advice: tuple[Advice, ...]

    def as_dict(self) -> dict[str, object]:
        """Convert all of it to JSON-able values."""
        return asdict(self)


def doctor() -> Doctor:
    """Find out what this machine can measure and what disturbs it."""
    description = fingerprint()
    return Doctor(description, tuple(meter_states()), tuple(advise(description)))


def meter_states() -> list[MeterState]:
    """Probe every source now, for all GPUs of the machine; those of one kind stand together, best first."""
    clock = HostClock("cpu")
    try:
        boards = all_boards()
        site = Site("cpu", clock, boards=boards if boards.devices else None, why_no_boards="NVML knows no GPU")
    except NvmlUnavailableError as error:
        site = Site("cpu", clock, why_no_boards=str(error))
    ordered = sorted(SOURCES.values(), key=lambda source: (source.reads, source.rank, source.name))
    probes = [(source, probed(source(site))) for source in ordered]
    return [MeterState(source.name, source.reads, probe.works, probe.reason) for source, probe in probes]
