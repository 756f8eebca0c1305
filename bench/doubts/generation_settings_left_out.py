"""The doubt that a checkpoint asks for a decoding that was not done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class GenerationSettingsLeftOut(DoubtKind):
    """Settings of the checkpoint's generation_config.json change its answers and are not followed here."""

    code: ClassVar[str] = "generation_settings_left_out"
    title: ClassVar[str] = "Generation settings left out"
    advice: ClassVar[str] = (
        "compare with care; where the setting matters, remove it from generation_config.json or leave the model out"
    )
    stage: ClassVar[Stage | None] = "scored"
    told: ClassVar[bool] = True

    settings: tuple[str, ...]

    @property
    def message(self) -> str:
        """Name the settings."""
        return f"its generation_config.json asks for {', '.join(self.settings)}, which decoding here does not follow"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Read the model's note."""
        settings = evidence.notes.get("generation_settings_left_out")
        if isinstance(settings, list) and settings and any(sample.output_tokens for sample in evidence.samples):
            yield cls(settings=tuple(map(str, settings)), readings=evidence.metrics)
