"""Doubts about a measuring as a whole: what the machine, the meters and the audit say against it.

Each names what was seen with numbers and what to do about it. The doubts of a series of times are in
`bench.measure.series`.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.measure.audit import Audit
from bench.measure.energy_pass import Metered
from bench.measure.passes import Pass
from bench.meters.gpu_state import GpuState
from bench.meters.interference import Interference
from bench.record import Doubt, Timing

MAX_OTHERS_CPUS = 0.10
"""CPUs kept busy by others from which it is said: a tenth of a core is beyond what an idle system's services
use."""
MAX_STOLEN_CPUS = 0.05
"""CPUs' worth of time stolen by the hypervisor from which it is said; half the above, since it hits us
alone."""
MIN_INTERFERENCE_S = 0.2
"""Windows below this say nothing of the load: the kernel counts in ticks of 10 ms."""
MIN_ENERGY_WINDOW_S = 10.0
"""Least window of a hardware counter: at an update period of 100 ms the edges are then 1 %. Source: section
5.6 of the design; peers' notes."""
MIN_WINDOW_BATCHES = 3
"""Least batches of a throughput window: fewer show nothing of their own scatter."""
TIMED = ("latency", "ttft", "tpot", "itl", "throughput", "first_request")
ENERGY = ("energy",)


def warmup_doubts(found: Pass, window: int, process: int) -> list[Doubt]:
    """Returns `no_steady_state` for a warm-up that its cap ended."""
    if found.ended_by != "cap":
        return []
    spent = sum(timing.duration_ns for timing in found.timings) / 1e9
    last = ", ".join(f"{timing.duration_ns / 1e6:.3g}" for timing in found.timings[-window:])
    message = f"not steady after {len(found.timings)} warm-up requests in {spent:.2g} s; the last took {last} ms"
    remedy = (
        "use the profile `standard` or `rigorous`, whose warm-up lasts longer, or look for other work on the machine"
    )
    return [Doubt("no_steady_state", message, remedy, TIMED, process)]


def interference_doubts(seen: Interference, process: int) -> list[Doubt]:
    """Returns doubts about the CPU time that others took and about throttling by the cgroup."""
    found = []
    long_enough = seen.wall_s >= MIN_INTERFERENCE_S
    if long_enough and seen.others_cpus is not None and seen.others_cpus > MAX_OTHERS_CPUS:
        message = f"other processes kept {seen.others_cpus:.2f} CPUs busy during the timed passes ({seen.wall_s:.3g} s)"
        remedy = "stop other work on this machine, or give the run its own cores (`taskset`, a cpuset)"
        found.append(Doubt("load_of_others", message, remedy, TIMED, process))
    if long_enough and seen.stolen_cpus is not None and seen.stolen_cpus > MAX_STOLEN_CPUS:
        message = f"the hypervisor gave {seen.stolen_cpus:.2f} CPUs' worth of time to others during the timed passes"
        remedy = "use a machine with dedicated cores, or repeat at another time"
        found.append(Doubt("stolen_time", message, remedy, TIMED, process))
    if seen.throttled_periods:
        message = (
            f"the cgroup's CPU quota stopped the process in {seen.throttled_periods} periods "
            f"({seen.throttled_s or 0:.3g} s)"
        )
        remedy = "raise the container's CPU limit, or set defaults.threads to at most the quota"
        found.append(Doubt("cgroup_throttled", message, remedy, TIMED, process))
    return found


def gpu_doubts(state: GpuState | None, process: int) -> list[Doubt]:
    """Returns doubts about throttling, foreign processes and MIG."""
    if state is None:
        return []
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


def energy_doubts(found: Metered, hardware: bool, process: int) -> list[Doubt]:
    """Returns doubts about a short window and about energy that is not positive, gross or net."""
    energy, idle = found.energy, found.idle
    if not hardware:
        return []
    doubts = []
    if energy.joules is not None and energy.seconds < MIN_ENERGY_WINDOW_S:
        message = (
            f"energy window of {energy.seconds:.3g} s on {energy.source}, where {MIN_ENERGY_WINDOW_S:g} s "
            "keep the edges below 1 %"
        )
        remedy = "use the profile `standard` or `rigorous`, or set measure.window_s to 10 or more"
        doubts.append(Doubt("window_too_short", message, remedy, ENERGY, process))
    if energy.joules is None and "did not move" in (energy.reason or ""):
        remedy = "measure for longer; if it stays so, `bench doctor` says which other meters work here"
        doubts.append(Doubt("non_positive_energy", energy.reason or "", remedy, ENERGY, process))
    if energy.joules is not None and idle is not None and idle.joules is not None and idle.seconds > 0:
        net = energy.joules - idle.joules / idle.seconds * energy.seconds
        if net <= 0:
            message = f"net energy of the window is {net:.3g} J: the idle baseline drew as much as the work"
            remedy = "let the machine come to rest before the run, and measure for longer"
            doubts.append(Doubt("non_positive_energy", message, remedy, ("energy_net",), process))
    return doubts


def window_doubts(found: Pass, window_s: float, process: int) -> list[Doubt]:
    """Returns `window_too_short` for a throughput window of hardly any batches."""
    if len(found.timings) >= MIN_WINDOW_BATCHES or not found.timings:
        return []
    spent = sum(timing.duration_ns for timing in found.timings) / 1e9
    message = f"the throughput window of {window_s:g} s held {len(found.timings)} batches ({spent:.3g} s)"
    remedy = "set measure.window_s higher, or a smaller batch_size"
    return [Doubt("window_too_short", message, remedy, ("throughput",), process)]


def audit_doubts(audit: Audit, process: int) -> list[Doubt]:
    """Returns `output_mismatch` when a timed answer differs from the scored one."""
    if not audit.mismatched:
        return []
    shown = ", ".join(map(str, audit.mismatched[:5])) + (", …" if len(audit.mismatched) > 5 else "")
    message = (
        f"{len(audit.mismatched)} of {audit.compared} timed answers differ from the scored ones (examples {shown})"
    )
    remedy = (
        "compare the model at batch size 1 and batched: in 16 bit types a few texts may differ by "
        "rounding, in float32 "
        "padding or state between requests is the likely cause"
    )
    return [Doubt("output_mismatch", message, remedy, (), process)]


def token_doubts(timings: Sequence[Timing], process: int) -> list[Doubt]:
    """Returns `token_stamps` when the model did not report every token that it says it generated."""
    wrong = [timing for timing in timings if len(timing.token_ns) != timing.output_tokens]
    if not wrong:
        return []
    if not any(timing.token_ns for timing in timings):
        message = "the model reported no token as it came, so there is no TTFT, TPOT or ITL"
        remedy = "beam search knows its tokens only at the end: set num_beams to 1 to time them"
        return [Doubt("token_stamps", message, remedy, ("ttft", "tpot", "itl"), process)]
    first = wrong[0]
    message = (
        f"{len(wrong)} of {len(timings)} requests reported another number of tokens than they returned, "
        f"e.g. {len(first.token_ns)} against {first.output_tokens}"
    )
    remedy = (
        "the model's `generate` must call `on_token` once for every output token, the end-of-sequence token included"
    )
    return [Doubt("token_stamps", message, remedy, ("ttft", "tpot", "itl"), process)]
