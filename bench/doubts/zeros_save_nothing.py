"""The doubt that zeros which pruning left were taken for savings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import MEMORY, TIMED, DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class ZerosSaveNothing(DoubtKind):
    """Single weights were set to zero, which are stored and multiplied like any other number."""

    code: ClassVar[str] = "zeros_save_nothing"
    title: ClassVar[str] = "Zeros save nothing"
    advice: ClassVar[str] = (
        "read quality alone; for a model that is smaller and faster take whole parts out: "
        "'shrink: {layers: …, heads: …, neurons: …}'"
    )
    stage: ClassVar[Stage | None] = "scored"

    share: float
    """Of each layer's weights that were set to zero."""

    @property
    def message(self) -> str:
        """Say what was set to zero, and what that does not change."""
        return (
            f"{self.share:.0%} of the weights of its linear layers are zero, and are stored and multiplied all the "
            "same: time and memory are those of the whole model"
        )

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Look at the variant."""
        job = None if evidence.cell is None else evidence.cell.job
        if job is not None and job.variant.prune is not None and evidence.samples:
            yield cls(share=job.variant.prune, readings=(*TIMED, *MEMORY))
