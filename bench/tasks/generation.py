"""The workload of every kind whose answer is a text."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from bench.candidates.interface import Decoding, Generated, OnToken
from bench.data.base import Columns
from bench.record import Sample
from bench.suite import TaskSpec
from bench.suite.answer import answer_in
from bench.tasks.base import Bound, Lengths, Request, WithLengths, prompts_of


class Generation(WithLengths):
    """A workload whose answers are texts."""

    ability = "generate"

    def __init__(self, spec: TaskSpec, bound: Bound, columns: Columns, prompts: Sequence[str] | None = None) -> None:
        self.bound = bound
        self.columns = columns
        self.examples = bound.examples
        self.labels = bound.labels
        self.generates = "stream" in bound.model.abilities
        self._decoding = Decoding(spec.max_new_tokens, spec.num_beams, spec.length_penalty, tuple(spec.stop))
        self._part = spec.answer
        self.prompts = prompts_of(bound, columns) if prompts is None else list(prompts)
        self._lengths = Lengths(bound.model, self.prompts)
        self._watched: dict[int, tuple[int, ...]] = {}

    @property
    def decoding(self) -> Decoding:
        """Tell how answers are written."""
        return self._decoding

    def request(self, indices: Sequence[int]) -> Request:
        """Prepare a request for the generated texts."""
        prompts = [self.prompts[index] for index in indices]
        generate, decoding = self.bound.model.generate, self._decoding

        def call(on_token: OnToken | None) -> Sequence[Generated]:
            return generate(prompts, decoding, on_token)

        return call

    @property
    def streams(self) -> bool:
        """Tell whether `stream` can be called: the model takes a new prompt as soon as another's answer ends."""
        return "generate_many" in self.bound.model.abilities and self._decoding.num_beams == 1

    @property
    def replays(self) -> bool:
        """Tell whether `regret` can be asked: tokens are known, and each is the likeliest one."""
        return self._decoding.num_beams == 1 and getattr(self.bound.model, "replays", False)

    def watch(self, indices: Sequence[int]) -> None:
        """Keep the tokens of these examples' answers from now on, for `regret`."""
        self._watched = dict.fromkeys(indices, ())

    def regret(self, index: int) -> float | None:
        """Measure by how much a plain pass prefers another token to one that was written, in logits; None without one
        that was kept."""
        written = self._watched.get(index)
        model: Any = self.bound.model
        return model.regret(self.prompts[index], written, self._decoding) if written else None

    def stream(self, indices: Sequence[int], rows: int) -> Iterator[tuple[int, Generated]]:
        """Generate answers; yield index and text of each example as it ends; at most `rows` are under way at a time."""
        model: Any = self.bound.model
        texts = [self.prompts[index] for index in indices]
        for place, answer in model.generate_many(texts, self._decoding, rows):
            yield indices[place], answer

    def shortened(self, max_new_tokens: int) -> Generation:
        """Copy the workload with answers of at most so many tokens."""
        shorter = copy.copy(self)
        own = self._decoding
        shorter._decoding = replace(
            own, max_new_tokens=min(max_new_tokens, own.max_new_tokens), task_tokens=own.most_tokens
        )
        return shorter

    def least_margin(self, index: int) -> float:
        """Measure by how much the likeliest token leads in the closest step of one plain answer, in logits; infinite
        where the model does not tell."""
        margin: Callable[[str, Decoding], float] | None = getattr(self.bound.model, "least_margin", None)
        return math.inf if margin is None else margin(self.prompts[index], self._decoding)

    def samples(self, indices: Sequence[int], answers: Sequence[Generated]) -> list[Sample]:
        """Make rows with the generated text, or the part of it that is the answer, and token counts."""
        return [self._sample(index, answer) for index, answer in zip(indices, answers, strict=True)]

    def _sample(self, index: int, answer: Generated) -> Sample:
        example = self.examples[index]
        if index in self._watched:
            self._watched[index] = answer.token_ids
        text = answer.text if self._part is None else answer_in(answer.text, self._part)
        return Sample(
            index=index,
            example_id=example.id,
            reference=self.columns.reference_text(example),
            prediction=text,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            truncated=answer.truncated,
            group=example.group,
            answers=self.columns.several(example),
            raw=None if text == answer.text else answer.text,
        )
