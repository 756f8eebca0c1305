"""The answers of all models to the same input, side by side: a few examples per task, those with most
disagreement first, and only such whose input a record kept where any did: an answer means nothing without it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench.record import Sample
from bench.report.marks import Mark
from bench.report.tables import name_item
from bench.report.text import cut
from bench.report.view import RunView, TaskView
from bench.summary import Entry

EXAMPLES = 6
"""Examples shown per task when the page holds few tasks and models."""
MODELS = 16
"""Models whose answers are shown; the others' are in the export."""
TEXT_LIMIT = 400
"""Characters of one answer."""
BUDGET = 100_000
"""Characters of answers in the whole page, so that it stays under 1.5 MB with 60 models on 8 tasks."""
FEW = 20_000
"""The same in a crowded run."""
ANSWER_COST = 110
"""Characters of markup around an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model answered."""

    who: Markup
    text: str
    css: str
    """`right`, `wrong`, or nothing where an answer that differs need not be wrong."""


@dataclass(frozen=True, slots=True)
class Example:
    """The answers of all models to one input."""

    example: str
    """The data's id."""
    reference: str
    predictions: Sequence[Answer]
    source: str
    """The input, where a record kept it."""
    disagree: bool


@dataclass(frozen=True, slots=True)
class TaskSamples:
    """The examples of one task that are shown."""

    name: str
    samples: Sequence[Example]
    note: str


def sample_blocks(view: RunView, marks: Mapping[str, Mark]) -> list[TaskSamples]:
    """Choose for each task with answers its examples, ready for the template."""
    tasks = [task for task in view.tasks if _answering(task)]
    share = (FEW if any(task.crowded for task in tasks) else BUDGET) // max(1, len(tasks))
    return [_block(task, marks, share) for task in tasks]


def _answering(task: TaskView) -> list[Entry]:
    return [e for e in task.entries if any(s.prediction is not None for s in e.samples)]


def _block(task: TaskView, marks: Mapping[str, Mark], budget: int) -> TaskSamples:
    entries = _answering(task)
    shown = entries[:MODELS]
    answers = {e.candidate: {s.index: s for s in e.samples} for e in shown}
    indices = sorted(set.intersection(*({*answered} for answered in answers.values()))) if answers else []
    with_source = {i for i in indices if source_of(shown, i)}
    order = _spread(
        indices,
        lambda i: (bool(with_source) and i not in with_source, -len({_said(answers[e.candidate][i]) for e in shown})),
    )
    examples: list[Example] = []
    for index in order:
        example = _example(shown, answers, index, marks)
        budget -= sum(len(answer.text) + ANSWER_COST for answer in example.predictions) + len(example.source)
        if examples and budget < 0:
            break
        examples.append(example)
    total = max((len(e.samples) for e in entries), default=0)
    note = f"{len(examples)} of {total:,} examples"
    if len(shown) < len(entries):
        note += f", {len(shown)} of {len(entries)} models"
    return TaskSamples(task.name, examples, f"{note}, at most {TEXT_LIMIT} characters of each; all are in the export.")


def _spread(indices: Sequence[int], rank: Callable[[int], tuple[bool, int]]) -> list[int]:
    """Choose the examples to show, the lowest rank first; those of equal rank are spread over the data, as data are
    often sorted."""
    chosen: list[int] = []
    for _, group in itertools.groupby(sorted(indices, key=lambda i: (rank(i), i)), rank):
        same, room = list(group), EXAMPLES - len(chosen)
        step = max(1.0, len(same) / max(1, room))
        chosen += [same[int(place * step)] for place in range(min(room, len(same)))]
    return chosen


def _said(sample: Sample) -> str:
    return (sample.prediction or "").strip()


def _example(
    shown: Sequence[Entry],
    answers: Mapping[str, Mapping[int, Sample]],
    index: int,
    marks: Mapping[str, Mark],
) -> Example:
    first = answers[shown[0].candidate][index]
    exact = has_exact_answers(shown)
    predictions = []
    for entry in shown:
        sample = answers[entry.candidate][index]
        right = any(_said(sample) == answer.strip() for answer in first.answers or (first.reference,))
        css = ("right" if right else "wrong") if exact else ("right" if right else "")
        text = cut(sample.prediction or "", TEXT_LIMIT) or "(nothing)"
        predictions.append(Answer(Markup(name_item(entry, marks).text), text, css))
    return Example(
        example=first.example_id,
        reference=cut(" · ".join(first.answers or (first.reference,)), TEXT_LIMIT),
        predictions=predictions,
        source=cut(source_of(shown, index), TEXT_LIMIT * 2),
        disagree=len({_said(answers[e.candidate][index]) for e in shown}) > 1,
    )


def has_exact_answers(entries: Sequence[Entry]) -> bool:
    """Tell whether answers are chosen from a closed set, so that every other answer is wrong."""
    return any(entry.labels or any(sample.scores is not None for sample in entry.samples) for entry in entries)


def source_of(entries: Sequence[Entry], index: int) -> str:
    """Look up the input text of an example where a record kept it (`notes["inputs"]`, by index), else
    nothing."""
    for entry in entries:
        for record in entry.records:
            inputs = record.notes.get("inputs")
            if isinstance(inputs, Mapping):
                text = inputs.get(str(index))
                if text:
                    return str(text)
    return ""
