"""The workload of kinds that ask a model one thing of each text, and make a row of each answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from bench.candidates.interface import Ability, OnToken
from bench.data.base import Columns
from bench.record import Sample
from bench.tasks.base import Bound, Lengths, Request, WithLengths


class Read(Protocol):
    """What every answer says of its input."""

    @property
    def input_tokens(self) -> int:
        """Tokens that were read."""

    @property
    def truncated(self) -> bool:
        """Whether the input was cut."""


R = TypeVar("R", bound=Read)


class Asking(WithLengths, Generic[R]):
    """A workload that generates nothing; derive from it, and say what a row is."""

    ability: Ability
    generates = False

    def __init__(
        self, bound: Bound, columns: Columns, prompts: Sequence[str], ask: Callable[[Sequence[str]], list[R]]
    ) -> None:
        self.bound, self.columns = bound, columns
        self.examples, self.labels = bound.examples, bound.labels
        self.prompts = list(prompts)
        self._ask = ask
        self._lengths = Lengths(bound.model, self.prompts)

    def request(self, indices: Sequence[int]) -> Request:
        """Prepare a request."""
        ask, prompts = self._ask, [self.prompts[index] for index in indices]

        def call(on_token: OnToken | None) -> Sequence[R]:
            return ask(prompts)

        return call

    def samples(self, indices: Sequence[int], answers: Sequence[R]) -> list[Sample]:
        """Make the rows."""
        return [self.sample(index, answer) for index, answer in zip(indices, answers, strict=True)]

    @abstractmethod
    def sample(self, index: int, answer: R) -> Sample:
        """Make the row of one answer."""

    def row(self, index: int, answer: R, **values: Any) -> Sample:
        """Make a row with what all have, and `values`."""
        example = self.examples[index]
        return Sample(
            index=index,
            example_id=example.id,
            input_tokens=answer.input_tokens,
            truncated=answer.truncated,
            group=example.group,
            **values,
        )
