"""The doubt that a model's answer to one example depends on the others in its batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class BatchChangesAnswers(DoubtKind):
    """A model without a plain path of its own answers otherwise alone than in a batch."""

    code: ClassVar[str] = "batch_changes_answers"
    title: ClassVar[str] = "Answers change with the batch"
    advice: ClassVar[str] = (
        "give the answers in the order of the texts, mask the padding in the model, or set 'batch_size: 1'"
    )
    stage: ClassVar[Stage | None] = "scored"

    differing: int
    compared: int

    @property
    def message(self) -> str:
        """Count the answers."""
        many = f"{self.differing} of {self.compared} examples"
        return f"{many} are answered otherwise alone than in one batch with the others"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read what admission noted."""
        admission = evidence.notes.get("admission")
        if isinstance(admission, dict) and admission.get("differing") and not admission.get("fast_path_left"):
            differing, compared = int(admission["differing"]), int(admission["compared"])
            yield cls(differing=differing, compared=compared, readings=evidence.metrics)
