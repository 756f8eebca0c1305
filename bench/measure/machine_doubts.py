"""Doubts about the machine while it was measured: the load of others, throttling of any kind, a shared GPU.

Each names what was seen with numbers and what to do about it.
"""

from __future__ import annotations

from bench.meters.gpu_state import GpuState
from bench.meters.gpus import Gpus
from bench.meters.interference import Interference
from bench.record import Doubt

MAX_OTHERS_CPUS = 0.10
"""CPUs kept busy by others from which it is said: a tenth of a core is beyond what an idle system's services
use."""
MAX_STOLEN_CPUS = 0.05
"""CPUs' worth of time stolen by the hypervisor from which it is said; half the above, since it hits us
alone."""
MIN_INTERFERENCE_S = 0.2
"""Windows below this say nothing of the load: the kernel counts in ticks of 10 ms."""
TIMED = ("latency", "ttft", "tpot", "itl", "throughput", "first_request")
ENERGY = ("energy",)
NET = ("energy_net",)


def interference_doubts(
    seen: Interference, process: int, during: str = "the timed passes", readings: tuple[str, ...] = TIMED
) -> list[Doubt]:
    """Returns doubts about the CPU time that others took, and about throttling by the cgroup and by heat.

    Args:
        seen: what happened.
        process: which of the cell's processes.
        during: when, for people.
        readings: prefixes of what it touches.
    """
    found = []
    long_enough = seen.wall_s >= MIN_INTERFERENCE_S
    if long_enough and seen.others_cpus is not None and seen.others_cpus > MAX_OTHERS_CPUS:
        message = f"other processes kept {seen.others_cpus:.2f} CPUs busy during {during} ({seen.wall_s:.3g} s)"
        remedy = "stop other work on this machine, or give the run its own cores (`taskset`, a cpuset)"
        found.append(Doubt("load_of_others", message, remedy, readings, process))
    if long_enough and seen.stolen_cpus is not None and seen.stolen_cpus > MAX_STOLEN_CPUS:
        message = f"the hypervisor gave {seen.stolen_cpus:.2f} CPUs' worth of time to others during {during}"
        remedy = "use a machine with dedicated cores, or repeat at another time"
        found.append(Doubt("stolen_time", message, remedy, readings, process))
    if seen.throttled_periods:
        message = (
            f"the cgroup's CPU quota stopped the process in {seen.throttled_periods} periods "
            f"({seen.throttled_s or 0:.3g} s) during {during}"
        )
        remedy = "raise the container's CPU limit, or set defaults.threads to at most the quota"
        found.append(Doubt("cgroup_throttled", message, remedy, readings, process))
    if seen.heat_events:
        message = f"the CPU was slowed down for heat {seen.heat_events} times during {during}"
        remedy = "improve cooling, or lower the clock until it holds (`sudo cpupower frequency-set -u …`)"
        found.append(Doubt("cpu_throttled", message, remedy, readings, process))
    return found


def gpu_doubts(gpus: Gpus, process: int) -> list[Doubt]:
    """Returns doubts about throttling, foreign processes and MIG of every GPU used."""
    return [doubt for state in gpus.states for doubt in _gpu_doubts(state, process)]


def _gpu_doubts(state: GpuState, process: int) -> list[Doubt]:
    found = []
    throttling = state.throttling()
    if throttling:
        message = f"GPU {state.device.index} was throttled: {', '.join(throttling)}"
        remedy = (
            "improve cooling or raise the power limit (`nvidia-smi -q -d PERFORMANCE`), or lock lower "
            "clocks (`nvidia-smi -lgc`)"
        )
        found.append(Doubt("gpu_throttled", message, remedy, (*TIMED, *ENERGY), process))
    if state.foreign:
        names = ", ".join(f"{name} ({pid})" for pid, name in sorted(state.foreign.items()))
        message = f"other processes used GPU {state.device.index}: {names}"
        remedy = "stop them, or choose another GPU with defaults.device"
        found.append(Doubt("foreign_gpu_process", message, remedy, (*TIMED, *ENERGY), process))
    if state.device.mig:
        message = f"GPU {state.device.index} is divided by MIG; power and energy are the whole board's"
        remedy = "measure energy with MIG off, or with the other instances idle"
        found.append(Doubt("mig_whole_board", message, remedy, ENERGY, process))
    return found
