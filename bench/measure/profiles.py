"""How long and how often to measure: the three profiles and a suite's own numbers over them.

Imports no torch: planning resolves a profile to learn how many processes a cell takes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bench.suite import MeasureSpec

HARD_CAP = 3.0
"""A pass ends at this multiple of its window even below its floor of iterations."""
LEAST_REQUESTS = 6
"""Requests without which the median has no interval (`bench.stats.order.needed`, which would import scipy): no floor
is below it, or no limit could be shown to hold."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What one measuring costs and promises."""

    name: str
    processes: int
    """Fresh processes per cell."""
    window_s: float
    """Most seconds of the latency and of the throughput pass each; precision may end the latency pass earlier."""
    min_window_s: float
    """Least seconds of the latency pass: a narrow interval within one calm moment is not yet precision."""
    min_iterations: int
    """Least requests of the latency pass."""
    min_batches: int
    """Least batches of the throughput pass; fewer than 3 carry a doubt."""
    warmup_window: int
    """Iterations that must look steady."""
    max_warmup_s: float
    """Cap of the warm-up."""
    energy_window_s: float
    """Least seconds of the energy pass, where a meter of hardware has a pass of its own."""
    idle_window_s: float
    """Seconds of idling for the baseline of the same meters."""
    flop_examples: int
    """Examples whose arithmetic is counted, at most; see `bench.measure.flops`."""
    energy: Literal["auto", "off"] = "auto"
    tdp_w: float | None = None
    is_brief: bool = False
    """Whether the timed passes last for the least window alone."""

    @property
    def brief(self) -> Profile:
        """Time for the least window: enough for a rule that computes nothing, and answers thousands of requests in it,
        and for a first look at whoever may be measured again."""
        return replace(self, is_brief=True)

    @property
    def timed_s(self) -> float:
        """Seconds that the latency and the throughput pass last at most, but for their least requests."""
        return self.min_window_s if self.is_brief else self.window_s

    @property
    def measures(self) -> bool:
        """Tell whether anything is measured; without, quality is scored alone."""
        return self.window_s > 0.0


PROFILES: dict[str, Profile] = {
    "quick": Profile("quick", 1, 1.0, 0.3, LEAST_REQUESTS, 1, 3, 0.3, 1.0, 0.5, 1),
    "standard": Profile("standard", 3, 10.0, 3.0, 20, 3, 5, 5.0, 10.0, 5.0, 3),
    "rigorous": Profile("rigorous", 5, 30.0, 10.0, 50, 3, 10, 15.0, 30.0, 10.0, 5),
    "off": Profile("off", 1, 0.0, 0.0, 0, 0, 0, 0.0, 0.0, 0.0, 0, energy="off"),
}
"""Processes and windows; a hardware energy window below 10 s carries a doubt."""


def resolve(spec: MeasureSpec) -> Profile:
    """Look up the profile that `spec` names, with the numbers that `spec` sets itself.

    >>> resolve(MeasureSpec(profile="quick", window_s=2.0)).window_s
    2.0
    """
    profile = PROFILES[spec.profile]
    if spec.window_s is not None:
        scale = spec.window_s / profile.window_s
        profile = replace(
            profile,
            window_s=spec.window_s,
            min_window_s=profile.min_window_s * scale,
            max_warmup_s=profile.max_warmup_s * scale,
            energy_window_s=profile.energy_window_s * scale,
        )
    return replace(
        profile,
        processes=spec.processes or profile.processes,
        energy=spec.energy,
        tdp_w=spec.tdp_w,
    )
