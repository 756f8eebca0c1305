"""`baseline`: majority class, copy the input, lead sentence, the answer of the most similar training example. What
every model must beat; it belongs on the chart."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.candidates.family import Asks, Family, Look
from bench.candidates.interface import (
    Classified,
    Context,
    Decoding,
    Generated,
    ModelFacts,
    OnToken,
    PartialModel,
    Rated,
    Tagged,
)
from bench.candidates.nearest import Index
from bench.errors import nearest
from bench.suite import ModelSpec, VariantSpec

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ0-9])")


def lead_sentence(text: str) -> str:
    """Cut out the first sentence of `text`.

    >>> lead_sentence("The crane is late. It comes on Monday.")
    'The crane is late.'
    """
    first = text.strip().split("\n\n", 1)[0]
    return SENTENCE_END.split(" ".join(first.split()), maxsplit=1)[0]


STRATEGIES = {
    "majority": frozenset({"classify", "choose", "generate", "mark", "tag", "rank"}),
    "mean": frozenset({"rate"}),
    "copy": frozenset({"generate"}),
    "lead": frozenset({"generate"}),
    "nearest": frozenset({"classify", "generate", "mark", "rate", "rank"}),
}
"""The rules, each with what it can do; which kinds of task a rule makes sense for, the kind says."""


SURE = math.log(0.75)
UNSURE = math.log(0.25)
"""What `nearest` says of a label that applied to the most similar example, and of one that did not: it knows no
chances, and these are on the two sides of a half."""


class Baseline(PartialModel):
    """A rule without parameters."""

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        self.strategy = str(spec.strategy)
        self.abilities = STRATEGIES[self.strategy]
        self.device = "cpu"
        self._counts = context.label_counts or (1,) * len(context.labels)
        common = sorted(context.answer_counts.items(), key=lambda pair: (-pair[1], pair[0]))
        self._answer = common[0][0] if common else ""
        self._examples = context.examples
        self._mean = context.mean

    def _scores(self, options: int) -> tuple[float, ...]:
        """Compute the (add-one smoothed) log-frequency of being right for each of the first `options` places."""
        counts = [*self._counts, *[0] * options][:options]
        total = sum(counts) + options
        return tuple(math.log((count + 1) / total) for count in counts)

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Score for every text the (add-one smoothed) log-frequency of each label in the scored data."""
        return [Classified(self._scores(len(self._counts)), 0) for _ in texts]

    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Score for every choice the log-frequency with which its position is right in the scored data."""
        return [Classified(self._scores(len(own)), 0) for own in choices]

    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Write the text itself, its first sentence, or the most frequent answer."""
        return [Generated(self._written(text), 0, 0) for text in texts]

    def _written(self, text: str) -> str:
        if self.strategy == "majority":
            return self._answer
        return lead_sentence(text) if self.strategy == "lead" else text

    def mark(self, texts: Sequence[str]) -> list[Classified]:
        """Score for every text the log of the (add-one smoothed) share of examples that each label applies to."""
        shares = [(count + 1) / (self._examples + 2) for count in self._counts]
        return [Classified(tuple(math.log(share) for share in shares), 0) for _ in texts]

    def rate(self, texts: Sequence[str]) -> list[Rated]:
        """Give every text the mean of the scored numbers."""
        return [Rated(self._mean, 0) for _ in texts]

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[Tagged]:
        """Give every token the most frequent tag."""
        return [Tagged((self._answer,) * len(sentence), 0) for sentence in sentences]

    def rank(self, queries: Sequence[str], documents: Sequence[Sequence[str]]) -> list[Classified]:
        """Score every document by how often its position is relevant in the scored data."""
        return self.choose(queries, documents)


class Nearest(PartialModel):
    """The answer of the most similar training example; documents are ranked by their similarity to the query."""

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        self.abilities = STRATEGIES["nearest"]
        self._labels = context.labels
        self._answers = [example.answer for example in context.taught]
        self._owned = [
            np.array([place for place, answer in enumerate(self._answers) if answer == label], dtype=np.int64)
            for label in self._labels
        ]
        self._collection: tuple[Sequence[str], Index] | None = None
        self._index = Index([example.text for example in context.taught])

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Score each label by the similarity of the most similar example that has it."""
        return [Classified(self._by_label(self._index.similarities(text)), 0) for text in texts]

    def _by_label(self, similarities: NDArray[np.float64]) -> tuple[float, ...]:
        return tuple(float(similarities[own].max(initial=0.0)) for own in self._owned)

    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Write what was right for the most similar example, the first where several texts were."""
        return [Generated(self._text(self._nearest(text)), 0, 0) for text in texts]

    def _nearest(self, text: str) -> str | tuple[str, ...]:
        return self._answers[self._index.nearest(text)]

    @staticmethod
    def _text(answer: str | tuple[str, ...]) -> str:
        return answer if isinstance(answer, str) else next(iter(answer), "")

    def mark(self, texts: Sequence[str]) -> list[Classified]:
        """Mark the labels of the most similar example."""
        found = [self._nearest(text) for text in texts]
        return [
            Classified(tuple(SURE if label in applied else UNSURE for label in self._labels), 0) for applied in found
        ]

    def rate(self, texts: Sequence[str]) -> list[Rated]:
        """Give each text the number of the most similar example."""
        return [Rated(float(self._text(self._nearest(text))), 0) for text in texts]

    def rank(self, queries: Sequence[str], documents: Sequence[Sequence[str]]) -> list[Classified]:
        """Score each document by its similarity to the query, the rarity of words being that among the documents."""
        return [
            Classified(tuple(self._documents(own).similarities(query).tolist()), 0)
            for query, own in zip(queries, documents, strict=True)
        ]

    def index(self, documents: Sequence[str]) -> None:
        """Read documents that will be ranked for many queries."""
        self._collection = (documents, Index(documents))

    def _documents(self, own: Sequence[str]) -> Index:
        return self._collection[1] if self._collection is not None and self._collection[0] is own else Index(own)

    def facts(self) -> ModelFacts:
        """Describe it: nothing was learnt, and all examples are kept."""
        return ModelFacts(0, self._index.nbytes, "float32", notes={"examples": self._index.count})


class BaselineFamily(Family):
    """Rules that every model must beat."""

    name = "baseline"
    summary = "a rule without parameters that every model must beat: 'majority', 'mean', 'copy', 'lead' or 'nearest'"
    abilities = frozenset().union(*STRATEGIES.values())
    needs = ("strategy",)
    keys = frozenset({"strategy"})
    takes_variants = False
    needs_torch = False
    is_floor = True
    look = Look("#767676", "#A3A3A3", "X", "cross")

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> Baseline | Nearest:
        """Make a rule."""
        return (Nearest if spec.strategy == "nearest" else Baseline)(spec, variant, context)

    def reads_training(self, spec: ModelSpec) -> bool:
        """Tell whether the rule looks its answers up in the training split."""
        return spec.strategy == "nearest"

    def mistakes(self, spec: ModelSpec) -> list[tuple[str, str]]:
        """Report a strategy that does not exist."""
        if spec.strategy is None or spec.strategy in STRATEGIES:
            return []
        return [("strategy", f'"{spec.strategy}" is not one of the choices; {nearest(spec.strategy, STRATEGIES)}')]

    def why_not(self, kind: Asks, spec: ModelSpec | None) -> str | None:
        """Explain that a rule makes no sense for a kind of task."""
        if not kind.rules:
            return f"no baseline makes sense for {kind.name}"
        if spec is None or spec.strategy in kind.rules:
            return None
        rules = " or ".join(f"'{rule}'" for rule in kind.rules)
        return f"the baseline '{spec.strategy}' makes no sense for {kind.name}; use {rules}"
