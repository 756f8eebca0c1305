"""Question answering: a short text for a question and, where there is one, a context; any right answer will do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.candidates.interface import Generated
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks.base import Bound
from bench.tasks.generation import Generation


class QuestionAnswering(Generation):
    """A workload whose answers are texts, each held against every right answer."""

    def __init__(self, spec: TaskSpec, bound: Bound) -> None:
        super().__init__(spec, bound)
        self._prompts = [prompt.strip() for prompt in self._prompts]  # where there is no context

    def samples(self, indices: Sequence[int], answers: Sequence[Generated]) -> list[Sample]:
        """Returns rows with the generated text; the reference is the first right answer, empty where there is none."""
        return [self._with_answers(row) for row in super().samples(indices, answers)]

    def _with_answers(self, row: Sample) -> Sample:
        right = tuple(map(str, self.examples[row.index].columns["answers"]))
        return replace(row, reference=right[0] if right else "", answers=right)
