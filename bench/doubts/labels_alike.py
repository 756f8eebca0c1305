"""The doubt that two labels of the data are one, written in two ways."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class LabelsAlike(DoubtKind):
    """Labels differ only in case, spaces, invisible characters or in how an accent is written."""

    code: ClassVar[str] = "labels_alike"
    title: ClassVar[str] = "Labels that look alike"
    advice: ClassVar[str] = "write each label in one way; an answer with one of them is wrong for the other"
    stage: ClassVar[Stage | None] = "data"
    told: ClassVar[bool] = True

    labels: tuple[str, ...]
    groups: int

    @property
    def message(self) -> str:
        """Show the first of them as they are written."""
        more = f", and {self.groups - 1} more" if self.groups > 1 else ""
        return f"the data have the labels {' and '.join(map(ascii, self.labels))}, which count as different{more}"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read the groups that were made when the data were loaded."""
        data = evidence.notes.get("data")
        groups = data.get("labels_alike") if isinstance(data, dict) else None
        if isinstance(groups, list) and groups:
            yield cls(labels=tuple(map(str, groups[0])), groups=len(groups), readings=evidence.metrics)
