"""The doubt that answers come from an earlier run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import MEMORY, DoubtKind


@dataclass(frozen=True, kw_only=True)
class AnswersReused(DoubtKind):
    """Answers were scored by an earlier run, and not in the process that was measured."""

    code: ClassVar[str] = "answers_reused"
    title: ClassVar[str] = "Answers of an earlier run"
    advice: ClassVar[str] = "run with --rerun to score again in the measured process"
    readings: tuple[str, ...] = MEMORY

    run: str
    """Id of the earlier run."""

    @property
    def message(self) -> str:
        """Name the run, and what its answers leave out here."""
        return f"answers are those of run {self.run}, scored in another process than this one; the peak leaves that out"


@dataclass(frozen=True, kw_only=True)
class MeasuredAnswersReused(AnswersReused):
    """The answers are those of an earlier run that measured the cell too; this run measures nothing."""

    readings: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """Name the run."""
        return f"the answers are those of run {self.run}, which also measured the cell; nothing was scored again"

    @property
    def remedy(self) -> str:
        """Name the option."""
        return "run with --rerun to score again"
