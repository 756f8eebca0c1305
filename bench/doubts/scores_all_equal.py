"""The doubt that a model's scores do not depend on what it reads, where that is no chance.

A tree, or a model with a few levels of output, gives the same scores to all that it takes for one class. So they bar
only where enough right answers differ; likelihoods of texts are never the same by chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.answers_all_equal import ENOUGH, others
from bench.doubts.base import DoubtKind, Evidence, Stage

FEWEST = 4
"""Different inputs below which equal scores are not looked at."""


@dataclass(frozen=True, kw_only=True)
class ScoresAllEqual(DoubtKind):
    """Every example got the same scores, to the last digit, though inputs and enough right answers differ."""

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
        score = only_score(evidence)
        texts_alone = all(sample.scores is None for sample in evidence.samples)
        if score is not None and (texts_alone or others(evidence) >= ENOUGH):
            yield cls(rows=len(evidence.samples), score=score, readings=evidence.metrics)


def only_score(evidence: Evidence) -> float | None:
    """Find the first of the scores that an admitted model gave to all of its inputs, of which `FEWEST` differ; None
    where there are several."""
    inputs = evidence.notes.get("inputs")
    different = len(set(inputs.values())) if isinstance(inputs, Mapping) else 0
    given = {(sample.scores, sample.nll) for sample in evidence.samples}
    if "admission" not in evidence.notes or different < FEWEST or len(given) != 1:
        return None
    scores, nats = given.pop()
    return scores[0] if scores else nats
