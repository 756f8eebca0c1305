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


def lengths_of_texts(model: Model, texts: Sequence[str]) -> list[int]:
    """Measure the length of each text; a model that can count many at once is asked once."""
    many: Callable[[Sequence[str]], list[int]] | None = getattr(model, "lengths", None)
    return [model.length(text) for text in texts] if many is None else many(texts)


def prompts_of(bound: Bound, columns: Columns) -> list[str]:
    """Fill in the prompt of every example; the input as it is where there is no template."""
    template = bound.prompt or "{" + columns.input + "}"
    return [bound.preamble + template.format_map(example.columns) for example in bound.examples]
