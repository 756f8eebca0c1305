"""Classification: one of a fixed set of labels for a text, by its score or by what a model writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.candidates.family import LIKELIHOODS
from bench.candidates.interface import Classified, Generated, OnToken
from bench.data.answers import read_label
from bench.data.base import Column, Columns
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks.base import Bound, Lengths, Request, WithLengths, Workload, prompts_of
from bench.tasks.generation import Generation
from bench.tasks.kind import Kind
from bench.tasks.likelihood import highest, scores_of


class Classification(WithLengths):
    """A workload whose answers are label scores; the prediction is the label of the highest one, the first on
    a tie."""

    ability = "classify"
    generates = False

    def __init__(self, bound: Bound, columns: Columns, prompts: Sequence[str] | None = None) -> None:
        self.bound = bound
        self.columns = columns
        self.examples = bound.examples
        self.labels = bound.labels
        self._prompts = prompts_of(bound, columns) if prompts is None else list(prompts)
        self._lengths = Lengths(bound.model, self._prompts)

    def request(self, indices: Sequence[int]) -> Request:
        """Prepare a request for the labels' scores."""
        prompts = [self._prompts[index] for index in indices]
        classify = self.bound.model.classify

        def call(on_token: OnToken | None) -> Sequence[Classified]:
            return classify(prompts)

        return call

    def scores_alone(self, index: int, places: Sequence[int]) -> tuple[float, ...] | None:
        """Score some of the labels by how likely the model finds their texts; None where all are scored together."""
        if self.bound.scoring not in LIKELIHOODS or "choose" not in self.bound.model.abilities:
            return None
        every = self.bound.label_texts or self.labels
        texts = [every[place] for place in places]
        return scores_of(self.bound.model.choose([self._prompts[index]], [texts])[0], texts, self.bound.scoring)

    def samples(self, indices: Sequence[int], answers: Sequence[Classified]) -> list[Sample]:
        """Make rows with the predicted label and all scores."""
        return [self._sample(index, answer) for index, answer in zip(indices, answers, strict=True)]

    def _sample(self, index: int, answer: Classified) -> Sample:
        example = self.examples[index]
        scores = scores_of(answer, self.bound.label_texts or self.labels, self.bound.scoring)
        return Sample(
            index=index,
            example_id=example.id,
            reference=str(self.columns.value(example)),
            prediction=self.labels[highest(scores)],
            scores=scores,
            input_tokens=answer.input_tokens,
            truncated=answer.truncated,
            group=example.group,
        )


def plain(text: str) -> str:
    """Write a text as labels are compared: no case, single spaces, no stop at the end.

    >>> plain("  Dark\\n Blue.")
    'dark blue'
    """
    return " ".join(text.split()).casefold().rstrip(" .")


class GeneratedLabel(Generation):
    """A workload whose answers are texts. One that names no label is kept as the prediction, and is wrong."""

    def __init__(self, spec: TaskSpec, bound: Bound, columns: Columns) -> None:
        super().__init__(spec, bound, columns)
        written = bound.label_texts or bound.labels
        self._named = {plain(text): label for text, label in zip(written, bound.labels, strict=True)}

    def samples(self, indices: Sequence[int], answers: Sequence[Generated]) -> list[Sample]:
        """Make rows with the label that each text is."""
        return [self._labelled(row, row.prediction or "") for row in super().samples(indices, answers)]

    def _labelled(self, row: Sample, text: str) -> Sample:
        label = self._label(text)
        raw = row.raw if row.raw is not None or label == text else text
        return replace(row, prediction=label, raw=raw)

    def _label(self, text: str) -> str:
        """Find the label; a model that was not tuned to stop writes on after it, in a line of its own."""
        first = text.strip().partition("\n")[0]
        return self._named.get(plain(text), self._named.get(plain(first), text))


class ClassificationKind(Kind):
    """One of a fixed set of labels."""

    name = "classification"
    summary = "one of a fixed set of labels for a text"
    version = 4
    columns = Columns((Column("text"),), Column("label", read_label))
    prompts = {"continue": "{text}\nLabel:", "prefix": "classify: {text}"}
    ability = "classify"
    scorings = ("head", *LIKELIHOODS, "generated")
    labelled = True
    rules = ("majority", "nearest")
    answers = "label"
    metrics = ("accuracy", "macro_f1")

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Score the labels, or have them written."""
        if bound.scoring == "generated":
            return GeneratedLabel(spec, bound, self.columns)
        return Classification(bound, self.columns)
