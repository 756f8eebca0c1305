"""The doubt that the machine was not at rest when its idle power was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import NET_ENERGY, DoubtKind


@dataclass(frozen=True, kw_only=True)
class IdleNotSettled(DoubtKind):
    """The power was still falling when the wait for the idle window was over."""

    code: ClassVar[str] = "idle_not_settled"
    title: ClassVar[str] = "Machine not at rest"
    advice: ClassVar[str] = (
        "use the profile `standard` or `rigorous`, which wait longer for the machine to come to rest"
    )
    readings: tuple[str, ...] = NET_ENERGY

    waited_s: float

    @property
    def message(self) -> str:
        """Say how long bench waited, and in which direction the figures may be wrong."""
        return (
            f"the machine may not have come to rest in {self.waited_s:.3g} s: the idle power may be too high, and "
            "the net energy too low"
        )
