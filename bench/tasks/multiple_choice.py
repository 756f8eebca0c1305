"""Multiple choice: one of each example's own choices, by how likely the model finds their texts after the question."""

from __future__ import annotations

from collections.abc import Sequence

from bench.candidates.interface import Classified, OnToken
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks import INPUT_COLUMN, REFERENCE_COLUMN, render
from bench.tasks.base import Bound, Request, lengths_of_texts
from bench.tasks.likelihood import highest, scores_of


class MultipleChoice:
    """A workload whose answers are scores of choices; the prediction is the text of the highest, the first on a tie."""

    ability = "choose"
    generates = False

    def __init__(self, spec: TaskSpec, bound: Bound) -> None:
        self.bound = bound
        self.examples = bound.examples
        self.labels = bound.labels
        template = bound.prompt or "{" + INPUT_COLUMN[spec.kind] + "}"
        self._prompts = [render(template, example.columns) for example in bound.examples]
        self._lengths: list[int] | None = None
        self._choices = [tuple(map(str, example.columns["choices"])) for example in bound.examples]

    def request(self, indices: Sequence[int]) -> Request:
        """Returns a request for the choices' scores."""
        prompts = [self._prompts[index] for index in indices]
        choices = [self._choices[index] for index in indices]
        choose = self.bound.model.choose

        def call(on_token: OnToken | None) -> Sequence[Classified]:
            return choose(prompts, choices)

        return call

    def samples(self, indices: Sequence[int], answers: Sequence[Classified]) -> list[Sample]:
        """Returns rows with the chosen text and the scores by which it was chosen."""
        return [self._sample(index, answer) for index, answer in zip(indices, answers, strict=True)]

    def _sample(self, index: int, answer: Classified) -> Sample:
        example, choices = self.examples[index], self._choices[index]
        scores = scores_of(answer, choices, self.bound.scoring)
        return Sample(
            index=index,
            example_id=example.id,
            reference=str(example.columns[REFERENCE_COLUMN["multiple-choice"]]),
            prediction=choices[highest(scores)],
            scores=scores,
            input_tokens=answer.input_tokens,
            truncated=answer.truncated,
            group=example.group,
        )

    def length(self, index: int) -> int:
        """Returns the length by which batches are sorted."""
        if self._lengths is None:
            self._lengths = lengths_of_texts(self.bound.model, self._prompts)
        return self._lengths[index]
