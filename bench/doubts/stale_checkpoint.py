"""The doubt that a checkpoint does not belong to its recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class StaleCheckpoint(DoubtKind):
    """The checkpoint is older than its recipe or its training data."""

    code: ClassVar[str] = "stale_checkpoint"
    title: ClassVar[str] = "Checkpoint older than its recipe"
    advice: ClassVar[str] = "run 'bench fit' for this model to make it again"

    @property
    def message(self) -> str:
        """Say what does not match."""
        return "the checkpoint was made by another version of its recipe, from other training data, or by none"
