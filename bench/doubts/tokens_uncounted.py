"""The doubt that a server does not count its tokens, or counts them wrongly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class TokensUncounted(DoubtKind):
    """Answers of a served model came without a usable count of their tokens."""

    code: ClassVar[str] = "tokens_uncounted"
    title: ClassVar[str] = "Tokens not counted"
    advice: ClassVar[str] = (
        "have the server count its tokens ('usage' in the last chunk of a stream); until then do not compare times or "
        "prices per token"
    )
    stage: ClassVar[Stage | None] = "scored"
    readings: tuple[str, ...] = ("tpot", "throughput_output_tokens", "throughput_input_tokens", "cost_per_1000")

    answers: int
    """Without a usable count."""

    @property
    def message(self) -> str:
        """Count the answers."""
        return f"{self.answers} answers came without a usable count of their tokens; their chunks were counted instead"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read what the model noted of its server."""
        endpoint = evidence.notes.get("server")
        if isinstance(endpoint, dict) and endpoint.get("uncounted"):
            yield cls(answers=int(endpoint["uncounted"]))
