"""Multiple choice: one of each example's own choices, by how likely the model finds their texts after the question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.candidates.family import LIKELIHOODS
from bench.candidates.interface import Classified, OnToken
from bench.data.answers import read_choice, read_choices
from bench.data.base import Column, Columns, Example
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks.base import Bound, Lengths, Request, WithLengths, Workload, prompts_of
from bench.tasks.kind import Kind
from bench.tasks.likelihood import highest, scores_of


class MultipleChoice(WithLengths):
    """A workload whose answers are scores of choices; the prediction is the text of the highest, the first on a tie."""

    ability = "choose"
    generates = False

    def __init__(self, bound: Bound, columns: Columns) -> None:
        self.bound = bound
        self.columns = columns
        self.examples = bound.examples
        self.labels = bound.labels
        self._prompts = prompts_of(bound, columns)
        self._lengths = Lengths(bound.model, self._prompts)
        self._choices = [tuple(map(str, example.columns["choices"])) for example in bound.examples]

    def request(self, indices: Sequence[int]) -> Request:
        """Prepare a request for the choices' scores."""
        prompts = [self._prompts[index] for index in indices]
        choices = [self._choices[index] for index in indices]
        choose = self.bound.model.choose

        def call(on_token: OnToken | None) -> Sequence[Classified]:
            return choose(prompts, choices)

        return call

    def scores_alone(self, index: int, places: Sequence[int]) -> tuple[float, ...] | None:
        """Score some of an example's choices."""
        texts = [self._choices[index][place] for place in places]
        return scores_of(self.bound.model.choose([self._prompts[index]], [texts])[0], texts, self.bound.scoring)

    def samples(self, indices: Sequence[int], answers: Sequence[Classified]) -> list[Sample]:
        """Make rows with the chosen text and the scores by which it was chosen."""
        return [self._sample(index, answer) for index, answer in zip(indices, answers, strict=True)]

    def _sample(self, index: int, answer: Classified) -> Sample:
        example, choices = self.examples[index], self._choices[index]
        scores = scores_of(answer, choices, self.bound.scoring)
        return Sample(
            index=index,
            example_id=example.id,
            reference=str(self.columns.value(example)),
            prediction=choices[highest(scores)],
            scores=scores,
            input_tokens=answer.input_tokens,
            truncated=answer.truncated,
            group=example.group,
        )


class MultipleChoiceKind(Kind):
    """One of each example's own choices."""

    name = "multiple-choice"
    summary = "one of each question's own choices, by how likely the model finds their texts"
    version = 2
    columns = Columns((Column("question"), Column("choices", read_choices)), Column("answer", read_choice))
    prompts = {"continue": "{question}\nAnswer:"}
    ability = "choose"
    scorings = LIKELIHOODS
    rules = ("majority",)
    answers = "label"
    metrics = ("accuracy",)

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Score the choices."""
        return MultipleChoice(bound, self.columns)

    def right_places(self, examples: Sequence[Example], labels: Sequence[str]) -> tuple[int, ...]:
        """Count how often each position among the choices is right."""
        places = Counter(list(e.columns["choices"]).index(str(e.columns["answer"])) for e in examples)
        return tuple(places[place] for place in range(max(len(e.columns["choices"]) for e in examples)))
