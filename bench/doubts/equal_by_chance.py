"""The doubt that a model gives the same to everything on examples that are too alike to tell whether it always does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from bench.doubts.answers_all_equal import ENOUGH, only_answer, others
from bench.doubts.base import DoubtKind, Evidence, Stage
from bench.doubts.scores_all_equal import only_score


@dataclass(frozen=True, kw_only=True)
class EqualByChance(DoubtKind):
    """Every example got the same answer or the same scores, which may be chance: hardly a right answer differs."""

    code: ClassVar[str] = "equal_by_chance"
    title: ClassVar[str] = "All equal, perhaps by chance"
    advice: ClassVar[str] = (
        f"score examples of which at least {ENOUGH} have another right answer: these do not show whether the model "
        "tells anything apart"
    )
    stage: ClassVar[Stage | None] = "scored"

    what: Literal["answer", "scores"]
    rows: int
    others: int

    @property
    def message(self) -> str:
        """Give the counts."""
        return f"all {self.rows} examples have the same {self.what}; the right answer of {self.others} is another one"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Look at what is equal and does not bar; nothing is told where there is nothing to tell apart."""
        rows, answer = len(evidence.samples), only_answer(evidence)
        if answer is not None and 0 < (differing := others(evidence, answer)) < ENOUGH:
            yield cls(what="answer", rows=rows, others=differing, readings=evidence.metrics)
        has_scores = any(sample.scores is not None for sample in evidence.samples)
        if has_scores and only_score(evidence) is not None and (differing := others(evidence)) < ENOUGH:
            yield cls(what="scores", rows=rows, others=differing, readings=evidence.metrics)
