"""The doubt that a tokenizer is another one than the model was trained with: it knows far fewer tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage

LEAST_SHARE = 0.5
"""Tokens over rows of the embedding below which a tokenizer is not the model's. Tables are filled up to a round number:
the emptiest of the usual ones, Phi-2's, has 50,295 tokens in 51,200 rows."""


@dataclass(frozen=True, kw_only=True)
class VocabularySmall(DoubtKind):
    """Most rows of the embedding belong to no token."""

    code: ClassVar[str] = "vocabulary_small"
    title: ClassVar[str] = "Another tokenizer"
    advice: ClassVar[str] = "see that the tokenizer is the one that the model was trained with, and copy it beside it"
    stage: ClassVar[Stage | None] = "scored"
    told: ClassVar[bool] = True

    tokens: int
    rows: int

    @property
    def message(self) -> str:
        """Give both numbers."""
        return (
            f"the tokenizer knows {self.tokens:,} tokens and the model's embedding has {self.rows:,} rows: it was "
            "trained with another tokenizer"
        )

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read the model's note."""
        tokens, rows = evidence.notes.get("tokens_known"), evidence.notes.get("embedding_rows")
        if isinstance(tokens, int) and isinstance(rows, int) and 0 < tokens < LEAST_SHARE * rows:
            yield cls(tokens=tokens, rows=rows)
