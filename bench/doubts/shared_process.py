"""The doubt that a process ran another task before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class SharedProcess(DoubtKind):
    """The memory that another task of the process left counts as this one's."""

    code: ClassVar[str] = "shared_process"
    title: ClassVar[str] = "Process shared with another task"
    advice: ClassVar[str] = "set 'share_load: false' in the suite's defaults to measure every task in a fresh process"
    readings: tuple[str, ...] = ("peak_rss", "added_rss", "model_memory")

    task: str
    """The task that ran before."""

    @property
    def message(self) -> str:
        """Name the other task."""
        return f"this task ran after '{self.task}' in one process; what that left in the allocator counts as its memory"
