"""The doubt that a model was scored and timed by the library's plain pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class FastPathLeft(DoubtKind):
    """The batched, cached path gives other answers than the library's plain pass, or does not run."""

    code: ClassVar[str] = "fast_path_left"
    title: ClassVar[str] = "Plain path"
    advice: ClassVar[str] = (
        "compare its speed with care: it runs one example at a time, without a cache; its answers are the library's"
    )
    stage: ClassVar[Stage | None] = "scored"

    why: str

    @property
    def message(self) -> str:
        """Say why."""
        return f"{self.why}; so every example is answered alone, without padding and without a cache"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read what admission noted."""
        admission = evidence.notes.get("admission")
        why = admission.get("fast_path_left") if isinstance(admission, dict) else None
        if why:
            yield cls(why=str(why))
