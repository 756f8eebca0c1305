"""The doubt that a model answers the same to everything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage

FEWEST = 10
"""Examples below which the same answer to all may be chance."""


@dataclass(frozen=True, kw_only=True)
class AnswersAllEqual(DoubtKind):
    """Every example got the same answer, though the right ones differ."""

    code: ClassVar[str] = "answers_all_equal"
    title: ClassVar[str] = "All answers equal"
    advice: ClassVar[str] = "check the prompt, the labels and the training: such a model tells nothing apart"
    stage: ClassVar[Stage | None] = "scored"
    bars: ClassVar[bool] = True

    answer: str
    rows: int

    @property
    def message(self) -> str:
        """Quote the answer."""
        return f"all {self.rows} examples were answered {self.answer!r}, though their right answers differ"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Compare the answers; a rule that always says the same is meant to."""
        samples = evidence.samples
        answers = {sample.prediction for sample in samples}
        references = {sample.reference for sample in samples}
        admitted = "admission" in evidence.notes  # a rule that answers the same to everything is not
        if not admitted or len(samples) < FEWEST or len(answers) > 1 or len(references) < 2:
            return
        answer = next(iter(answers), None)
        if answer is not None:
            shown = answer if len(answer) <= 40 else answer[:39] + "…"
            yield cls(answer=shown, rows=len(samples), readings=evidence.metrics)
