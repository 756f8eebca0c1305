"""The doubt that the hypervisor gave time to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import TIMED, DoubtKind


@dataclass(frozen=True, kw_only=True)
class StolenTime(DoubtKind):
    """The hypervisor ran other machines on the CPUs of this one."""

    code: ClassVar[str] = "stolen_time"
    title: ClassVar[str] = "Time stolen by the hypervisor"
    advice: ClassVar[str] = "use a machine with dedicated cores, or repeat at another time"
    slows_machine: ClassVar[bool] = True
    readings: tuple[str, ...] = TIMED

    cpus: float
    """CPUs' worth of time, on average."""
    during: str
    """The window, for people."""

    @property
    def message(self) -> str:
        """Say how much time was stolen, and when."""
        return f"the hypervisor gave {self.cpus:.2f} CPUs' worth of time to others during {self.during}"
