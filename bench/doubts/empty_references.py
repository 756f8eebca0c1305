"""The doubt that expected answers are empty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class EmptyReferences(DoubtKind):
    """Examples have nothing to compare an answer with."""

    code: ClassVar[str] = "empty_references"
    title: ClassVar[str] = "Empty references"
    advice: ClassVar[str] = (
        "fill them in or leave the rows out; an empty reference can only be matched by an empty answer"
    )
    stage: ClassVar[Stage | None] = "data"

    count: int
    rows: int

    @property
    def message(self) -> str:
        """Count the empty references."""
        return f"{self.count} of {self.rows} references are empty"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read the count that was made when the data were loaded."""
        if count := evidence.data_count("empty_references"):
            yield cls(count=count, rows=evidence.data_count("rows"), readings=evidence.metrics)
