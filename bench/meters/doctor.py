"""What `bench doctor` says: the fingerprint, which meters work here and why others do not, and how to make it
quieter."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.host import Advice, advise, fingerprint
from bench.meters import METERS


@dataclass(frozen=True, slots=True)
class MeterState:
    """One meter on this machine."""

    name: str
    works: bool
    reason: str
    """What it covers, or why it does not work."""


@dataclass(frozen=True, slots=True)
class Doctor:
    """Findings on this machine; nothing was changed."""

    fingerprint: dict[str, Any]
    meters: tuple[MeterState, ...]
    advice: tuple[Advice, ...]

    def as_dict(self) -> dict[str, Any]:
        """Returns all of it as JSON-able values."""
        return asdict(self)


def doctor() -> Doctor:
    """Returns what this machine can measure and what disturbs it."""
    found = fingerprint()
    return Doctor(found, tuple(meter_states()), tuple(advise(found)))


def meter_states() -> list[MeterState]:
    """Returns every meter of the table, probed now."""
    return [MeterState(name, *METERS.load(name)()) for name in METERS]
