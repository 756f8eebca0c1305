"""How far two candidates are apart when all examples are answered: what is known of it after some of them.

`predictive`: the mean of the differences so far, drawn towards 0 by as much as noise explains of the spread of the
candidates near the leader, with the variance that is left of examples that are drawn without replacement from `N`. As
the share of the spread that is real is not known, it is averaged over its posterior (`bench.decision.shrink`).

`anytime`: the partial sums of the differences are a bridge from 0 to their total. It leaves the line to a total of 0 by
`x` at any time with a chance of at most `exp(−2x²/(σ²N))`, so that what lies beyond `x = σ√N·√(ln(1/δ)/2)` at any look
is certain but for δ.

Source: Serfling (1974), Annals of Statistics 2, 39-48, for sampling without replacement; Doob (1949), Annals of
Mathematical Statistics 20, 393-403, for the crossing of a bridge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, stdtr

from bench.decision.shrink import SHARES
from bench.stats.few import is_few_odd, odd_ones
from bench.stats.proportion import clopper_pearson

Floats = NDArray[np.float64]

POOLED = 10
"""Units that the usual variance of the pairs counts for, beside a pair's own: two candidates that agreed on all of a
few examples have no variance to show, and it is not 0."""
VARIANCE_RISK = 0.05
"""Chance that a boundary's variance is larger than it was taken."""


class Gap(Protocol):
    """What is known of the difference of two candidates on all examples."""

    def over(self, threshold: float) -> float:
        """Give the chance that the difference is above a threshold."""


@dataclass(frozen=True, slots=True)
class Known:
    """A difference that is known: of costs, or of all examples."""

    value: float

    def over(self, threshold: float) -> float:
        """Give 1 or 0."""
        return float(self.value > threshold)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A difference of which nothing is known: a metric that is undefined so far."""

    def over(self, threshold: float) -> float:
        """Give even chances."""
        return 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """The differences so far."""

    mean: float
    variance: float
    """Of one unit, at least `usual` for a few units."""
    units: int
    done: float
    """Share of all examples that it rests on, below 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """What the rest may bring, given the answers so far."""

    sample: Sample
    weights: Floats | None
    """Posterior weight of each of `SHARES`; None for a pair that is not drawn together."""

    def over(self, threshold: float) -> float:
        """Give the chance that the difference is above a threshold.

        >>> gap = Predicted(Sample(0.1, 0.25, 100, 0.5), None)
        >>> round(gap.over(0.1), 3), round(gap.over(0.0), 3)
        (0.5, 0.997)
        """
        sample, rest = self.sample, 1 - self.sample.done
        kept = np.ones(1) if self.weights is None else SHARES
        mean = (sample.done + rest * kept) * sample.mean
        error = np.sqrt(sample.variance / sample.units * rest * (rest * kept + sample.done))
        chances = stdtr(sample.units - 1, (mean - threshold) / error)
        return float(chances[0] if self.weights is None else chances @ self.weights)


@dataclass(frozen=True, slots=True)
class Bounded:
    """The difference lies within a boundary around its mean so far, but for the boundary's risk."""

    mean: float
    half: float

    def over(self, threshold: float) -> float:
        """Give 1 or 0 where the boundary leaves nothing else, and even chances between."""
        if self.mean - self.half > threshold:
            return 1.0
        return 0.0 if self.mean + self.half <= threshold else 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Shifted:
    """A gap plus a known difference."""

    gap: Gap
    by: float

    def over(self, threshold: float) -> float:
        """Give the chance that the sum is above a threshold."""
        return self.gap.over(threshold - self.by)


def sample_of(differences: Floats, mean: float, usual: float, done: float) -> Sample:
    """Sum up the differences of two candidates.

    Args:
        differences: of each unit.
        mean: the difference of the metric itself.
        usual: variance of a pair of this task, above 0.
        done: share of all examples.
    """
    units = differences.size
    squares = float(((differences - differences.mean()) ** 2).sum())
    return Sample(mean, (squares + POOLED * usual) / (units - 1 + POOLED), units, done)


def half_width(differences: Floats, usual: float, widest: float, done: float, risk: float) -> float:
    """Compute how far the difference of all examples may be from its mean so far, but for `risk` at any look.

    The variance is taken at its upper end: by chi-squared with the degrees of freedom that the kurtosis leaves it, and
    where fewer than five units differ, by Clopper and Pearson's bound of their share, as if each differed by `widest`.

    Args:
        differences: of each unit.
        usual: variance of a pair of this task.
        widest: the largest difference that is possible.
        done: share of all examples.
        risk: chance of crossing.
    """
    units = differences.size
    if is_few_odd(odd_ones(differences)):
        _, share = clopper_pearson(odd_ones(differences), units, 1 - 2 * VARIANCE_RISK) or (0.0, 1.0)
        variance = share * widest**2
    else:
        away = differences - differences.mean()
        spread = float((away**2).sum()) / (units - 1)
        kurtosis = float((away**4).mean()) / max(float((away**2).mean()) ** 2, np.finfo(np.float64).tiny)
        freedom = max(1.0, min(units - 1.0, 2 * units / max(kurtosis - 1, 1e-9)))
        pooled = (freedom * spread + POOLED * usual) / (freedom + POOLED)
        variance = max(pooled, spread * freedom / float(chdtri(freedom, 1 - VARIANCE_RISK)))
    return math.sqrt(variance * math.log(1 / risk) / (2 * units * done))
