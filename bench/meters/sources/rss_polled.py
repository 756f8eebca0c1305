"""Peak resident set by polling, where the kernel keeps none that can be reset."""

from __future__ import annotations

from typing import ClassVar

from bench.meters.memory import HostMemory
from bench.meters.source import HostMemorySource, Probe


class RssPolled(HostMemorySource):
    """The resident set, looked at by a thread of the memory meter in stretches that are not timed."""

    name: ClassVar[str] = "rss_polled"
    title: ClassVar[str] = "resident set, polled"
    rank: ClassVar[int] = 90

    def probe(self) -> Probe:
        """Say that it works everywhere."""
        return Probe(True, "looks at the resident set 100 times a second, in passes that are not timed")

    def open(self) -> HostMemory:
        """Keep no peak: the memory meter polls."""
        return NoPeak()


class NoPeak:
    """A host that keeps no peaks."""

    source = RssPolled.name
    keeps_peak = False

    def reset(self, pids: list[int]) -> None:
        """Do nothing: there is nothing to reset."""

    def peak_bytes(self, pid: int | None = None) -> int | None:
        """Have no peak."""
        return None
