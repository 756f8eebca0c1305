"""The doubt that other processes used the CPUs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import TIMED, DoubtKind


@dataclass(frozen=True, kw_only=True)
class LoadOfOthers(DoubtKind):
    """Other processes kept CPUs busy while the model was measured."""

    code: ClassVar[str] = "load_of_others"
    title: ClassVar[str] = "Other work on the machine"
    advice: ClassVar[str] = "stop other work on this machine, or give the run its own cores (`taskset`, a cpuset)"
    slows_machine: ClassVar[bool] = True
    readings: tuple[str, ...] = TIMED

    cpus: float
    """CPUs kept busy by others, on average."""
    during: str
    """The window, for people."""
    seconds: float
    """Length of the window."""

    @property
    def message(self) -> str:
        """Say how many CPUs were busy, and when."""
        return f"other processes kept {self.cpus:.2f} CPUs busy during {self.during} ({self.seconds:.3g} s)"
