"""Language modelling: how likely a model finds a text, in nats per token and bits per byte."""

from __future__ import annotations

from collections.abc import Sequence

from bench.candidates.interface import OnToken, Scored
from bench.data.base import Column, Columns
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks.base import Bound, Lengths, Request, WithLengths, Workload
from bench.tasks.kind import Kind


class LanguageModelling(WithLengths):
    """A workload whose answers are likelihoods."""

    ability = "log_likelihood"
    generates = False

    def __init__(self, bound: Bound, columns: Columns) -> None:
        self.bound = bound
        self.examples = bound.examples
        self.labels = bound.labels
        self._texts = [columns.reference_text(example) for example in bound.examples]
        self._lengths = Lengths(bound.model, self._texts)

    def request(self, indices: Sequence[int]) -> Request:
        """Prepare a request for the likelihood of the texts."""
        texts = [self._texts[index] for index in indices]
        log_likelihood = self.bound.model.log_likelihood

        def call(on_token: OnToken | None) -> Sequence[Scored]:
            return log_likelihood(texts)

        return call

    def samples(self, indices: Sequence[int], answers: Sequence[Scored]) -> list[Sample]:
        """Make rows with the likelihood and what it covers."""
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


class LanguageModellingKind(Kind):
    """How likely a text is."""

    name = "language-modelling"
    summary = "how likely a model finds a text, in nats per token and bits per byte"
    version = 2
    columns = Columns((Column("text"),))
    ability = "log_likelihood"
    answers = "likelihood"
    metrics = ("bits_per_byte", "perplexity")

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Compute the likelihood of each text."""
        return LanguageModelling(bound, self.columns)
