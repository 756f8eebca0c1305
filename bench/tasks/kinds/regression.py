"""Regression: a number for a text, or for two, such as how alike they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

from bench.candidates.interface import Rated, Rates
from bench.candidates.pairs import Pair
from bench.data.answers import read_number
from bench.data.base import Column, Columns, Example
from bench.errors import AdmissionError
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks.asking import Asking
from bench.tasks.base import Bound, Workload
from bench.tasks.kind import Kind


class Regression(Asking[Rated]):
    """A workload whose answers are numbers."""

    ability = "rate"

    def sample(self, index: int, answer: Rated) -> Sample:
        """Make the row with the number, which is kept as a score too, to be compared up to rounding.

        Raises:
            AdmissionError: it is not finite.
        """
        example = self.examples[index]
        if not math.isfinite(answer.value):
            raise AdmissionError(
                f"example {example.id!r}: the model gave the number {answer.value}; look for a division by zero, an "
                "overflow or damaged weights"
            )
        return self.row(
            index,
            answer,
            reference=self.columns.reference_text(example),
            prediction=repr(answer.value),
            scores=(answer.value,),
        )


class RegressionKind(Kind):
    """A number for a text."""

    name = "regression"
    summary = "a number for a text, or for two of them"
    columns = Columns(
        (Column("text", aliases=("sentence1",)), Column("text_pair", optional=True, aliases=("sentence2",))),
        Column("value", read_number, aliases=("score", "label")),
    )
    prompt_columns = ("text", "text_pair")
    prompts = {"input": "{text}\n{text_pair}", "plain": "{text}\n{text_pair}"}
    ability = "rate"
    chances = False
    rules = ("mean", "nearest")
    answers = "number"
    metrics = ("pearson", "spearman", "mae")

    def texts(self, template: str, examples: Sequence[Example]) -> list[str]:
        """Write the prompt of each example, a pair where it has two texts."""
        written: list[str] = []
        for example in examples:
            first, second = str(example.columns["text"]), str(example.columns["text_pair"])
            prompt = template.format_map(example.columns)
            written.append(Pair.of(prompt, first, second) if second else prompt.strip())
        return written

    def learnt(
        self, template: str, examples: Sequence[Example], labels: Sequence[str]
    ) -> tuple[list[str], Sequence[object]]:
        """List the texts, and for each its number."""
        return self.texts(template, examples), [float(self.columns.reference_text(example)) for example in examples]

    def mean(self, examples: Sequence[Example]) -> float:
        """Compute the mean of the right numbers."""
        return math.fsum(float(self.columns.reference_text(example)) for example in examples) / max(1, len(examples))

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Ask for the number."""
        prompts = self.texts(bound.prompt or self.prompts["input"], bound.examples)
        return Regression(bound, self.columns, prompts, cast("Rates", bound.model).rate)
