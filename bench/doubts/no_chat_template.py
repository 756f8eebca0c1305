"""The doubt that a chat template was asked for and there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class NoChatTemplate(DoubtKind):
    """The suite asks for a chat template, and the model's tokenizer has none."""

    code: ClassVar[str] = "no_chat_template"
    title: ClassVar[str] = "No chat template"
    advice: ClassVar[str] = "take the model's chat version, or leave 'chat_template' out"
    stage: ClassVar[Stage | None] = "scored"

    @property
    def message(self) -> str:
        """Say what was done instead."""
        return "the suite asks for a chat template and the tokenizer has none, so prompts were given as they are"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read the model's note; said once, by the first process."""
        if evidence.process == 0 and evidence.notes.get("chat_template", True) is False:
            yield cls()
