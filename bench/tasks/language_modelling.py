"""Language modelling: how likely a model finds a text, in nats per token and bits per byte."""

from __future__ import annotations

from collections.abc import Sequence

from bench.candidates.interface import OnToken, Scored
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks.base import Bound, Request, lengths_of_texts


class LanguageModelling:
    """A workload whose answers are likelihoods."""

    ability = "log_likelihood"
    generates = False

    def __init__(self, spec: TaskSpec, bound: Bound) -> None:
        self.bound = bound
        self.examples = bound.examples
        self.labels = bound.labels
        self._texts = [str(example.columns["text"]) for example in bound.examples]
        self._lengths: list[int] | None = None

    def request(self, indices: Sequence[int]) -> Request:
        """Returns a request for the likelihood of the texts."""
        texts = [self._texts[index] for index in indices]
        log_likelihood = self.bound.model.log_likelihood

        def call(on_token: OnToken | None) -> Sequence[Scored]:
            return log_likelihood(texts)

        return call

    def samples(self, indices: Sequence[int], answers: Sequence[Scored]) -> list[Sample]:
        """Returns rows with the likelihood and what it covers."""
        return [
            Sample(
                index=index,
                example_id=self.examples[index].id,
                reference=self._texts[index],
                prediction=None,
                nll=answer.nll,
                scored_tokens=answer.scored_tokens,
                scored_bytes=answer.scored_bytes,
                input_tokens=answer.input_tokens,
                truncated=answer.truncated,
                group=self.examples[index].group,
            )
            for index, answer in zip(indices, answers, strict=True)
        ]

    def length(self, index: int) -> int:
        """Returns the length by which batches are sorted."""
        if self._lengths is None:
            self._lengths = lengths_of_texts(self.bound.model, self._texts)
        return self._lengths[index]
