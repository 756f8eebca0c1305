"""The doubt that the container's CPU quota stopped the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import TIMED, DoubtKind


@dataclass(frozen=True, kw_only=True)
class CgroupThrottled(DoubtKind):
    """The cgroup's CPU quota was used up while the model was measured."""

    code: ClassVar[str] = "cgroup_throttled"
    title: ClassVar[str] = "Stopped by the container's CPU quota"
    advice: ClassVar[str] = "raise the container's CPU limit, or set defaults.threads to at most the quota"
    slows_machine: ClassVar[bool] = True
    readings: tuple[str, ...] = TIMED

    periods: int
    seconds: float
    during: str
    """The window, for people."""

    @property
    def message(self) -> str:
        """Say how often and for how long the process was stopped."""
        return (
            f"the cgroup's CPU quota stopped the process in {self.periods} periods ({self.seconds:.3g} s) "
            f"during {self.during}"
        )
