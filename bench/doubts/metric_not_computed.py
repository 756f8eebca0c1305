"""The doubt that a metric of the suite could not be computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class MetricNotComputed(DoubtKind):
    """A metric raised an error, or is out of reach where the run is read."""

    code: ClassVar[str] = "metric_not_computed"
    title: ClassVar[str] = "Metric not computed"
    advice: ClassVar[str] = (
        "correct what the message names and make the report again: the answers are stored, so nothing need be run again"
    )

    reason: str
    """Why it could not be computed."""

    @property
    def message(self) -> str:
        """Repeat the reason."""
        return self.reason
