"""The doubt that a model's scores do not depend on what it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage

FEWEST = 4
"""Different inputs from which equal scores are no chance."""


@dataclass(frozen=True, kw_only=True)
class ScoresAllEqual(DoubtKind):
    """Every example got the same scores, to the last digit, though the inputs differ."""

    code: ClassVar[str] = "scores_all_equal"
    title: ClassVar[str] = "All scores equal"
    advice: ClassVar[str] = "check that the input reaches the model: its answers do not depend on it"
    stage: ClassVar[Stage | None] = "scored"
    bars: ClassVar[bool] = True

    rows: int
    score: float

    @property
    def message(self) -> str:
        """Give the score."""
        return (
            f"all {self.rows} examples have the same scores (the first is {self.score:.6g}), though their inputs differ"
        )

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Compare the scores; those of a rule, which is not admitted, may be equal."""
        inputs = evidence.notes.get("inputs")
        different = len(set(inputs.values())) if isinstance(inputs, Mapping) else 0
        if "admission" not in evidence.notes or different < FEWEST:
            return
        given = {(sample.scores, sample.nll) for sample in evidence.samples}
        scores, nats = next(iter(given), (None, None))
        first = scores[0] if scores else nats
        if len(given) == 1 and first is not None:
            yield cls(rows=len(evidence.samples), score=first, readings=evidence.metrics)
