"""The doubt that a model in fewer bits hardly answers as the model itself does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class PrecisionChangesAnswers(DoubtKind):
    """Answers in another precision agree with the parent's hardly more often than by chance."""

    code: ClassVar[str] = "precision_changes_answers"
    title: ClassVar[str] = "Another precision answers otherwise"
    advice: ClassVar[str] = (
        "look at the answers in the report: rounding changes a few, a wrong conversion nearly all; try the same "
        "precision under torch, and report the conversion if that agrees with its parent"
    )
    told: ClassVar[bool] = True

    parent: str
    equal: int
    compared: int

    @property
    def message(self) -> str:
        """Count the equal answers."""
        return (
            f"{self.equal} of {self.compared} answers are those of {self.parent}, hardly more than by chance; fewer "
            "bits alone seldom do that"
        )
