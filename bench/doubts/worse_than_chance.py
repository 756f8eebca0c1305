"""The doubt that a model is right less often than one that guesses: labels, choices or a sign may be turned.

A model that knows nothing agrees with the right answers as often as chance has it. One that agrees less often for
certain knows something, and says the opposite.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.doubts.base import DoubtKind, Evidence, Stage
from bench.record import Sample

LEVEL = 0.001
"""Of each test: one good candidate in a thousand is doubted."""
SHUFFLES = 1999
"""Of the test of agreement, so that its smallest p-value is half of the level."""


@dataclass(frozen=True, kw_only=True)
class WorseThanChance(DoubtKind):
    """A model that guesses would be right more often."""

    code: ClassVar[str] = "worse_than_chance"
    title: ClassVar[str] = "Worse than chance"
    advice: ClassVar[str] = (
        "check which output is which label (`head_labels`, `id2label`), the sign of the scores, and the checkpoint"
    )
    stage: ClassVar[Stage | None] = "scored"

    what: str
    """What is more frequent than it would be by chance."""

    @property
    def message(self) -> str:
        """Say what speaks against it."""
        return f"{self.what}, which chance does not explain"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Test labels, choices or likelihoods, whichever was scored."""
        if "admission" not in evidence.notes:
            return
        what = (
            _labels(evidence.samples)
            if evidence.notes.get("labels")
            else _choices(evidence.samples) or _likelihoods(evidence.samples, evidence.notes)
        )
        if what is not None:
            yield cls(what=what, readings=evidence.metrics)


def _labels(samples: Sequence[Sample]) -> str | None:
    """Find two labels that stand for each other, or an agreement below that of shuffled answers."""
    pairs = [(sample.reference, sample.prediction) for sample in samples if sample.prediction is not None]
    counts = Counter(pairs)
    tests = math.comb(len({label for pair in pairs for label in pair}), 2)
    crossed = sorted({(min(pair), max(pair)) for pair in counts if pair[0] != pair[1]})  # written answers may be many
    for one, other in crossed:
        table = [counts[one, one], counts[one, other], counts[other, one], counts[other, other]]
        if table[1] + table[2] > table[0] + table[3] and opposed(*table) <= LEVEL / tests:
            turned = table[1] + table[2]
            return f"'{one}' and '{other}' are taken for each other {turned} times and told apart {sum(table) - turned}"
    right = sum(reference == prediction for reference, prediction in pairs)
    expected = _agreement(pairs)
    if right >= expected or not _below_shuffled(pairs, right):
        return None
    return f"{right} of {len(pairs)} answers are right, where shuffled ones would be in {expected:.1f}"


def opposed(first: int, crossed: int, crossed_back: int, second: int) -> float:
    """Compute Fisher's exact one-sided p-value that rows and columns of a table go together no less than by chance.

    Args:
        first: rows of the first label answered with it.
        crossed: rows of the first label answered with the second.
        crossed_back: rows of the second label answered with the first.
        second: rows of the second label answered with it.

    >>> round(opposed(0, 5, 5, 0), 6), opposed(5, 0, 0, 5), opposed(0, 9, 0, 2)
    (0.003968, 1.0, 1.0)
    """
    from scipy.stats import hypergeom  # wanted for a suspect alone, and slow to import

    total = first + crossed + crossed_back + second
    return float(hypergeom.cdf(first, total, first + crossed, first + crossed_back))


def _agreement(pairs: Sequence[tuple[str, str | None]]) -> float:
    """Compute how many answers would be right if they were dealt out anew."""
    references, predictions = Counter(r for r, _ in pairs), Counter(p for _, p in pairs)
    return sum(count * predictions[label] for label, count in references.items()) / max(1, len(pairs))


def _below_shuffled(pairs: Sequence[tuple[str, str | None]], right: int) -> bool:
    """Tell whether hardly any dealing out of the answers is right as seldom."""
    numbers = {label: number for number, label in enumerate({label for pair in pairs for label in pair})}
    references, predictions = (np.array([numbers[label] for label in side]) for side in zip(*pairs, strict=True))
    shuffle = np.random.default_rng(0).permutation
    as_seldom = sum(int((shuffle(predictions) == references).sum()) <= right for _ in range(SHUFFLES))
    return (1 + as_seldom) / (1 + SHUFFLES) <= LEVEL


def _choices(samples: Sequence[Sample]) -> str | None:
    """Find that the right choice is taken less often than by a die."""
    chosen = [sample for sample in samples if sample.scores is not None and len(sample.scores) > 1]
    if not chosen or len(chosen) < len(samples):
        return None
    chance = sum(1 / len(sample.scores or ()) for sample in chosen) / len(chosen)
    right = sum(sample.prediction == sample.reference for sample in chosen)
    if _at_most(right, len(chosen), chance) > LEVEL:
        return None
    return f"{right} of {len(chosen)} choices are right, where guesses would be in {chance * len(chosen):.1f}"


def _at_most(successes: int, trials: int, chance: float) -> float:
    """Compute the probability of at most so many successes; 1 where there are not fewer than chance has."""
    if successes >= trials * chance:
        return 1.0
    from scipy.stats import binom

    return float(binom.cdf(successes, trials, chance))


def _likelihoods(samples: Sequence[Sample], notes: Mapping[str, object]) -> str | None:
    """Find that the texts are less likely than if every token were."""
    vocabulary = notes.get("vocabulary")
    scored = [sample for sample in samples if sample.nll is not None and sample.scored_tokens]
    tokens = sum(sample.scored_tokens or 0 for sample in scored)
    if not isinstance(vocabulary, int) or not tokens:
        return None
    nats, uniform = math.fsum(sample.nll or 0.0 for sample in scored) / tokens, math.log(vocabulary)
    if nats <= uniform:
        return None
    return f"a token costs {nats:.2f} nats, and {uniform:.2f} if all {vocabulary:,} tokens were as likely"
