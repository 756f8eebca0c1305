"""The doubt that a variant changed but a part of a model's weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage

WHOLE = 0.9
"""Share of the weights of matrix products from which a variant is said to be one of the whole model: the output layer
of a small model, or a router, is less than the rest."""


@dataclass(frozen=True, kw_only=True)
class VariantReachesPart(DoubtKind):
    """Most layers of a class that the variant does not know stayed as they were."""

    code: ClassVar[str] = "variant_reaches_part"
    title: ClassVar[str] = "Variant of a part"
    advice: ClassVar[str] = (
        "read the numbers as those of a model that is changed in part; for the whole, take a checkpoint that was "
        "quantised or pruned by tools of its own"
    )
    stage: ClassVar[Stage | None] = "scored"
    told: ClassVar[bool] = True

    step: str
    reached: int
    weights: int
    left: tuple[str, ...]

    @property
    def message(self) -> str:
        """Count the weights, and name the layers that were left."""
        return (
            f"{self.step} reaches {self.reached:,} of {self.weights:,} weights of the model's matrix products "
            f"({self.reached / self.weights:.0%}); it does not reach {', '.join(self.left[:4])}"
        )

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read the model's note."""
        reach = evidence.notes.get("variant_reach")
        if not isinstance(reach, dict):
            return
        reached, weights = int(reach["reached"]), int(reach["weights"])
        if reached < WHOLE * weights:
            yield cls(step=str(reach["step"]), reached=reached, weights=weights, left=tuple(map(str, reach["left"])))
