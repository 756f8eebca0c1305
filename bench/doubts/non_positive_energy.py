"""The doubt that an energy is not positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import ENERGY, NET_ENERGY, DoubtKind


@dataclass(frozen=True, kw_only=True)
class NonPositiveEnergy(DoubtKind):
    """A window of work took no energy, by the meter or net of the idle baseline."""

    code: ClassVar[str] = "non_positive_energy"
    title: ClassVar[str] = "No energy used"
    advice: ClassVar[str] = "measure for longer; if it stays so, `bench doctor` says which other meters work here"


@dataclass(frozen=True, kw_only=True)
class CounterStoodStill(NonPositiveEnergy):
    """The hardware's counter did not move within the window."""

    readings: tuple[str, ...] = ENERGY

    reason: str
    """What the meter says of it."""

    @property
    def message(self) -> str:
        """Repeat what the meter says."""
        return self.reason


@dataclass(frozen=True, kw_only=True)
class IdleDrewAsMuch(NonPositiveEnergy):
    """The idle baseline drew as much power as the work."""

    readings: tuple[str, ...] = NET_ENERGY

    net_j: float

    @property
    def message(self) -> str:
        """Say what was left of the window's energy."""
        return f"net energy of the window is {self.net_j:.3g} J: the idle baseline drew as much as the work"

    @property
    def remedy(self) -> str:
        """Say how to get a calmer baseline."""
        return "let the machine come to rest before the run, and measure for longer"
