"""Classification: one of a fixed set of labels for a text."""

from __future__ import annotations

from collections.abc import Sequence

from bench.candidates.interface import Classified, OnToken
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks import INPUT_COLUMN, REFERENCE_COLUMN, render
from bench.tasks.base import Bound, Request, lengths_of_texts
from bench.tasks.likelihood import highest, scores_of


class Classification:
    """A workload whose answers are label scores; the prediction is the label of the highest one, the first on
    a tie."""

    ability = "classify"
    generates = False

    def __init__(self, spec: TaskSpec, bound: Bound) -> None:
        self.bound = bound
        self.examples = bound.examples
        self.labels = bound.labels
        template = bound.prompt or "{" + INPUT_COLUMN[spec.kind] + "}"
        self._prompts = [render(template, example.columns) for example in bound.examples]
        self._lengths: list[int] | None = None

    def request(self, indices: Sequence[int]) -> Request:
        """Returns a request for the labels' scores."""
        prompts = [self._prompts[index] for index in indices]
        classify = self.bound.model.classify

        def call(on_token: OnToken | None) -> Sequence[Classified]:
            return classify(prompts)

        return call

    def samples(self, indices: Sequence[int], answers: Sequence[Classified]) -> list[Sample]:
        """Returns rows with the predicted label and all scores."""
        return [self._sample(index, answer) for index, answer in zip(indices, answers, strict=True)]

    def _sample(self, index: int, answer: Classified) -> Sample:
        example = self.examples[index]
        scores = scores_of(answer, self.bound.label_texts or self.labels, self.bound.scoring)
        return Sample(
            index=index,
            example_id=example.id,
            reference=str(example.columns[REFERENCE_COLUMN["classification"]]),
            prediction=self.labels[highest(scores)],
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
