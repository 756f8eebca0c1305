"""The doubt that timed answers were not compared with scored ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class NotAudited(DoubtKind):
    """A process had no scored answers to compare its timed ones with."""

    code: ClassVar[str] = "not_audited"
    title: ClassVar[str] = "Timed answers not compared"
    advice: ClassVar[str] = "run the cell again with --rerun in the results folder that holds its first process"

    @property
    def message(self) -> str:
        """Say what was missing."""
        return "the scored answers were not available in this process, so its timed answers were not compared with them"
