"""The doubt that too many requests took much longer than the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import LATENCY, QUIETER, DoubtKind


@dataclass(frozen=True, kw_only=True)
class Outliers(DoubtKind):
    """More requests are outliers than the odd interrupt explains."""

    code: ClassVar[str] = "outliers"
    title: ClassVar[str] = "Many slow requests"
    advice: ClassVar[str] = f"look for other work on the machine, garbage collection or paging; {QUIETER}"
    readings: tuple[str, ...] = LATENCY

    count: int
    n: int
    worst: float
    """Time of the slowest over what its input usually takes."""

    @property
    def message(self) -> str:
        """Count the outliers, and say how slow the slowest was."""
        return (
            f"{self.count} of {self.n} requests are outliers, the slowest {self.worst:.1f} times what its input "
            "usually takes"
        )
