"""The doubt that a checkpoint was published to write in another way than it was let to write here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class GenerationOverruled(DoubtKind):
    """A checkpoint's generation_config.json asks for draws or beams, and the suite says nothing of them."""

    code: ClassVar[str] = "generation_overruled"
    title: ClassVar[str] = "Published decoding not used"
    advice: ClassVar[str] = "say with the model's key 'generation' how it is to write"
    stage: ClassVar[Stage | None] = "scored"

    asked: str
    """What the checkpoint asks for, as the suite would write it."""
    instead: str
    """What was done."""
    meant: str
    """What the suite writes if that is meant."""

    @property
    def message(self) -> str:
        """Say what was asked, and what was done."""
        return f"its generation_config.json asks for {self.asked}, and {self.instead}"

    @property
    def remedy(self) -> str:
        """Show both lines."""
        return (
            f"add to the model 'generation: {{{self.asked}}}' to write as it was published, or 'generation: "
            f"{{{self.meant}}}' to say that this is meant"
        )

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Hold what the checkpoint asks for against the job."""
        job = None if evidence.cell is None else evidence.cell.job
        note = evidence.notes.get("generation")
        asked = note.get("asked") if isinstance(note, Mapping) else None
        if job is None or not isinstance(asked, Mapping) or not any(row.output_tokens for row in evidence.samples):
            return
        own, beams = job.model.generation, asked.get("num_beams")
        if own is not None and not own.checkpoint:
            return
        says_sampling = own is not None and own.do_sample is not None
        if asked.get("do_sample") and not says_sampling:
            yield cls(
                asked="do_sample: true",
                instead="the likeliest token is taken",
                meant="do_sample: false",
                readings=evidence.metrics,
            )
        says_beams = own is not None and (own.num_beams is not None or own.do_sample)
        if isinstance(beams, int) and beams != job.task.num_beams and not says_beams:
            yield cls(
                asked=f"num_beams: {beams}",
                instead=f"the task's search has {job.task.num_beams}",
                meant=f"num_beams: {job.task.num_beams}",
                readings=evidence.metrics,
            )
