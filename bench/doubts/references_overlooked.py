"""The doubt that a metric reads little of the expected answers, whose script it does not know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class ReferencesOverlooked(DoubtKind):
    """A metric finds no words, or whole sentences for words, in references, so that right answers count as wrong."""

    code: ClassVar[str] = "references_overlooked"
    title: ClassVar[str] = "References not read"
    advice: ClassVar[str] = "take a metric that reads the script, such as chrf, or a setting that does"
    stage: ClassVar[Stage | None] = "data"
    told: ClassVar[bool] = True

    metrics: tuple[str, ...]
    count: int
    looked_at: int
    settings: tuple[str, ...]
    """What the suite's `metric_options` would hold to read them."""

    @property
    def message(self) -> str:
        """Count the references, and name the metrics."""
        return (
            f"{', '.join(self.metrics)} cannot tell the words of {self.count:,} of {self.looked_at:,} references, "
            "which are in a script that the metric does not read: a right answer may count as wrong"
        )

    @property
    def remedy(self) -> str:
        """Name the settings."""
        if not self.settings:
            return self.advice
        return f"set 'metric_options: {{{', '.join(self.settings)}}}' in the task, or take chrf"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read what was counted for each metric."""
        notes = evidence.notes.get("overlooked")
        cases = [note for note in notes if isinstance(note, dict)] if isinstance(notes, list) else []
        if cases:
            names = tuple(str(note["metric"]) for note in cases)
            yield cls(
                metrics=names,
                count=max(int(note["count"]) for note in cases),
                looked_at=max(int(note["looked_at"]) for note in cases),
                settings=tuple(str(note["setting"]) for note in cases if note["setting"]),
                readings=names,
            )
