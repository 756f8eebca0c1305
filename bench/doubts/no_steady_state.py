"""The doubt that the warm-up never became steady."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import TIMED, DoubtKind
from bench.units import format_number, plural


@dataclass(frozen=True, kw_only=True)
class NoSteadyState(DoubtKind):
    """The cap ended the warm-up before the times were steady."""

    code: ClassVar[str] = "no_steady_state"
    title: ClassVar[str] = "Never steady"
    advice: ClassVar[str] = (
        "use the profile `standard` or `rigorous`, whose warm-up lasts longer, or look for other work on the machine"
    )
    readings: tuple[str, ...] = TIMED

    requests: int
    """Requests of the warm-up."""
    seconds: float
    """Length of the warm-up."""
    last_ms: tuple[float, ...]
    """Times of the last requests."""

    @property
    def message(self) -> str:
        """Say how long the warm-up was, and how long its last requests took."""
        last = ", ".join(map(format_number, self.last_ms))
        warm_up = f"{plural(self.requests, 'warm-up request')} in {self.seconds:.2g} s"
        return f"not steady after {warm_up}; the last took {last} ms"
