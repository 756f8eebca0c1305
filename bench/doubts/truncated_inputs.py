"""The doubt that inputs were cut."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class TruncatedInputs(DoubtKind):
    """The model reads less than some inputs are long."""

    code: ClassVar[str] = "truncated_inputs"
    title: ClassVar[str] = "Inputs cut"
    advice: ClassVar[str] = "take a model with a longer context, or shorten the inputs; compare with care"
    stage: ClassVar[Stage | None] = "scored"

    count: int
    rows: int

    @property
    def message(self) -> str:
        """Count the inputs that were cut."""
        return f"{self.count} of {self.rows} inputs are longer than the model reads, and were cut"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Count the samples whose input was cut."""
        if count := sum(sample.truncated for sample in evidence.samples):
            yield cls(count=count, rows=len(evidence.samples), readings=evidence.metrics)
