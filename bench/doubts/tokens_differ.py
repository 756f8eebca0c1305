"""The doubt that the models of a task count different tokens, so that nothing per token can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class TokensDiffer(DoubtKind):
    """A metric per token was computed over other tokens than those of another model of the task."""

    code: ClassVar[str] = "tokens_differ"
    title: ClassVar[str] = "Other tokens than other models"
    advice: ClassVar[str] = "compare by bits_per_byte, which does not depend on the tokeniser: add it to 'metrics'"

    own: float
    """Scored tokens of this model per byte of text."""
    least: float
    most: float
    """Of all models of the task."""

    @property
    def message(self) -> str:
        """Give the tokens per byte of this model and of all."""
        return (
            f"this model scores {self.own:.3g} tokens a byte of text, and the models of the task from {self.least:.3g} "
            f"to {self.most:.3g}: {', '.join(self.readings)} is not compared between them"
        )
