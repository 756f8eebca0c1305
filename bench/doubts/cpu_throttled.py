"""The doubt that the CPU was slowed down for heat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import TIMED, DoubtKind


@dataclass(frozen=True, kw_only=True)
class CpuThrottled(DoubtKind):
    """The CPU lowered its clock for heat while the model was measured."""

    code: ClassVar[str] = "cpu_throttled"
    title: ClassVar[str] = "CPU slowed down for heat"
    advice: ClassVar[str] = "improve cooling, or lower the clock until it holds (`sudo cpupower frequency-set -u …`)"
    slows_machine: ClassVar[bool] = True
    readings: tuple[str, ...] = TIMED

    events: int
    during: str
    """The window, for people."""

    @property
    def message(self) -> str:
        """Say how often, and when."""
        return f"the CPU was slowed down for heat {self.events} times during {self.during}"
