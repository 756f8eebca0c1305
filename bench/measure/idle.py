"""The idle baseline: the power of the machine at rest, the model loaded, once what went before has worn off.

A GPU keeps high clocks for some seconds after its last kernel, a CPU its turbo and its heat; idling measured at once is
too high, and the net energy too low. So the meter is read in short steps until the power falls no more; on a GPU not
before its clocks have had the time to drop, since until then the power may be high and steady.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.meters.bundle import Meters
from bench.meters.clock import on_cuda
from bench.meters.energy import Energy, metering
from bench.meters.interference import Interference

SETTLE_STEP_S = 2.0
"""Between two looks at the power: at an update period of 100 ms the edges of a counter are then 5 %."""
MIN_SETTLE_STEPS = 4
"""Looks within the wait at least, in steps as short as that takes: one look alone shows no fall."""
SETTLED_FALL = 0.05
"""Fall of the power from one step to the next up to which it is at rest: what the edges of a counter make of a step."""
GPU_LEAST_S = 10.0
"""Shortest wait on a GPU: a V100 drew a steady 50 W instead of its 25 W for "several seconds" after the last kernel,
and NVIDIA calls that normal (NVIDIA/cuda-samples, issue 74). How many by model is not documented: a generous guess."""
SETTLE_CAP_S = 20.0
"""Longest wait: with a CUDA context open some drivers never leave the highest clocks (NVIDIA/open-gpu-kernel-modules,
issue 874), and that is then the power at rest of a loaded model."""
SETTLE_SHARE = 4.0
"""The wait is at most this multiple of the idle window too: the profile `quick` has 0.5 s for idling."""


@dataclass(frozen=True, slots=True)
class Idle:
    """What doing nothing took."""

    energy: Energy
    settling_s: float = 0.0
    """Waited before."""
    settled: bool = True
    """Whether the power had stopped falling when the window began."""
    load: Interference | None = None
    """What else happened on the machine within the window."""

    @property
    def watts(self) -> float | None:
        """Mean power; None where it could not be read."""
        energy = self.energy
        return energy.joules / energy.seconds if energy.joules is not None and energy.seconds > 0 else None

    @property
    def said(self) -> str:
        """Say how the wait ended, for people."""
        return (
            "until the power fell no more" if self.settled else "the wait was over before the power was known to rest"
        )


def idle_baseline(meters: Meters, seconds: float) -> Idle:
    """Measure the energy of doing nothing for `seconds`, after as long a wait as the power needs to settle."""
    waited, settled = _settle(meters, min(SETTLE_CAP_S, SETTLE_SHARE * seconds))
    before = meters.interference.snapshot()
    energy = _rest(meters, seconds)
    return Idle(energy, waited, settled, meters.interference.since(before))


def _settle(meters: Meters, most_s: float) -> tuple[float, bool]:
    """Wait until the power falls no more; give the seconds, and whether it came to that.

    A meter that fails ends the wait.
    """
    waited, before = 0.0, float("inf")
    least_s = GPU_LEAST_S if on_cuda(meters.device) else 0.0
    step_s = min(SETTLE_STEP_S, most_s / MIN_SETTLE_STEPS)
    while waited + step_s <= most_s:
        watts = Idle(_rest(meters, step_s)).watts
        waited += step_s
        if watts is None:
            return waited, False
        if watts >= before * (1 - SETTLED_FALL) and waited >= least_s:
            return waited, True
        before = watts
    return waited, False


def _rest(meters: Meters, seconds: float) -> Energy:
    energies: list[Energy] = []
    with metering([meters.energy], energies):
        meters.clock.sleep(seconds)
    return energies[0]
