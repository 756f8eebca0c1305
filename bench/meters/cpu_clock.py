"""The clock rate of the CPUs that this process may use, as the kernel's frequency driver reports it.

Looked at while the CPUs work: at the edges of timed passes, and by a thread in passes that are not timed. Virtual
machines mostly have no such driver; then there is no figure, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench.host.cpu import REASONS, SYSTEM_CPU, affinity, text
from bench.record import Fact

KHZ_PER_MHZ = 1000


@dataclass(slots=True)
class CpuClock:
    """All that was seen of the clock rate since it was made."""

    system: Path = SYSTEM_CPU
    seen_mhz: list[float] = field(default_factory=list)
    """The mean over the CPUs, one per look."""

    def look(self) -> None:
        """Read the rates once."""
        files = (self.system / f"cpu{number}" / "cpufreq" / "scaling_cur_freq" for number in affinity())
        rates = [int(rate) / KHZ_PER_MHZ for file in files if (rate := text(file)) is not None and rate.isdigit()]
        if rates:
            self.seen_mhz.append(sum(rates) / len(rates))

    def facts(self, process: int) -> list[Fact]:
        """Give the mean rate with the lowest and highest look as bounds."""
        seen = self.seen_mhz
        if not seen:
            return [Fact("cpu_clock_mhz", None, "MHz", "cpufreq", REASONS["max_mhz"], process=process)]
        why = f"mean of {len(seen)} looks at all CPUs that the process may use, idle ones too"
        return [Fact("cpu_clock_mhz", sum(seen) / len(seen), "MHz", "cpufreq", why, min(seen), max(seen), process)]
