"""The doubt that the model was trained on rows that it is scored on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class TrainOverlap(DoubtKind):
    """Scored inputs are in the training data too."""

    code: ClassVar[str] = "train_overlap"
    title: ClassVar[str] = "Scored on what was learnt"
    advice: ClassVar[str] = "take them out of one of the two splits; until then the score says what was learnt by heart"
    stage: ClassVar[Stage | None] = "data"

    count: int
    rows: int

    @property
    def message(self) -> str:
        """Count the inputs in both."""
        return f"{self.count} of {self.rows} scored inputs are also in the data that the model was trained on"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read the count that the plan has made, where the training data are known."""
        count = evidence.notes.get("train_overlap")
        if isinstance(count, int) and count:
            yield cls(count=count, rows=evidence.data_count("rows"), readings=evidence.metrics)
