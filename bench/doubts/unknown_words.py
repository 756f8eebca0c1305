"""The doubt that a tokenizer does not know some words of the task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage

DOUBTED_SHARE = 0.05
"""Share of unknown tokens from which it is said; tokenizers of words reach it on texts of another domain."""


@dataclass(frozen=True, kw_only=True)
class UnknownWords(DoubtKind):
    """Some of the inputs' tokens are the tokenizer's unknown token."""

    code: ClassVar[str] = "unknown_words"
    title: ClassVar[str] = "Unknown words"
    advice: ClassVar[str] = (
        "take a model whose tokenizer was trained on such texts, or the tokenizer that belongs to it"
    )
    stage: ClassVar[Stage | None] = "scored"

    unknown: int
    tokens: int

    @property
    def message(self) -> str:
        """Count the tokens."""
        return (
            f"the tokenizer does not know {self.unknown:,} of {self.tokens:,} tokens of the inputs that were looked at"
        )

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read what admission noted."""
        admission = evidence.notes.get("admission")
        if not isinstance(admission, dict):
            return
        unknown, tokens = int(admission.get("unknown_tokens", 0)), int(admission.get("tokens", 0))
        if unknown > DOUBTED_SHARE * tokens:
            yield cls(unknown=unknown, tokens=tokens, readings=evidence.metrics)
