"""Doubts about a measuring as a whole: what the warm-up, the windows, the energy and the audit say against it.

Each names what was seen with numbers and what to do about it. The doubts of a series of times are in
`bench.measure.series`, those of the machine in `bench.measure.machine_doubts`.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.measure.audit import Audit
from bench.measure.energy_pass import Metered
from bench.measure.machine_doubts import ENERGY, NET, TIMED, interference_doubts
from bench.measure.trace import Pass
from bench.record import Doubt, Sample, Timing
from bench.units import format_number, plural

MIN_ENERGY_WINDOW_S = 10.0
"""Least window of a hardware counter: at an update period of 100 ms the edges are then 1 %. Source: section
5.6 of the design; peers' notes."""
MIN_WINDOW_BATCHES = 3
"""Least batches of a throughput window: fewer show nothing of their own scatter."""


def warmup_doubts(found: Pass, window: int, process: int) -> list[Doubt]:
    """Returns `no_steady_state` for a warm-up that its cap ended."""
    if found.ended_by != "cap":
        return []
    spent = found.duration_ns / 1e9
    last = ", ".join(format_number(timing.duration_ns / 1e6) for timing in found.timings[-window:])
    message = f"not steady after {plural(found.requests, 'warm-up request')} in {spent:.2g} s; the last took {last} ms"
    remedy = (
        "use the profile `standard` or `rigorous`, whose warm-up lasts longer, or look for other work on the machine"
    )
    return [Doubt("no_steady_state", message, remedy, TIMED, process)]


def energy_doubts(found: Metered, hardware: bool, process: int) -> list[Doubt]:
    """Returns doubts about a short window, about energy that is not positive, and about what else drew power."""
    energy = found.energy
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
    if found.load is not None:
        doubts += interference_doubts(found.load, process, "the energy window", ENERGY)
    return [*doubts, *_idle_doubts(found, process)]


def _idle_doubts(found: Metered, process: int) -> list[Doubt]:
    """Returns doubts about the baseline: others at work, no rest, as much power as the work."""
    energy, idle = found.energy, found.idle
    if idle is None or idle.watts is None:
        return []
    doubts = [] if idle.load is None else interference_doubts(idle.load, process, "the idle window", NET)
    if not idle.settled:
        message = (
            f"the machine may not have come to rest in {idle.settling_s:.3g} s: the idle power may be too high, and "
            "the net energy too low"
        )
        remedy = "use the profile `standard` or `rigorous`, which wait longer for the machine to come to rest"
        doubts.append(Doubt("idle_not_settled", message, remedy, NET, process))
    if energy.joules is not None and energy.joules - idle.watts * energy.seconds <= 0:
        net = energy.joules - idle.watts * energy.seconds
        message = f"net energy of the window is {net:.3g} J: the idle baseline drew as much as the work"
        remedy = "let the machine come to rest before the run, and measure for longer"
        doubts.append(Doubt("non_positive_energy", message, remedy, NET, process))
    return doubts


def window_doubts(found: Pass, window_s: float, process: int) -> list[Doubt]:
    """Returns `window_too_short` for a throughput window of hardly any batches."""
    if found.requests >= MIN_WINDOW_BATCHES or not found.requests:
        return []
    spent = found.duration_ns / 1e9
    count = f"{found.requests} batch" if found.requests == 1 else f"{found.requests} batches"
    message = f"the throughput window of {window_s:g} s held {count} ({spent:.3g} s)"
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


def unaudited(process: int, scored: Sequence[Sample]) -> list[Doubt]:
    """Returns `not_audited` for a process that had no scored answers to compare its timed ones with."""
    if scored:
        return []
    message = "the scored answers were not at hand in this process, so what it timed was not compared with them"
    remedy = "run the cell again with --rerun in the results folder that holds its first process"
    return [Doubt("not_audited", message, remedy, (), process)]


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
