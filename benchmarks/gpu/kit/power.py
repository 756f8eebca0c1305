"""Energy: bench's meter against a poll of NVML in another process, and against the power limit."""

from __future__ import annotations

import time

from benchmarks.gpu.kit.context import NEEDS_GPU, Context
from benchmarks.gpu.kit.load import IndependentPoll, Products, busy
from benchmarks.gpu.kit.physics import integral_j, share

WINDOW_S = 10.0
LEAD_S = 2.0
"""Load before the window, so that averages of a second have left the idle time behind."""
WITHIN = 0.05
"""Wanted agreement (issue 19, "What it must show")."""
NO_POWER_OF_INSTANCES = "the GPU is divided by MIG, and NVML gives another process no power of this instance"


def energy(context: Context) -> None:
    """Measure ten seconds of load with bench's best meter while another process polls the power."""
    ledger = context.ledger
    if not context.on_gpu:
        ledger.skip("energy against an independent poll", NEEDS_GPU)
        return
    from bench.meters.bundle import open_meters
    from bench.meters.energy import Energy, metering

    meters = open_meters(context.device)
    if not meters.energy.hardware or meters.gpu is None:
        ledger.hold("energy against an independent poll", None, at_least=1 - WITHIN, shown="; ".join(meters.rejected))
        return
    board, energies = meters.gpu.states[0], list[Energy]()
    divided = board.device.mig or board.device.uuid.startswith("MIG-")
    poll = IndependentPoll(board.device.uuid)
    if divided and not poll.is_ready:
        poll.end()
        ledger.skip("energy against an independent poll", NO_POWER_OF_INSTANCES)
        return
    with poll, busy(Products(context.device), meters.clock.synchronise):
        time.sleep(LEAD_S)
        meters.gpu.begin()
        with metering([meters.energy], energies):
            start_ns = time.perf_counter_ns()
            time.sleep(WINDOW_S)
            end_ns = time.perf_counter_ns()
        meters.gpu.end()
        time.sleep(0.2)
    found, polled = energies[0], integral_j(poll.samples, start_ns, end_ns)
    seconds = (end_ns - start_ns) / 1e9
    ledger.tell("source", f"{found.source}: {found.reason}")
    ratio = share(found.joules, polled)
    shown = f"bench {found.joules} J, poll {polled} J of {len(poll.samples)} samples, {seconds:.2f} s"
    ledger.hold("energy against an independent poll", ratio, at_least=1 - WITHIN, at_most=1 + WITHIN, shown=shown)
    limit_w = int(board.pynvml.nvmlDeviceGetEnforcedPowerLimit(board.device.handle)) / 1000
    allowed = share(found.low if found.low is not None else found.joules, limit_w * found.seconds)
    shown = f"{allowed if allowed is None else round(allowed, 4)} of {limit_w:g} W over {found.seconds:.2f} s"
    ledger.hold("energy against the power limit", allowed, at_most=1.0, shown=shown)
    ledger.tell("throttled meanwhile", ", ".join(board.throttling()) or "no")
