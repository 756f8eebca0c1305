"""The doubt that a kind of doubt could not be examined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class DoubtNotExamined(DoubtKind):
    """The examination of another doubt raised an error, so nobody knows whether that doubt holds."""

    code: ClassVar[str] = "doubt_not_examined"
    title: ClassVar[str] = "A doubt could not be examined"
    advice: ClassVar[str] = "correct the plug-in that declares the doubt, or uninstall it"

    failed_code: str
    error: str

    @property
    def message(self) -> str:
        """Say which doubt failed, and with which error."""
        return f"the doubt '{self.failed_code}' could not be examined: {self.error}"
