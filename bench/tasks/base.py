"""The interface of a task: prompts in, samples out, and requests that the measuring passes can time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bench.candidates.interface import Ability, Classified, Generated, Model, OnToken, Scored
from bench.data.base import Columns, Example
from bench.record import Sample

Answer = Classified | Generated | Scored
"""What a model says to one example."""

Request = Callable[[OnToken | None], Sequence[Any]]
"""A prepared request: calling it, and nothing else, is what gets timed."""


class Workload(Protocol):
    """A task bound to its data and to one loaded model; the same object is scored and timed."""

    ability: Ability
    """What its requests ask of the model, and what is timed."""
    labels: tuple[str, ...]
    generates: bool
    """Whether requests generate tokens one by one, so that TTFT and TPOT exist."""

    @property
    def examples(self) -> Sequence[Example]:
        """The task's examples."""

    def request(self, indices: Sequence[int]) -> Request:
        """Prepare a request for the examples at `indices`; prompts are rendered here, outside the timed
        region."""

    def samples(self, indices: Sequence[int], answers: Sequence[Any]) -> list[Sample]:
        """Make the stored rows for the answers of `request(indices)`, in the same order."""

    def length(self, index: int) -> int:
        """Measure the length by which batches are sorted: tokens, or characters of a model without tokens."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a task's kind needs to make a workload."""

    model: Model
    examples: tuple[Example, ...]
    labels: tuple[str, ...]
    prompt: str | None
    scoring: str = ""
    """A value of `bench.suite.Scoring`; empty where nothing is chosen."""
    label_texts: tuple[str, ...] = ()
    """Classification: what the model is to write for each label."""
    preamble: str = ""
    """What stands before every prompt; a model that reads turns has it as turns."""


class Lengths:
    """Lengths of texts as a model counts them: of one when it is asked for, of all at once where all are."""

    def __init__(self, model: Model, texts: Sequence[str]) -> None:
        self._model, self._texts = model, texts
        self._known: dict[int, int] = {}

    def of(self, index: int) -> int:
        """Measure the length of one text."""
        if index not in self._known:
            self._known[index] = self._model.length(self._texts[index])
        return self._known[index]

    def every(self) -> list[int]:
        """Measure the length of each text; a model that can count many at once is asked once."""
        if len(self._known) < len(self._texts):
            many: Callable[[Sequence[str]], list[int]] | None = getattr(self._model, "lengths", None)
            counted = [self._model.length(text) for text in self._texts] if many is None else many(self._texts)
            self._known = dict(enumerate(counted))
        return [self._known[index] for index in range(len(self._texts))]


class WithLengths:
    """A workload with one text an example, by whose length batches are sorted."""

    _lengths: Lengths

    def length(self, index: int) -> int:
        """Measure the length by which batches are sorted."""
        return self._lengths.of(index)

    def lengths(self) -> list[int]:
        """Measure the length of every example."""
        return self._lengths.every()


def prompts_of(bound: Bound, columns: Columns) -> list[str]:
    """Fill in the prompt of every example; the input as it is where there is no template."""
    template = bound.prompt or "{" + columns.input + "}"
    return [bound.preamble + template.format_map(example.columns) for example in bound.examples]
