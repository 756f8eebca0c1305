"""Paired tests of two systems that answered the same examples, and what they could have found at this n.

Unpaired tests throw away that both systems saw the same examples: on real data they gave p = 0.080 where
McNemar's test gave 0.008.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, ndtri, stdtr, stdtrit

Floats = NDArray[np.float64]
Value = Callable[[Floats], Floats]
"""From sums of sufficient statistics, shape `(..., k)`, to values, shape `(...)`."""

POWER = 0.8
"""Chance of finding a true difference, for the minimum detectable one; the usual convention (Cohen, 1988)."""
FEW_DISCORDANT = 5
"""Examples that only one of two systems got right below which `paired_proportions` covers over 98 %."""
FEW_DISCORDANT_SAID = "fewer than 5 examples tell them apart: the interval is wider than it need be"
"""What is said then; see `benchmarks/coverage.py`."""
CHUNK_CELLS = 2_000_000
"""Swaps held at once by the randomisation test."""


def mcnemar(only_a: int, only_b: int) -> float:
    """Compute the exact two-sided p-value that two systems are right equally often.

    Args:
        only_a: examples that only the first got right.
        only_b: examples that only the second got right.

    Source: McNemar (1947); the exact form is the sign test on the discordant pairs.

    >>> mcnemar(8, 2)
    0.109375
    """
    n = only_a + only_b
    if n == 0:
        return 1.0
    return min(1.0, 2 * float(_at_most(min(only_a, only_b), n)))


def mid_p_worse(only_a: ArrayLike, only_b: ArrayLike) -> Floats:
    """Compute one-sided mid-p values against "the second is right no less often than the first", for counts of any one
    shape.

    The exact test counts what was observed as wholly against; half of it is what makes a discrete p-value uniform on
    average, and with it the test errs about as often as it says, where the exact one errs half as often.

    Source: Fagerland, Lydersen and Laake (2013), BMC Medical Research Methodology 13, 91.

    >>> [round(float(p), 4) for p in mid_p_worse([8, 2, 0], [2, 8, 0])]
    [0.0327, 0.9673, 0.5]
    """
    first, second = np.asarray(only_a), np.asarray(only_b)
    return (_at_most(second, first + second) + _at_most(second - 1, first + second)) / 2


def _at_most(k: ArrayLike, n: ArrayLike) -> Floats:
    """Compute P(B ≤ k) of B ~ Binomial(n, ½), for k from -1 to n."""
    most, total = np.asarray(k), np.asarray(n)
    inner = betainc(np.maximum(total - most, 1), np.maximum(most + 1, 1), 0.5)
    return np.where(most < 0, 0.0, np.where(most >= total, 1.0, inner))


def pairs_needed(level: float = 0.05) -> int:
    """Count the discordant pairs below which no two-sided sign test is certain at `level`, though all go one way.

    2 · 0.5^k ≤ level, so k = ⌈1 + log2(1 / level)⌉.

    >>> pairs_needed(0.05), pairs_needed(0.01)
    (6, 8)
    """
    return max(1, math.ceil(1 - math.log2(level)))


def pairs_needed_one_sided(level: float) -> int:
    """Count the discordant pairs below which no `mid_p_worse` is certain at `level`, though all go one way.

    0.5^k / 2 ≤ level, so k = ⌈log2(1 / level) − 1⌉.

    >>> pairs_needed_one_sided(0.01)
    6
    """
    return max(1, math.ceil(-math.log2(level) - 1))


@dataclass(frozen=True, slots=True)
class GroupedDifference:
    """A difference between two systems on the same groups of examples, by the jackknife over groups."""

    difference: float
    """second − first, on all examples."""
    error: float
    """Its standard error; 0 where every group changes it by the same."""
    groups: int

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the error."""
        return self.groups - 1

    def p(self, *, below: bool | None = None) -> float:
        """Compute Student's p-value that there is no difference: two-sided, or against "not `below` 0".

        A single group says nothing of others: 1. Without any spread nothing is known of chance, either.
        """
        if self.groups < 2 or self.error <= 0:
            return 1.0
        score = self.difference / self.error
        if below is None:
            return 2 * float(stdtr(self.freedom, -abs(score)))
        return float(stdtr(self.freedom, score if below else -score))

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """Compute Student's interval of the difference; None for a single group."""
        if self.groups < 2:
            return None
        half = float(stdtrit(self.freedom, 0.5 + confidence / 2)) * self.error
        return self.difference - half, self.difference + half


def grouped_difference(a: Floats, b: Floats, value: Value) -> GroupedDifference:
    """Compute a difference of two systems and its standard error over groups.

    Resampling two, three or ten groups cannot show how much groups differ: of equal systems it finds 44, 32 and 8 % to
    differ at 5 %. Student's t over the groups' jackknife values finds 5 (`benchmarks/compare_truth.py`).

    Args:
        a: statistics of the first system summed by group, shape `(groups, k)`.
        b: of the second.
        value: the metric.

    Source: Miller (1974), Biometrika 61, 1-15.
    """
    whole_a, whole_b, groups = a.sum(axis=0), b.sum(axis=0), len(a)
    difference = float(value(whole_b)) - float(value(whole_a))
    if groups < 2:
        return GroupedDifference(difference, 0.0, groups)
    left_out = np.asarray(value(whole_b - b)) - np.asarray(value(whole_a - a))
    finite = left_out[np.isfinite(left_out)]
    if finite.size < groups:  # some group alone makes the metric what it is
        return GroupedDifference(difference, 0.0, 1)
    error = math.sqrt((groups - 1) / groups * float(((finite - finite.mean()) ** 2).sum()))
    return GroupedDifference(difference, error, groups)


def paired_proportions(only_a: int, only_b: int, n: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """Compute the interval of the difference (second − first) of two proportions right on the same n
    examples.

    Half an example is added to each of the four cells of the table; with few discordant pairs the bootstrap
    covers 89 %.

    Source: Agresti and Min (2005), Statistics in Medicine 24, 729-740.

    >>> tuple(round(end, 4) for end in paired_proportions(5, 15, 98))
    (0.0123, 0.1877)
    """
    if n == 0:
        return None
    total, gap, discordant = n + 2, only_b - only_a, only_a + only_b + 1
    half = float(ndtri(0.5 + confidence / 2)) * math.sqrt(discordant - gap**2 / total) / total
    return max(-1.0, gap / total - half), min(1.0, gap / total + half)


def two_sided_p(draws: Floats, at: float) -> float:
    """Compute the two-sided p-value that a quantity is `at`, from draws of it: twice the share on the lighter side.

    2 (c + 1) / (B + 1), at most 1; it is under 5 % where the 95 % percentile interval excludes `at`. Draws without any
    spread tell nothing of chance: NaN.

    Source: Davison and Hinkley, Bootstrap Methods and their Application (1997), section 4.4, by inverting the interval.

    >>> import numpy as np
    >>> round(two_sided_p(np.arange(1.0, 1000.0), 10.5), 3)
    0.022
    """
    if np.isnan(draws).any() or np.ptp(draws) == 0:
        return math.nan
    lighter = min(np.count_nonzero(draws <= at), np.count_nonzero(draws >= at))
    return min(1.0, 2 * float(lighter + 1) / (draws.size + 1))


def randomisation_p(a: Floats, b: Floats, value: Value, trials: int, rng: np.random.Generator) -> float:
    """Compute the two-sided p-value that two systems' rows of statistics are exchangeable, by approximate
    randomisation.

    Each trial swaps the rows of either system with probability one half and compares the corpus values again.

    Args:
        a: statistics of the first system, shape `(n, k)`.
        b: of the second, on the same examples.
        value: the metric.
        trials: random swaps.
        rng: decides the swaps.

    Source: Riezler and Maxwell (2005); (c + 1) / (trials + 1).
    """
    observed = abs(float(value(a.sum(axis=0)) - value(b.sum(axis=0))))
    total, difference = a.sum(axis=0) + b.sum(axis=0), a - b
    size = max(1, CHUNK_CELLS // max(len(a), 1))
    extreme = 0
    for start in range(0, trials, size):
        signs = rng.integers(0, 2, size=(min(size, trials - start), len(a))).astype(np.float64)
        first = b.sum(axis=0) + signs @ difference
        gap = np.abs(value(first) - value(total - first))
        extreme += int(np.count_nonzero(~(gap < observed - 1e-12)))  # what is undefined is extreme
    return (extreme + 1) / (trials + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Compute Holm's adjusted p-values, in the order given: compare each with the level of the whole family.

    Source: Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    >>> [round(p, 4) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for position, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - position) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def detectable(standard_error: float, level: float = 0.05) -> float:
    """Compute the smallest true difference that a two-sided test at `level` finds with probability
    `POWER`."""
    return float(ndtri(1 - level / 2) + ndtri(POWER)) * standard_error


def examples_needed(difference: float, standard_error: float, n: int, level: float = 0.05) -> int | None:
    """Count how many examples in all would settle a difference of this size; None when it is 0.

    The standard error falls with √n: n' = n · (detectable / |difference|)².
    """
    if difference == 0 or not math.isfinite(difference):
        return None
    return math.ceil(n * (detectable(standard_error, level) / abs(difference)) ** 2)


@dataclass(frozen=True, slots=True)
class ExamplesNeeded:
    """How many examples in all would settle a difference, if it is as large as it may well be."""

    least: int
    """If it is one standard error larger than was seen."""
    most: int | None
    """If it is one standard error smaller; None where that is nothing, so that no number would do."""


def examples_range(difference: float, standard_error: float, n: int, level: float = 0.05) -> ExamplesNeeded | None:
    """Count how many examples in all would settle a difference of about this size; None when it is 0.

    The number goes with 1 / difference², so that one taken from the difference as seen is off by a factor of four when
    the same truth is measured twice.

    >>> examples_range(0.02, 0.01, 1000)
    ExamplesNeeded(least=873, most=7849)
    """
    if difference == 0 or not math.isfinite(difference):
        return None
    size = abs(difference)
    least = examples_needed(size + standard_error, standard_error, n, level)
    most = examples_needed(max(0.0, size - standard_error), standard_error, n, level)
    return None if least is None else ExamplesNeeded(least, most)


@dataclass(frozen=True, slots=True)
class Flips:
    """How answers changed from one system to another on the same examples."""

    changed: int
    """Examples whose prediction differs."""
    fixed: int
    """Wrong before, right after."""
    broken: int
    """Right before, wrong after."""
    n: int


def flips(
    before: Sequence[str | None],
    after: Sequence[str | None],
    references: Sequence[str],
    *,
    labels: bool = True,
) -> Flips:
    """Count the answer flips between two systems; two scores that agree can hide many.

    Args:
        before: predictions of the first system.
        after: of the second, on the same examples.
        references: the expected answers.
        labels: whether a prediction is right only when it equals its reference; else fixed and broken stay 0.
    """
    fixed = broken = changed = 0
    for first, second, reference in zip(before, after, references, strict=True):
        changed += first != second
        fixed += labels and first != reference and second == reference
        broken += labels and first == reference and second != reference
    return Flips(changed, fixed, broken, len(references))
