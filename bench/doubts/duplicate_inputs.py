"""The doubt that inputs are repeated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class DuplicateInputs(DoubtKind):
    """The data hold the same input more than once."""

    code: ClassVar[str] = "duplicate_inputs"
    title: ClassVar[str] = "Repeated inputs"
    advice: ClassVar[str] = (
        "leave the repeats out, or give them a common 'group', since intervals take examples for independent"
    )
    stage: ClassVar[Stage | None] = "data"

    count: int
    rows: int

    @property
    def message(self) -> str:
        """Count the repeats."""
        return f"{self.count} of {self.rows} inputs are repeated"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read the count that was made when the data were loaded."""
        if count := evidence.data_count("duplicates"):
            yield cls(count=count, rows=evidence.data_count("rows"), readings=evidence.metrics)
