"""The doubt that another runtime answers otherwise than torch does with the same weights in the same precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind

SHOWN = 3
"""Examples that are named."""


@dataclass(frozen=True, kw_only=True)
class RuntimeChangesAnswers(DoubtKind):
    """Some answers of a converted network are not those of its parent."""

    code: ClassVar[str] = "runtime_changes_answers"
    title: ClassVar[str] = "Another runtime answers otherwise"
    advice: ClassVar[str] = (
        "compare the answers to these examples in the report; texts part where two tokens are as likely within "
        "rounding, and scores that differ by more mean a wrong conversion, which is to be reported"
    )

    parent: str
    differing: tuple[str, ...]
    """Ids of the examples."""
    compared: int
    largest: float | None
    """Largest difference of a score or of nats; None for texts."""

    @property
    def message(self) -> str:
        """Count the answers, and name the first."""
        named = ", ".join(self.differing[:SHOWN]) + (", …" if len(self.differing) > SHOWN else "")
        scores = "" if self.largest is None else f", scores by up to {self.largest:.2g}"
        return f"{len(self.differing)} of {self.compared} answers differ from those of {self.parent}{scores} ({named})"
