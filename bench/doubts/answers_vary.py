"""The doubt that a server answers the same request differently."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class AnswersVary(DoubtKind):
    """The same request was answered differently a moment later."""

    code: ClassVar[str] = "answers_vary"
    title: ClassVar[str] = "Same request, other answer"
    advice: ClassVar[str] = (
        "set 'temperature: 0' and a 'seed'; where the server has its own defaults or varies with its load, score more "
        "examples"
    )
    stage: ClassVar[Stage | None] = "scored"

    temperature: float

    @property
    def message(self) -> str:
        """Say at which temperature."""
        return f"the same request got two answers (temperature {self.temperature:g}), so that another run scores others"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read what the model noted of its server."""
        noted = evidence.notes.get("server")
        spec = None if evidence.cell is None or evidence.cell.job is None else evidence.cell.job.model.server
        if isinstance(noted, dict) and noted.get("repeats") is False and spec is not None:
            yield cls(temperature=spec.temperature, readings=evidence.metrics)
