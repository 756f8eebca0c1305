"""The doubt that a client was too late to measure a server under load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class ClientLagged(DoubtKind):
    """Requests under load were sent later than they were meant to be."""

    code: ClassVar[str] = "client_lagged"
    title: ClassVar[str] = "Client too late"
    advice: ClassVar[str] = "give bench a core that the server does not use ('defaults.cpus'), or lower 'load.levels'"
    slows_machine: ClassVar[bool] = True
    readings: tuple[str, ...] = ("slo_rate", "capacity")

    levels: int
    """Levels that are withheld."""
    of: int
    """Levels that were offered."""
    lag_s: float
    """The worst 95th percentile of the lag."""

    @property
    def message(self) -> str:
        """Count the levels."""
        return (
            f"{self.levels} of {self.of} levels of load are withheld: the client itself sent requests up to "
            f"{1e3 * self.lag_s:.3g} ms late (p95)"
        )
