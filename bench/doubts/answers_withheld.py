"""The doubt that a server gave no answer, or half of one, and said so only in how the answer ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class AnswersWithheld(DoubtKind):
    """Answers were ended by a filter or by an error of the server."""

    code: ClassVar[str] = "answers_withheld"
    title: ClassVar[str] = "Answers withheld"
    advice: ClassVar[str] = "look at the server's log, and at its filters; what was withheld is scored as it came"
    stage: ClassVar[Stage | None] = "scored"
    told: ClassVar[bool] = True

    answers: int
    of: int

    @property
    def message(self) -> str:
        """Count them."""
        return f"{self.answers:,} of {self.of:,} answers were ended by a filter or an error of the server"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read what the model noted of its server."""
        noted = evidence.notes.get("server")
        if isinstance(noted, dict) and noted.get("withheld"):
            yield cls(answers=int(noted["withheld"]), of=int(noted.get("answered", 0)), readings=evidence.metrics)
