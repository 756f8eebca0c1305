"""The doubt that there are too few requests for an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import LATENCY, DoubtKind

P95 = ("latency_p95_s", "ttft_p95_s")


@dataclass(frozen=True, kw_only=True)
class TooFewSamples(DoubtKind):
    """The requests of all processes give no interval for the median, and so for no percentile."""

    code: ClassVar[str] = "too_few_samples"
    title: ClassVar[str] = "Too few requests"
    advice: ClassVar[str] = "set measure.window_s higher or measure.processes, or use the profile `standard`"
    readings: tuple[str, ...] = LATENCY
    quantile: ClassVar[str] = "median"

    pooled: int
    """Requests of all processes."""
    needed: int
    """Requests from which there is an interval."""

    @property
    def message(self) -> str:
        """Say how many requests there are, and how many are needed."""
        return f"{self.pooled} requests give no 95 % interval for the {self.quantile}; {self.needed} would"


@dataclass(frozen=True, kw_only=True)
class TooFewForP95(TooFewSamples):
    """The requests of all processes give an interval for the median, and none for the 95th percentile."""

    readings: tuple[str, ...] = P95
    quantile: ClassVar[str] = "95th percentile"
