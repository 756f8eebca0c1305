"""Raise the doubts about a measuring as a whole: its warm-up, windows, energy, audit and token times.

The doubts about a series of times are raised in `bench.measure.series`, those about the machine in
`bench.measure.machine_doubts`; what each doubt says and advises is declared in `bench.doubts`.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.doubts.base import ENERGY, NET_ENERGY
from bench.doubts.idle_not_settled import IdleNotSettled
from bench.doubts.no_steady_state import NoSteadyState
from bench.doubts.non_positive_energy import CounterStoodStill, IdleDrewAsMuch
from bench.doubts.not_audited import NotAudited
from bench.doubts.output_mismatch import OutputMismatch
from bench.doubts.token_stamps import ChunksOfTokens, NoTokenStamps, TokenStamps
from bench.doubts.window_too_short import FewBatches, ShortEnergyWindow
from bench.measure.audit import Audit
from bench.measure.energy_pass import Metered
from bench.measure.machine_doubts import interference_doubts
from bench.measure.trace import Pass
from bench.meters.clock import NS_PER_S
from bench.record import Doubt, Sample, Timing

MIN_ENERGY_WINDOW_S = 10.0
"""Least window of a hardware counter: the slowest counters move every 100 ms (Yang et al., Part-time Power
Measurements: nvidia-smi's Lack of Attention, 2023), so the edges are 1 % of 10 s."""
MIN_WINDOW_BATCHES = 3
"""Least batches of a throughput window: fewer show nothing of their own scatter."""
NS_PER_MS = 1e6


def warmup_doubts(warmup: Pass, window: int, process: int) -> list[Doubt]:
    """Raise `no_steady_state` for a warm-up that its cap ended.

    Args:
        warmup: the pass.
        window: how many of its last requests are named.
        process: which of the cell's processes.
    """
    if warmup.ended_by != "cap":
        return []
    last_ms = tuple(timing.duration_ns / NS_PER_MS for timing in warmup.timings[-window:])
    case = NoSteadyState(requests=warmup.requests, seconds=warmup.duration_ns / NS_PER_S, last_ms=last_ms)
    return [case.doubt(process)]


def energy_doubts(metered: Metered, hardware: bool, process: int) -> list[Doubt]:
    """Raise doubts about a short window, about energy that is not positive, and about what else drew power.

    An estimate (`hardware` false) has no window of its own, and none of these doubts.
    """
    energy = metered.energy
    if not hardware:
        return []
    doubts = []
    if energy.joules is not None and energy.seconds < MIN_ENERGY_WINDOW_S:
        short = ShortEnergyWindow(seconds=energy.seconds, source=energy.source, least_s=MIN_ENERGY_WINDOW_S)
        doubts.append(short.doubt(process))
    if energy.stood_still:
        doubts.append(CounterStoodStill(reason=energy.reason or f"{energy.source} did not move").doubt(process))
    if metered.load is not None:
        doubts += interference_doubts(metered.load, process, "the energy window", ENERGY)
    return [*doubts, *_idle_doubts(metered, process)]


def _idle_doubts(metered: Metered, process: int) -> list[Doubt]:
    """Raise doubts about the baseline: others at work, no rest, as much power as the work."""
    energy, idle = metered.energy, metered.idle
    if idle is None or idle.watts is None:
        return []
    doubts = [] if idle.load is None else interference_doubts(idle.load, process, "the idle window", NET_ENERGY)
    if not idle.settled:
        doubts.append(IdleNotSettled(waited_s=idle.settling_s).doubt(process))
    if energy.joules is not None:
        net_j = energy.joules - idle.watts * energy.seconds
        if net_j <= 0:
            doubts.append(IdleDrewAsMuch(net_j=net_j).doubt(process))
    return doubts


def window_doubts(throughput: Pass, window_s: float, process: int) -> list[Doubt]:
    """Raise `window_too_short` for a throughput window that held hardly any batches."""
    if throughput.requests >= MIN_WINDOW_BATCHES or not throughput.requests:
        return []
    seconds = throughput.duration_ns / NS_PER_S
    return [FewBatches(window_s=window_s, batches=throughput.requests, seconds=seconds).doubt(process)]


def audit_doubts(audit: Audit, process: int) -> list[Doubt]:
    """Raise `output_mismatch` when a timed answer differs from the scored one."""
    if not audit.mismatched:
        return []
    return [OutputMismatch(mismatched=audit.mismatched, compared=audit.compared).doubt(process)]


def unaudited(process: int, scored: Sequence[Sample]) -> list[Doubt]:
    """Raise `not_audited` for a process that had no scored answers to compare its timed ones with."""
    return [] if scored else [NotAudited().doubt(process)]


def token_doubts(timings: Sequence[Timing], process: int, *, chunked: bool = False) -> list[Doubt]:
    """Raise `token_stamps` when the model did not report every token that it says it generated.

    Of what comes in chunks the end is a token without one.
    """
    without = int(chunked)
    wrong = [timing for timing in timings if abs(len(timing.token_ns) - timing.output_tokens) > without]
    if not wrong:
        return []
    streamed = ChunksOfTokens if chunked else TokenStamps
    kind = streamed if any(timing.token_ns for timing in timings) else NoTokenStamps
    case = kind(
        requests=len(timings), wrong=len(wrong), stamps=len(wrong[0].token_ns), output_tokens=wrong[0].output_tokens
    )
    return [case.doubt(process)]
