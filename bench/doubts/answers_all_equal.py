"""The doubt that a model answers the same to everything, where that is no chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage

FEWEST = 10
"""Examples below which the same answer to all is not looked at."""
LEAST_FOUND = 0.5
"""Share of the examples with another right answer that a model which tells something apart finds at least."""
CHANCE = 0.05
"""Largest chance that such a model misses all of them."""
ENOUGH = math.ceil(math.log(CHANCE) / math.log(1 - LEAST_FOUND))
"""Examples with another right answer from which on that is no chance: 5, all of which it misses in 3 % of cases. Nine
of ten that are `ham`, and the tenth missed, is what a good model gives, too."""


@dataclass(frozen=True, kw_only=True)
class AnswersAllEqual(DoubtKind):
    """Every example got the same answer, though enough right ones differ."""

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
        answer = only_answer(evidence)
        if answer is not None and others(evidence, answer) >= ENOUGH:
            yield cls(answer=shown(answer), rows=len(evidence.samples), readings=evidence.metrics)


def only_answer(evidence: Evidence) -> str | None:
    """Find the answer that an admitted model gave to all of `FEWEST` examples or more; None where there are several."""
    answers = {sample.prediction for sample in evidence.samples}
    admitted = "admission" in evidence.notes  # a rule that answers the same to everything is not
    return answers.pop() if admitted and len(evidence.samples) >= FEWEST and len(answers) == 1 else None


def others(evidence: Evidence, answer: str | None = None) -> int:
    """Count the examples whose right answer is another one than `answer`; where that is right nowhere, or not given,
    than the commonest."""
    references = Counter(sample.reference for sample in evidence.samples)
    usual = references.get(answer, 0) if answer is not None else 0
    return references.total() - (usual or max(references.values(), default=0))


def shown(answer: str) -> str:
    """Cut an answer to what a message can quote."""
    return answer if len(answer) <= 40 else answer[:39] + "…"
