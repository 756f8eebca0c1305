"""Sentence pairs: one of a fixed set of labels for two texts, such as entailment or paraphrase."""

from __future__ import annotations

from collections.abc import Sequence

from bench.candidates.family import LIKELIHOODS
from bench.candidates.pairs import Pair, parts
from bench.data.answers import read_label
from bench.data.base import Column, Columns, Example
from bench.suite import TaskSpec
from bench.tasks.base import Bound, Workload
from bench.tasks.kind import Kind
from bench.tasks.kinds.classification import Classification, GeneratedLabel


class SentencePairsKind(Kind):
    """One of a fixed set of labels for two texts."""

    name = "sentence-pairs"
    summary = "one of a fixed set of labels for two texts: entailment, paraphrase"
    columns = Columns(
        (Column("text", aliases=("premise", "sentence1")), Column("text_pair", aliases=("hypothesis", "sentence2"))),
        Column("label", read_label),
    )
    prompt_columns = ("text", "text_pair")
    prompts = {
        "input": "{text}\n{text_pair}",
        "plain": "{text}\n{text_pair}",
        "continue": "{text}\n{text_pair}\nLabel:",
        "prefix": "classify: {text} pair: {text_pair}",
    }
    ability = "classify"
    scorings = ("head", *LIKELIHOODS, "generated")
    labelled = True
    rules = ("majority", "nearest")
    answers = "label"
    metrics = ("accuracy", "macro_f1")

    def texts(self, template: str, examples: Sequence[Example]) -> list[str]:
        """Write the prompt of each example, of which a model that reads pairs takes both texts."""
        return [
            Pair.of(template.format_map(example.columns), *map(str, map(example.columns.get, self.prompt_columns)))
            for example in examples
        ]

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Score the labels, or have them written."""
        if bound.scoring == "generated":
            return GeneratedLabel(spec, bound, self.columns)
        written = self.texts(bound.prompt or self.prompts["input"], bound.examples)
        prompts = [Pair.of(bound.preamble + text, *parts(text)) for text in written]
        return Classification(bound, self.columns, prompts)
