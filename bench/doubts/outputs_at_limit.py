"""The doubt that answers stopped because they may not be longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class OutputsAtLimit(DoubtKind):
    """Answers are as long as 'max_new_tokens' allows, so they may be cut short."""

    code: ClassVar[str] = "outputs_at_limit"
    title: ClassVar[str] = "Answers at the length limit"
    advice: ClassVar[str] = "raise 'max_new_tokens', or give what ends an answer as 'stop'"

    count: int
    rows: int
    limit: int
    """In tokens."""

    @property
    def message(self) -> str:
        """Count the answers at the limit, and name the limit."""
        allowed = f"'max_new_tokens: {self.limit}' allows"
        return f"{self.count} of {self.rows} answers are as long as {allowed}, and may be cut short"


@dataclass(frozen=True, kw_only=True)
class OutputsAtModelLimit(OutputsAtLimit):
    """Answers are as long as the model writes, which is less than 'max_new_tokens'."""

    @property
    def message(self) -> str:
        """Count the answers at the limit, and name the limit."""
        longest = f"the model writes, {self.limit} tokens"
        return f"{self.count} of {self.rows} answers are as long as {longest}, and may be cut short"

    @property
    def remedy(self) -> str:
        """Say what helps where the suite cannot raise the limit."""
        return "take a model that writes more, or give what ends an answer as 'stop'"
