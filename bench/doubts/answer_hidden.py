"""The doubt that right answers count as wrong, since other text stands around them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage
from bench.record import Sample
from bench.suite import AnswerSpec
from bench.suite.answer import answer_in

MANY = 0.05
"""Share of the answers that must be hidden, and one at least: a model may well slip once in a hundred."""
REASONING = ("</think>", "</thinking>", "</thought>", "</reasoning>", "[/THINK]", "<|channel|>final<|message|>")
"""What ends the reasoning of published models: DeepSeek and Qwen, Mistral, gpt-oss, and prompts that ask for it."""
LEAD_IN = "(?i)(?:answer|label|topic|category|class|sentiment|result)(?: is)?[*_ ]*:?[*_ ]*(.*)"
"""An expression that passes over the usual lead-ins, as `answer: {regex: …}` takes it."""
EXACT = {"accuracy": False, "exact_match": True}
"""Metrics by which an answer is right or wrong, and whether they overlook punctuation."""


@dataclass(frozen=True, kw_only=True)
class AnswerHidden(DoubtKind):
    """A model wrote the right answer behind its reasoning, in quotes or after a lead-in, and no key takes it out."""

    code: ClassVar[str] = "answer_hidden"
    title: ClassVar[str] = "Answers hidden in other text"
    advice: ClassVar[str] = "say with the task's key 'answer' which part of the text is the answer"
    stage: ClassVar[Stage | None] = "scored"
    told: ClassVar[bool] = True

    reasoned: int
    """Answers that hold the end of reasoning."""
    recovered: int
    """Answers that count as wrong, and are right without what stands around them."""
    rows: int
    part: AnswerSpec
    """What takes the answers out."""

    @property
    def message(self) -> str:
        """Count the answers."""
        reasoned = f"{self.reasoned} of {self.rows} answers hold reasoning before the answer" if self.reasoned else ""
        recovered = f"{self.recovered} of {self.rows} answers are wrong only for the text around the right one"
        return "; ".join(filter(None, (reasoned, recovered if self.recovered else "")))

    @property
    def remedy(self) -> str:
        """Show the line to add."""
        return f"add to the task: answer: {_flow(self.part)}"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Look for the ends of reasoning, and for wrong answers that are right without what stands around them."""
        written = [sample for sample in evidence.samples if sample.prediction and not sample.scores]
        marker = _marker(written)
        reasoned = sum(marker in str(sample.prediction) for sample in written) if marker else 0
        part, recovered = _best_part(written, marker, evidence.metrics)
        if max(reasoned, recovered) >= max(1.0, MANY * len(evidence.samples)):
            rows = len(evidence.samples)
            yield cls(reasoned=reasoned, recovered=recovered, rows=rows, part=part, readings=evidence.metrics)


def _flow(part: AnswerSpec) -> str:
    """Write a part as YAML in one line; an expression in single quotes, so that its backslashes stay."""
    lines = {
        "after": None if part.after is None else json.dumps(part.after),
        "regex": None if part.regex is None else f"'{part.regex}'",
        "strip": "true" if part.strip else None,
    }
    return "{" + ", ".join(f"{key}: {value}" for key, value in lines.items() if value is not None) + "}"


def _marker(samples: Sequence[Sample]) -> str | None:
    """Find the end of reasoning that most answers hold; None where none does, or where expected answers have it."""
    counts = {mark: sum(mark in str(sample.prediction) for sample in samples) for mark in REASONING}
    mark = max(REASONING, key=counts.__getitem__)
    return mark if counts[mark] and not any(mark in str(sample.reference) for sample in samples) else None


def _best_part(samples: Sequence[Sample], marker: str | None, metrics: Sequence[str]) -> tuple[AnswerSpec, int]:
    """Find what makes most of the wrong answers right, the simplest first, and count those answers."""
    loose = next((EXACT[metric] for metric in metrics if metric in EXACT), None)
    parts = [
        AnswerSpec(after=marker),
        AnswerSpec(after=marker, strip=True),
        AnswerSpec(after=marker, regex=LEAD_IN),
        AnswerSpec(after=marker, regex=LEAD_IN, strip=True),
    ]
    if loose is None:
        return parts[0], 0
    wrong = [sample for sample in samples if not _is_right(sample, AnswerSpec(), loose=loose)]
    counts = [sum(_is_right(sample, part, loose=loose) for sample in wrong) for part in parts]
    best = max(range(len(parts)), key=counts.__getitem__)
    return parts[best], counts[best]


def _is_right(sample: Sample, part: AnswerSpec, *, loose: bool) -> bool:
    """Tell whether an answer is an expected one."""
    accepted = {_plain(answer, loose=loose) for answer in (str(sample.reference), *(sample.answers or ()))}
    return _plain(answer_in(str(sample.prediction), part), loose=loose) in accepted


def _plain(text: str, *, loose: bool) -> str:
    """Write a text as answers are compared: no case, single spaces, no stop at the end; or no punctuation at all.

    >>> _plain(" Dark  *blue*.", loose=True), _plain("Dark  blue. ", loose=False)
    ('dark blue', 'dark blue')
    """
    kept = re.sub(r"[^\w\s]|_", "", text) if loose else text
    return " ".join(kept.split()).casefold().rstrip(" .")
