"""When a latency pass may end: the median and the 95th percentile are known precisely enough, or time is up.

Precision is the order-statistic interval of as many independent requests as the measured ones are worth
(`bench.stats.order.serial_quantile_interval`); the least window makes the pass see more than one moment of the
machine. The rule is looked at after each growth by
`LOOK_GROWTH` only, since every look is a chance to stop on a lucky interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from bench.measure.profiles import HARD_CAP, Profile
from bench.stats.order import serial_quantile_interval

MEDIAN_HALF_WIDTH = 0.02
"""Half the interval of the median over the median, at which it is precise: two models 5 % apart are then told apart."""
P95_HALF_WIDTH = 0.05
"""The same for the 95th percentile."""
CONFIDENCE = 0.95
LOOK_GROWTH = 1.25
"""Growth of n between two looks: about 10 looks per decade of n. With it the interval at the stop still
covers the truth in about 95 % of simulated passes (tests/measure/test_stopping.py)."""

StopReason = Literal["precise", "time_cap", "hard_cap"]


class StopRule:
    """Decides after every request whether the pass ends."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._next_look = profile.min_iterations

    def decide(self, durations: Sequence[float], elapsed_s: float, requests: int | None = None) -> StopReason | None:
        """Say why the pass ends now, or None to continue.

        Args:
            durations: of all requests so far, or of an even sample of them, in any unit.
            elapsed_s: since the start of the pass.
            requests: how many there were, where `durations` is a sample.
        """
        count, profile = len(durations) if requests is None else requests, self._profile
        if elapsed_s >= HARD_CAP * profile.window_s:
            return "hard_cap" if count < profile.min_iterations else "time_cap"
        if count < profile.min_iterations:
            return None
        if elapsed_s >= profile.timed_s:
            return "time_cap"
        if elapsed_s >= profile.min_window_s and count >= self._next_look:
            self._next_look = int(count * LOOK_GROWTH) + 1
            return "precise" if is_precise(durations) else None
        return None


def is_precise(durations: Sequence[float]) -> bool:
    """Find out whether the median is known within ±2 % and the 95th percentile within ±5 %."""
    return half_width(durations, 0.5) <= MEDIAN_HALF_WIDTH and half_width(durations, 0.95) <= P95_HALF_WIDTH


def half_width(durations: Sequence[float], quantile: float) -> float:
    """Compute half the interval of a quantile over the interval's middle; infinite where no interval exists."""
    interval = serial_quantile_interval(durations, quantile, CONFIDENCE)
    if interval is None or interval[0] + interval[1] <= 0:
        return float("inf")
    low, high = interval
    return (high - low) / (high + low)
