"""The doubt that the Hub's model may change under its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class UnpinnedRevision(DoubtKind):
    """The suite names no commit of a model on the Hub."""

    code: ClassVar[str] = "unpinned_revision"
    title: ClassVar[str] = "Revision not pinned"
    advice: ClassVar[str] = "give the commit as 'revision' (the record's notes hold the one that was loaded)"

    @property
    def message(self) -> str:
        """Say what follows from it."""
        return "the suite names no 'revision' of the Hub's model, so one that changes there is taken for the same"
