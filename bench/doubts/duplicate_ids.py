"""The doubt that ids of examples are repeated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class DuplicateIds(DoubtKind):
    """Several examples have the same id."""

    code: ClassVar[str] = "duplicate_ids"
    title: ClassVar[str] = "Repeated ids"
    advice: ClassVar[str] = "map 'id' to a column that tells the rows apart"
    stage: ClassVar[Stage | None] = "data"

    count: int
    rows: int

    @property
    def message(self) -> str:
        """Count the repeats, and say why they matter."""
        return f"{self.count} of {self.rows} ids are repeated, and runs are compared by the ids of examples"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read the count that was made when the data were loaded."""
        if count := evidence.data_count("duplicate_ids"):
            yield cls(count=count, rows=evidence.data_count("rows"), readings=evidence.metrics)
