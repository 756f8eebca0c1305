"""`baseline`: majority class, copy the input, lead sentence. What every model must beat; it belongs on the
chart."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from bench.candidates.family import Asks, Family, Look
from bench.candidates.interface import Classified, Context, Decoding, Generated, OnToken, PartialModel
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
    "majority": frozenset({"classify", "choose", "generate"}),
    "copy": frozenset({"generate"}),
    "lead": frozenset({"generate"}),
}
"""The rules, each with what it can do; which kinds of task a rule makes sense for, the kind says."""


class Baseline(PartialModel):
    """A rule without parameters."""

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        self.strategy = str(spec.strategy)
        self.abilities = STRATEGIES[self.strategy]
        self.device = "cpu"
        self._counts = context.label_counts or (1,) * len(context.labels)
        common = sorted(context.answer_counts.items(), key=lambda pair: (-pair[1], pair[0]))
        self._answer = common[0][0] if common else ""

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


class BaselineFamily(Family):
    """Rules that every model must beat."""

    name = "baseline"
    summary = "a rule without parameters that every model must beat: 'majority', 'copy' or 'lead'"
    abilities = frozenset({"classify", "choose", "generate"})
    needs = ("strategy",)
    keys = frozenset({"strategy"})
    takes_variants = False
    is_floor = True
    look = Look("#767676", "#A3A3A3", "X", "cross")

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> Baseline:
        """Make a rule."""
        return Baseline(spec, variant, context)

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
