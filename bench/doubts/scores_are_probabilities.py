"""The doubt that an own model gives probabilities where their logarithms are needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage
from bench.record import Sample

FEWEST = 4
"""Examples below which nothing is said."""
ROUNDING = 1e-3
"""By how much the sum of probabilities may be off 1, as half precision rounds it."""
NEEDING = ("ece",)
"""Metrics that read a score as the logarithm of a probability; others only read which is highest."""


@dataclass(frozen=True, kw_only=True)
class ScoresAreProbabilities(DoubtKind):
    """All rows of scores are probabilities: calibration is computed from their softmax, which is nearly flat."""

    code: ClassVar[str] = "scores_are_probabilities"
    title: ClassVar[str] = "Scores are probabilities"
    advice: ClassVar[str] = "return logits or log-probabilities from 'classify', such as torch.log(probabilities)"
    stage: ClassVar[Stage | None] = "scored"
    told: ClassVar[bool] = True

    rows: int
    needing: tuple[str, ...]

    @property
    def message(self) -> str:
        """Count the rows, and name the metrics."""
        return (
            f"the scores of all {self.rows} examples are 0 or more and sum to 1: they are probabilities, and "
            f"{', '.join(self.needing)} takes them for their logarithms"
        )

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Look at the sums of the scores, where a metric needs logarithms."""
        needing = tuple(name for name in NEEDING if name in evidence.metrics)
        rows = len(evidence.samples)
        if needing and rows >= FEWEST and all(map(_is_distribution, evidence.samples)):
            yield cls(rows=rows, needing=needing, readings=needing)


def _is_distribution(sample: Sample) -> bool:
    scores = sample.scores or ()
    return bool(scores) and min(scores) >= 0.0 and abs(sum(scores) - 1.0) <= ROUNDING
