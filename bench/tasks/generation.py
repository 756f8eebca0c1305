"""Summarisation and translation: a text for a text."""

from __future__ import annotations

from collections.abc import Sequence

from bench.data.base import reference_text
from bench.models.base import Decoding, Generated, OnToken
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks import INPUT_COLUMN, render
from bench.tasks.base import Bound, Request


class Generation:
    """A workload whose answers are texts."""

    ability = "generate"

    def __init__(self, spec: TaskSpec, bound: Bound) -> None:
        self.bound = bound
        self.examples = bound.examples
        self.labels = bound.labels
        self.generates = "stream" in bound.model.abilities
        self._decoding = Decoding(spec.max_new_tokens, spec.num_beams, spec.length_penalty, tuple(spec.stop))
        self._kind = spec.kind
        template = bound.prompt or "{" + INPUT_COLUMN[spec.kind] + "}"
        self._prompts = [render(template, example.columns) for example in bound.examples]

    def request(self, indices: Sequence[int]) -> Request:
        """Returns a request for the generated texts."""
        prompts = [self._prompts[index] for index in indices]
        generate, decoding = self.bound.model.generate, self._decoding

        def call(on_token: OnToken | None) -> Sequence[Generated]:
            return generate(prompts, decoding, on_token)

        return call

    def samples(self, indices: Sequence[int], answers: Sequence[Generated]) -> list[Sample]:
        """Returns rows with the generated text and token counts."""
        return [
            Sample(
                index=index,
                example_id=self.examples[index].id,
                reference=reference_text(self.examples[index], self._kind),
                prediction=answer.text,
                input_tokens=answer.input_tokens,
                output_tokens=answer.output_tokens,
                truncated=answer.truncated,
                group=self.examples[index].group,
            )
            for index, answer in zip(indices, answers, strict=True)
        ]

    def length(self, index: int) -> int:
        """Returns the length by which batches are sorted."""
        return self.bound.model.length(self._prompts[index])
