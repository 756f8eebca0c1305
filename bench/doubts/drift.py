"""The doubt that requests became slower or faster over the pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import LATENCY, DoubtKind


@dataclass(frozen=True, kw_only=True)
class Drift(DoubtKind):
    """The times have a trend over the pass."""

    code: ClassVar[str] = "drift"
    title: ClassVar[str] = "Times drift"
    advice: ClassVar[str] = (
        "slower: let the machine cool down, fix the clock rate, or look for a leak; faster: warm up for longer with "
        "the profile `standard` or `rigorous`"
    )
    readings: tuple[str, ...] = LATENCY

    change: float
    """Over the whole pass, relative to the median; above 0 for slower."""
    n: int

    @property
    def message(self) -> str:
        """Give the change, its direction and n."""
        direction = "slower" if self.change > 0 else "faster"
        return f"requests became {abs(self.change):.0%} {direction} over the pass (n = {self.n})"

    @property
    def remedy(self) -> str:
        """Say what helps against this direction."""
        if self.change > 0:
            return "let the machine cool down, fix the clock rate, or look for a leak"
        return "warm up for longer: use the profile `standard` or `rigorous`"
