"""Question answering: a short text for a question and, where there is one, a context; any right answer will do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.candidates.interface import Generated
from bench.data.answers import read_answers
from bench.data.base import Column, Columns, Example
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks.base import Bound, Workload, prompts_of
from bench.tasks.generation import Generation
from bench.tasks.kind import Kind


class QuestionAnswering(Generation):
    """A workload whose answers are texts, each held against every right answer."""

    def __init__(self, spec: TaskSpec, bound: Bound, columns: Columns) -> None:
        prompts = [prompt.strip() for prompt in prompts_of(bound, columns)]  # where there is no context
        super().__init__(spec, bound, columns, prompts)

    def samples(self, indices: Sequence[int], answers: Sequence[Generated]) -> list[Sample]:
        """Make rows with the generated text; the reference is the first right answer, empty where there is none."""
        return [self._with_answers(row) for row in super().samples(indices, answers)]

    def _with_answers(self, row: Sample) -> Sample:
        right = tuple(map(str, self.examples[row.index].columns["answers"]))
        return replace(row, reference=right[0] if right else "", answers=right)


class QuestionAnsweringKind(Kind):
    """A short text for a question."""

    name = "question-answering"
    summary = "a short text for a question and, where there is one, a context; any right answer will do"
    version = 2
    columns = Columns(
        (Column("question"), Column("context", optional=True)), Column("answers", read_answers, aliases=("answer",))
    )
    prompt_columns = ("question", "context")
    prompts = {
        "plain": "{context}\n{question}",
        "continue": "{context}\nQuestion: {question}\nAnswer:",
        "prefix": "question: {question} context: {context}",
    }
    ability = "generate"
    rules = ("majority", "nearest")
    answers = "short text"
    metrics = ("token_f1", "exact_match")

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Have the answer written."""
        return QuestionAnswering(spec, bound, self.columns)

    def right_texts(self, examples: Sequence[Example]) -> Mapping[str, int]:
        """Count how often each text is the first right answer."""
        return Counter(self.columns.reference_text(example) for example in examples)
