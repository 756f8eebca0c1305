"""The doubt that what is scored of written answers is no answer: the expression matches none, or none is a label."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.answer_hidden import AnswerHidden
from bench.doubts.base import DoubtKind, Evidence, Stage
from bench.record import Sample
from bench.suite import AnswerSpec

FEWEST = 4
"""Written answers below which nothing is said."""
MANY = 0.25
"""Share of the answers that are none from which it is said; a small model may well miss the form now and then."""
SHOWN = 40
"""Characters of an answer that are quoted."""


@dataclass(frozen=True, kw_only=True)
class AnswerNotFound(DoubtKind):
    """The regular expression of the task's `answer` matches few of the answers, which are scored as they are."""

    code: ClassVar[str] = "answer_not_found"
    title: ClassVar[str] = "Answers not found"
    advice: ClassVar[str] = "say with the task's key 'answer' which part of what is written is the answer"
    stage: ClassVar[Stage | None] = "scored"
    told: ClassVar[bool] = True

    missed: int
    rows: int
    example: str
    """The first answer that is none, shortened."""
    owner: str = "task"
    """Whose key `answer` holds: the task's, or the model's over it."""

    @property
    def share(self) -> str:
        """How many of how many."""
        return f"{self.missed} of {self.rows} answers ({self.missed / self.rows:.0%})"

    @property
    def message(self) -> str:
        """Count the answers, and quote one."""
        return f"answer.regex matches nothing in {self.share}, such as {self.example!r}: they are scored whole"

    @property
    def remedy(self) -> str:
        """Name the key."""
        return f"change the {self.owner}'s key 'answer: {{regex: …}}', or the prompt"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Search the whole answers again; then look for answers that are no label, where nothing else says why."""
        job = None if evidence.cell is None else evidence.cell.job
        written = [s for s in evidence.samples if s.prediction is not None and s.scores is None and s.nll is None]
        if job is None or len(written) < FEWEST:
            return
        part = job.task.answer
        kind, missed = cls, _unmatched(written, part)
        if not _are_many(missed, written):
            kind, missed = MarkNotFound, _unmarked(written, part, wanted=job.model.answer is not None)
        if not _are_many(missed, written) and job.labels and job.scoring == "generated":
            kind, missed = NoLabelWritten, [s for s in written if s.prediction not in job.labels]
            if any(AnswerHidden.examine(evidence)):
                return  # which says what to take
        if _are_many(missed, written):
            example = " ".join(_whole(missed[0]).split())[:SHOWN]
            owner = "task" if job.model.answer is None else "model"
            numbers = {"missed": len(missed), "rows": len(written)}
            yield kind(**numbers, example=example, owner=owner, readings=evidence.metrics)


@dataclass(frozen=True, kw_only=True)
class MarkNotFound(AnswerNotFound):
    """Written answers lack the mark behind which the answer stands, and are scored whole."""

    @property
    def message(self) -> str:
        """Count the answers, and quote one."""
        return f"the text of answer.after is not in {self.share}, such as {self.example!r}: they are scored whole"

    @property
    def remedy(self) -> str:
        """Name the keys."""
        return (
            f"raise the task's max_new_tokens where they are cut before it, or change the {self.owner}'s key "
            "'answer: {after: …}'"
        )


@dataclass(frozen=True, kw_only=True)
class NoLabelWritten(AnswerNotFound):
    """Written answers name none of the labels, and count as wrong."""

    @property
    def message(self) -> str:
        """Count the answers, and quote one."""
        return f"{self.share} name none of the labels and count as wrong, such as {self.example!r}"

    @property
    def remedy(self) -> str:
        """Name the keys."""
        return (
            "say with the task's key 'answer' which part is the label, with 'label_names' what is written for it, or "
            "ask for the labels in the prompt"
        )


def _are_many(missed: Sequence[Sample], written: Sequence[Sample]) -> bool:
    return len(missed) >= MANY * len(written) and bool(missed)


def _unmatched(written: Sequence[Sample], part: AnswerSpec | None) -> list[Sample]:
    """List the answers in which the expression of a part matches nothing."""
    if part is None or part.regex is None:
        return []
    after, regex = part.after, re.compile(part.regex)
    texts = (_whole(s) if after is None else _whole(s).rpartition(after)[2] for s in written)
    return [sample for sample, text in zip(written, texts, strict=True) if regex.search(text) is None]


def _unmarked(written: Sequence[Sample], part: AnswerSpec | None, *, wanted: bool) -> list[Sample]:
    """List the answers that lack the mark of a part; none where no answer has it, unless it is wanted of this very
    model: a task may ask for it on behalf of others."""
    if part is None or part.after is None:
        return []
    missed = [sample for sample in written if part.after not in _whole(sample)]
    return missed if wanted or len(missed) < len(written) else []


def _whole(sample: Sample) -> str:
    return str(sample.prediction if sample.raw is None else sample.raw)
