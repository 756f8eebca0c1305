"""The doubt that a checkpoint holds weights that the loaded model has no place for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class WeightsUnused(DoubtKind):
    """Some weights of the file are not part of what was loaded."""

    code: ClassVar[str] = "weights_unused"
    title: ClassVar[str] = "Weights not used"
    advice: ClassVar[str] = "check that the family is the one that the checkpoint was made for"
    stage: ClassVar[Stage | None] = "scored"

    count: int
    names: tuple[str, ...]

    @property
    def message(self) -> str:
        """Count and name them."""
        return f"{self.count} weights of the checkpoint are not part of the loaded model ({', '.join(self.names)})"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read the model's note."""
        unused = evidence.notes.get("weights_unused")
        if isinstance(unused, list) and unused:
            yield cls(count=len(unused), names=tuple(map(str, unused[:4])))
