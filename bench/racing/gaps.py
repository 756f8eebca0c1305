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

from bench.decision.shrink import SHARES, share_weights
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
class Population:
    """What the candidates near the leader are taken as drawn from."""

    variances: Floats
    """What the variance of their true values may be."""
    weights: Floats
    """How likely each is."""


def population_of(values: Floats, noise: float) -> Population:
    """Find how far the true values of candidates spread, by the posterior of `bench.decision.shrink`.

    Args:
        values: so far, of at least two candidates.
        noise: variance of one value.
    """
    return Population(noise * SHARES / (1 - SHARES), share_weights(values, noise))


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """What the rest may bring, given the answers so far."""

    sample: Sample
    population: Population | None = None
    """Of which both are members; None for a pair that is not."""

    def over(self, threshold: float) -> float:
        """Give the chance that the difference is above a threshold.

        >>> gap = Predicted(Sample(0.1, 0.25, 100, 0.5))
        >>> round(gap.over(0.1), 3), round(gap.over(0.0), 3)
        (0.5, 0.997)
        """
        sample, rest = self.sample, 1 - self.sample.done
        noise = sample.variance / sample.units
        kept, weights = np.ones(1), np.ones(1)
        if self.population is not None:
            kept, weights = self.population.variances / (self.population.variances + noise / 2), self.population.weights
        mean = (sample.done + rest * kept) * sample.mean
        error = np.sqrt(noise * rest * (rest * kept + sample.done))
        return float(stdtr(sample.units - 1, (mean - threshold) / error) @ weights)


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


def variance_of(differences: Floats) -> float:
    """Compute the variance of one unit, of at least two."""
    away = differences - differences.mean()
    return float(away @ away) / (differences.size - 1)


def sample_of(differences: Floats, mean: float, usual: float, widest: float, done: float) -> Sample:
    """Sum up the differences of two candidates.

    Args:
        differences: of each unit.
        mean: the difference of the metric itself.
        usual: variance of a pair of this task.
        widest: the largest difference of a unit of any pair, above 0: as if one unit more had shown it.
        done: share of all examples.
    """
    units = differences.size
    squares = variance_of(differences) * (units - 1)
    return Sample(mean, (squares + POOLED * usual + widest**2) / (units + POOLED), units, done)


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
