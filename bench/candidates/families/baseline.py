"""`baseline`: majority class, copy the input, lead sentence. What every model must beat; it belongs on the
chart."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from bench.candidates.interface import Classified, Context, Decoding, Generated, ModelFacts, OnToken
from bench.suite import ModelSpec, VariantSpec

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ0-9])")


def lead_sentence(text: str) -> str:
    """Returns the first sentence of `text`.

    >>> lead_sentence("The crane is late. It comes on Monday.")
    'The crane is late.'
    """
    first = text.strip().split("\n\n", 1)[0]
    return SENTENCE_END.split(" ".join(first.split()), maxsplit=1)[0]


MAJORITY_ABILITIES = frozenset({"classify", "choose", "generate"})


class Baseline:
    """A rule without parameters."""

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        self.strategy = str(spec.strategy)
        self.abilities = MAJORITY_ABILITIES if self.strategy == "majority" else frozenset({"generate"})
        self.device = "cpu"
        self._counts = context.label_counts or (1,) * len(context.labels)
        common = sorted(context.answer_counts.items(), key=lambda pair: (-pair[1], pair[0]))
        self._answer = common[0][0] if common else ""

    def _scores(self, options: int) -> tuple[float, ...]:
        """Returns the (add-one smoothed) log-frequency of being right for each of the first `options` places."""
        counts = [*self._counts, *[0] * options][:options]
        total = sum(counts) + options
        return tuple(math.log((count + 1) / total) for count in counts)

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Returns for every text the (add-one smoothed) log-frequency of each label in the scored data."""
        return [Classified(self._scores(len(self._counts)), 0) for _ in texts]

    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Returns for every choice the log-frequency with which its position is right in the scored data."""
        return [Classified(self._scores(len(own)), 0) for own in choices]

    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Returns the text itself, its first sentence, or the most frequent answer."""
        return [Generated(self._written(text), 0, 0) for text in texts]

    def _written(self, text: str) -> str:
        if self.strategy == "majority":
            return self._answer
        return lead_sentence(text) if self.strategy == "lead" else text

    def length(self, text: str) -> int:
        """Returns the characters of `text`."""
        return len(text)

    def facts(self) -> ModelFacts:
        """Returns zeros: a rule has no parameters."""
        return ModelFacts(0, 0, "none")
