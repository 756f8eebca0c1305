"""The doubt that only the summaries of a run are left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class RawTimingsGone(DoubtKind):
    """The raw timings and answers of a run were pruned."""

    code: ClassVar[str] = "raw_timings_gone"
    title: ClassVar[str] = "Raw timings gone"
    advice: ClassVar[str] = (
        "run the suite again for raw timings; `bench store prune --keep-nights` sets how many nights keep theirs"
    )

    reason: str
    """When and why they went."""
    summarised: bool
    """Whether their summaries were kept."""

    @property
    def message(self) -> str:
        """Say what went, and what is left."""
        left = "what is shown is the summary of that night" if self.summarised else "no summary of them was kept"
        return f"{self.reason}; {left}"
