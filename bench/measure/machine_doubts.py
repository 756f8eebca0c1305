"""Raise the doubts about the machine while it was measured: the load of others, throttling, a shared GPU.

What each doubt says and advises is declared in `bench.doubts`.
"""

from __future__ import annotations

from bench.doubts.base import TIMED, DoubtKind
from bench.doubts.cgroup_throttled import CgroupThrottled
from bench.doubts.cpu_throttled import CpuThrottled
from bench.doubts.foreign_gpu_process import ForeignGpuProcess
from bench.doubts.gpu_throttled import GpuThrottled
from bench.doubts.load_of_others import LoadOfOthers
from bench.doubts.mig_whole_board import MigWholeBoard
from bench.doubts.stolen_time import StolenTime
from bench.meters.gpus import Gpus
from bench.meters.interference import Interference
from bench.record import Doubt

MAX_OTHERS_CPUS = 0.10
"""CPUs kept busy by others above which a doubt is raised: the services of an idle system use less than a tenth."""
MAX_STOLEN_CPUS = 0.05
"""CPUs' worth of stolen time above which a doubt is raised: half the above, since it hits the measured process
alone."""
MIN_INTERFERENCE_S = 0.2
"""Shortest window whose load is judged: the kernel counts in ticks of 10 ms, 5 % of it."""


def interference_doubts(
    seen: Interference, process: int, during: str = "the timed passes", readings: tuple[str, ...] = TIMED
) -> list[Doubt]:
    """Raise doubts about the CPU time that others took, and about throttling by the cgroup and by heat.

    Args:
        seen: what happened.
        process: which of the cell's processes.
        during: the window, for people.
        readings: prefixes of the readings that the window serves.
    """
    cases: list[DoubtKind] = []
    seconds = seen.wall_s
    if seconds >= MIN_INTERFERENCE_S and (seen.others_cpus or 0.0) > MAX_OTHERS_CPUS:
        cases.append(LoadOfOthers(cpus=seen.others_cpus or 0.0, during=during, seconds=seconds, readings=readings))
    if seconds >= MIN_INTERFERENCE_S and (seen.stolen_cpus or 0.0) > MAX_STOLEN_CPUS:
        cases.append(StolenTime(cpus=seen.stolen_cpus or 0.0, during=during, readings=readings))
    if seen.throttled_periods:
        stopped_s = seen.throttled_s or 0.0
        cases.append(
            CgroupThrottled(periods=seen.throttled_periods, seconds=stopped_s, during=during, readings=readings)
        )
    if seen.heat_events:
        cases.append(CpuThrottled(events=seen.heat_events, during=during, readings=readings))
    return [case.doubt(process) for case in cases]


def gpu_doubts(gpus: Gpus, process: int) -> list[Doubt]:
    """Raise doubts about throttling, foreign processes and MIG of every GPU used."""
    cases: list[DoubtKind] = []
    for state in gpus.states:
        index, throttling = state.device.index, state.throttling()
        if throttling:
            cases.append(GpuThrottled(gpu=index, kinds=throttling))
        if state.foreign:
            cases.append(ForeignGpuProcess(gpu=index, processes=tuple(sorted(state.foreign.items()))))
        if state.device.mig:
            cases.append(MigWholeBoard(gpu=index))
    return [case.doubt(process) for case in cases]
