"""The doubt that times fall into two groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import LATENCY, DoubtKind


@dataclass(frozen=True, kw_only=True)
class Bimodal(DoubtKind):
    """The times have two modes."""

    code: ClassVar[str] = "bimodal"
    title: ClassVar[str] = "Two kinds of times"
    advice: ClassVar[str] = (
        "look for two clock rates, two kinds of core or two kernels; pin the process and fix the clock rate"
    )
    readings: tuple[str, ...] = LATENCY

    gap: float
    """Between the medians of the two groups, relative to the median of all."""
    low: int
    """Values in the quicker group."""
    high: int
    """Values in the slower group."""

    @property
    def message(self) -> str:
        """Give the distance and the sizes of the groups."""
        return (
            f"times fall into two groups {self.gap:.0%} apart ({self.low} and {self.high} of {self.low + self.high}); "
            "a single median describes neither"
        )
