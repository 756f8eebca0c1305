"""The doubt that times for the same input scatter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import LATENCY, QUIETER, DoubtKind


@dataclass(frozen=True, kw_only=True)
class HighVariation(DoubtKind):
    """The coefficient of variation of relative times is high."""

    code: ClassVar[str] = "high_variation"
    title: ClassVar[str] = "Times scatter"
    advice: ClassVar[str] = QUIETER
    readings: tuple[str, ...] = LATENCY

    share: float
    """Standard deviation over mean."""
    n: int

    @property
    def message(self) -> str:
        """Give the coefficient of variation with n."""
        return f"times for the same input scatter with a coefficient of variation of {self.share:.0%} (n = {self.n})"
