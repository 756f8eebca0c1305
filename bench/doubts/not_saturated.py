"""The doubt that the capacity of a server is higher, or that the client limited it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class NotSaturated(DoubtKind):
    """The ladder of closed loops ended before the server was saturated, or broke Little's law."""

    code: ClassVar[str] = "not_saturated"
    title: ClassVar[str] = "Capacity not certain"
    advice: ClassVar[str] = "raise 'load.max_under_way' and 'load.rung_s', or measure on a quieter machine"
    readings: tuple[str, ...] = ("capacity",)

    under_way: int
    """Requests under way in the last rung."""
    lawful: bool
    """Whether throughput × time in the server was the number of requests under way in every rung."""

    @property
    def message(self) -> str:
        """Say which."""
        if not self.lawful:
            return (
                "requests under way are not throughput × time in the server (Little's law, by more than 10 %): the "
                "client was too slow, or the server's times drift"
            )
        return f"with {self.under_way} requests under way the server was not saturated; it may do more"
