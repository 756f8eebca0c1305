"""How many jobs a machine does at once where nothing is timed.

Each job has its threads and its memory limit to itself. Where a suite leaves one of them open, or a job may take a GPU
or starts a server, a job has its machine alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from bench.host.facts import Facts
from bench.record import Cell

MEMORY_SHARE = 0.9
"""Of a machine's memory; the rest is for its system, the engine and what jobs share."""
CPU_DEVICE = "cpu"


@dataclass(frozen=True, slots=True)
class Needs:
    """What one job of a plan takes at most."""

    threads: int | None = None
    """None where a job takes all that its machine has."""
    memory_bytes: int | None = None
    """None where a job has no limit."""
    device: bool = True
    """Whether a job may take a GPU."""

    @classmethod
    def of(cls, plan: Sequence[Cell]) -> Self:
        """Find what the cells of a plan need."""
        jobs = [cell.job for cell in plan if cell.job is not None]
        if not jobs or any(job.cpus or job.model.server is not None for job in jobs):
            return cls()
        threads = [job.threads for job in jobs]
        limits = [job.memory_limit_bytes for job in jobs]
        return cls(
            None if None in threads else max(each for each in threads if each),
            None if None in limits else max(each for each in limits if each),
            any(job.device != CPU_DEVICE for job in jobs),
        )


def room(machine: Facts, needs: Needs, cpus: float, gpus: float) -> int:
    """Count the jobs that a machine does at once: as many as its cores and its memory allow, and one at least.

    Args:
        machine: its fingerprint.
        needs: of a job.
        cpus: that the engine says it has.
        gpus: the same.
    """
    if needs.threads is None or needs.memory_bytes is None or (needs.device and gpus):
        return 1
    of_cpu = machine.get("cpu") or {}
    cores = [cpus, *(float(of_cpu[name]) for name in ("usable_cpus", "quota_cpus") if of_cpu.get(name))]
    memory = (machine.get("machine") or {}).get("memory_bytes")
    by_memory = 1 if memory is None else MEMORY_SHARE * float(memory) // needs.memory_bytes
    return max(1, int(min(min(cores) // needs.threads, by_memory)))
