"""How much fresh processes of the same thing differ, pooled over several things that were measured side by side.

A process draws its memory layout, its cores and its neighbours once; all its requests share that. So requests of one
process say nothing of another process, and two or three processes of one candidate say little: Student's t with one
degree of freedom is 6.5 times as wide as needed. The candidates of a task are measured on the same machine in the
same way, and their processes differ about equally *on the scale of logarithms*; pooled over M candidates with P
processes the spread is known with M (P − 1) degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Floats = NDArray[np.float64]

DOUBT_SHARE = 0.25
"""Standard errors of the variance between processes that are kept where the samples' noise explains all that was seen:
that none shows does not mean that there is none."""
FEW_PROCESSES_SAID = "over few processes the interval covers 94 to 100 %, most where they do not differ"
"""What is said of an interval over processes; the range is that of `benchmarks/coverage.py` for 2 to 10 of them."""
ONE_PROCESS_SAID = "one process alone: another may differ"
"""What is said where no candidate of the task has two processes."""
ONE_POOLED_SAID = "one process: how much another differs is taken from the other candidates"
"""What is said where others have."""
FARTHEST = math.log(1000.0)
"""Of a draw from what was read: Student's t with one degree of freedom has no end, and nobody asks for more."""
POOLED_FREEDOM = 2.0
"""Degrees of freedom of its own from which a pair's variance counts as much as the mean of all pairs. Tuned on
`benchmarks/fronts.py`: in two processes, where one of ten candidates is six times as noisy as the others, the larger of
the two was wrong in 14 % of the runs, and their plain sum in 6 %."""
LARGEST = 100.0
"""Between two processes, as a standard deviation of logarithms, beyond which nothing is looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The logarithms that the processes of one candidate read."""

    processes: tuple[int, ...]
    """Their rounds: process k of every candidate of a block ran in the same one, on the same machine."""
    points: Floats
    """Shape `(P,)`."""
    within: Floats
    """Variance of each that its own samples explain; 0 where a process is read once."""
    sizes: Floats
    """Samples of each."""
    whole: float
    """The logarithm that all samples together read."""
    whole_within: float
    """Variance of `whole` that the samples explain."""

    @property
    def concentration(self) -> float:
        """Compute Σ (share of the samples)²: 1/P for equal processes, 1 where one has all of them."""
        shares = self.sizes / self.sizes.sum()
        return float((shares**2).sum())


@dataclass(frozen=True, slots=True)
class Spread:
    """How much processes differ, beyond what their samples explain."""

    variance: float
    """Of logarithms."""
    error: float
    """Standard error of `variance`."""
    freedom: float
    """Degrees of freedom behind it."""

    def of_mean(self, share: float, within: float) -> tuple[float, float]:
        """Compute the standard error of a mean over processes, and its degrees of freedom.

        Args:
            share: Σ of the squared weights of the processes.
            within: variance of the mean that the samples explain.

        Source: Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
        """
        variance = share * self.variance + within
        if self.error <= 0 or variance <= 0:
            return math.sqrt(variance), self.freedom
        freedom = 2 * (variance / (share * self.error)) ** 2
        return math.sqrt(variance), min(self.freedom, max(1.0, freedom))


def spread_of(levels: Sequence[Levels]) -> Spread | None:
    """Pool the spread between processes over candidates; None where none has two."""
    several = [each for each in levels if each.points.size > 1]
    if not several:
        return None
    return solved(
        [each.points for each in several], [each.within for each in several], sum(len(e.points) - 1 for e in several)
    )


def paired_spread_of(levels: Sequence[Levels]) -> Spread | None:
    """Pool the spread that is left when what a round does to all of its candidates is taken out; None where fewer than
    two candidates share two rounds.

    The residuals of a table of candidates × rounds have (M − 1)(P − 1) degrees of freedom. A candidate with one process
    says nothing of what is left, and is not asked for the rounds of the others.
    """
    levels = [each for each in levels if each.points.size > 1]
    rounds = sorted(set.intersection(*(set(each.processes) for each in levels))) if levels else []
    if len(levels) < 2 or len(rounds) < 2:
        return None
    places = [[each.processes.index(number) for number in rounds] for each in levels]
    table = np.array([each.points[place] for each, place in zip(levels, places, strict=True)])
    within = [each.within[place] for each, place in zip(levels, places, strict=True)]
    table = table - table.mean(axis=0)
    return solved(list(table), within, (len(levels) - 1) * (len(rounds) - 1))


def solved(points: Sequence[Floats], within: Sequence[Floats], freedom: int) -> Spread:
    """Find the variance σ² at which Σ (point − mean)² / (σ² + within) is what it should be: the degrees of freedom.

    Noisy processes so count for little, whoever they belong to.

    Source: Paule and Mandel (1982), Journal of Research of the National Bureau of Standards 87, 377-385.
    """

    def excess(variance: float) -> float:
        total = 0.0
        for each, own in zip(points, within, strict=True):
            precision = 1 / (variance + own + np.finfo(np.float64).tiny)
            mean = float((precision * each).sum() / precision.sum())
            total += float((precision * (each - mean) ** 2).sum())
        return total - freedom

    from scipy.optimize import brentq  # slow to import, and wanted where candidates have several processes

    least = float(np.finfo(np.float64).eps)
    variance = 0.0 if excess(least) <= 0 else float(brentq(excess, least, LARGEST**2))
    weight = (
        sum(
            (1 - 1 / each.size) * float((1 / (variance + own + least)).sum())
            for each, own in zip(points, within, strict=True)
        )
        * freedom
        / sum(each.size - 1 for each in points)
    )
    error = math.sqrt(2 * freedom) / weight
    return Spread(max(variance, DOUBT_SHARE * error), error, float(freedom))


def mean_interval(levels: Levels, spread: Spread, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the interval of what all processes that there might be read, in the unit of the values."""
    error, freedom = spread.of_mean(levels.concentration, levels.whole_within)
    half = float(stdtrit(freedom, 0.5 + confidence / 2)) * error
    return math.exp(levels.whole - half), math.exp(levels.whole + half)


def mean_draws(levels: Levels, spread: Spread, replicates: int, rng: np.random.Generator) -> Floats:
    """Draw what all processes that there might be read, shape `(replicates,)`; see `mean_interval`."""
    error, freedom = spread.of_mean(levels.concentration, levels.whole_within)
    moved = np.clip(error * rng.standard_t(freedom, size=replicates), -FARTHEST, FARTHEST)
    return np.asarray(np.exp(levels.whole + moved), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class LogRatio:
    """The ratio of two candidates over their processes, on the scale of logarithms."""

    value: float
    error: float
    freedom: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Compute Student's interval of the ratio."""
        half = float(stdtrit(self.freedom, 0.5 + confidence / 2)) * self.error
        return math.exp(self.value - half), math.exp(self.value + half)

    @property
    def p(self) -> float:
        """Two-sided p-value that the ratio is 1; 1 where nothing is known of the noise."""
        if self.error <= 0:
            return 1.0
        return 2 * float(stdtr(self.freedom, -abs(self.value) / self.error))


def paired_ratio(a: Levels, b: Levels, spread: Spread) -> LogRatio | None:
    """Compute b ÷ a over the rounds that both have, which the machine's drift between rounds does not disturb.

    Args:
        a: the one side.
        b: the other.
        spread: by `paired_spread_of`.

    Source: Kalibera and Jones, Rigorous Benchmarking in Reasonable Time (2013), for the levels; pairing by blocks as in
    any paired comparison.
    """
    rounds = sorted(set(a.processes) & set(b.processes))
    if not rounds:
        return None
    of_a, of_b = ([each.processes.index(number) for number in rounds] for each in (a, b))
    gaps = b.points[of_b] - a.points[of_a]
    count = len(rounds)
    within = float((a.within[of_a] + b.within[of_b]).sum()) / count**2
    return LogRatio(float(gaps.mean()), *spread.of_mean(2 / count, within))


def unpaired_ratio(a: Levels, b: Levels, spreads: tuple[Spread, Spread]) -> LogRatio:
    """Compute b ÷ a of processes that did not run side by side.

    Source: Welch (1947), Biometrika 34, 28-35, for the degrees of freedom.
    """
    errors = [
        spread.of_mean(each.concentration, each.whole_within) for each, spread in zip((a, b), spreads, strict=True)
    ]
    variance = sum(error**2 for error, _ in errors)
    doubt = sum(error**4 / freedom for error, freedom in errors)
    return LogRatio(b.whole - a.whole, math.sqrt(variance), variance**2 / doubt if doubt > 0 else 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Ratios:
    """Ratios of several candidates over the rounds that two of them share, on the scale of logarithms; NaN where they
    cannot be compared. All of shape `(M, M)`."""

    value: Floats
    """log(column ÷ row)."""
    error: Floats
    """Its standard error."""
    freedom: Floats
    """Degrees of freedom of the error."""

    def among(self, rows: Sequence[int]) -> Ratios:
        """Take the ratios of some of the candidates."""
        pairs = np.ix_(rows, rows)
        return Ratios(self.value[pairs], self.error[pairs], self.freedom[pairs])

    def p_above(self, threshold: Floats) -> Floats:
        """Compute Student's p-values against "log(column ÷ row) is not above the threshold", shape `(M, M)`."""
        with np.errstate(invalid="ignore", divide="ignore"):
            p = stdtr(self.freedom, (threshold - self.value) / self.error)
        return np.asarray(np.where(self.error > 0, p, np.nan), dtype=np.float64)


def ratios(levels: Sequence[Levels | None]) -> Ratios:
    """Compute the ratio of each pair of candidates over the rounds that both have.

    A pair's variance between rounds is its own plus the mean of all pairs, which counts the more the fewer rounds
    there are: so candidates whose processes differ more than the others' are not taken to be as quiet, and one that
    looks quiet by chance is not believed. Two candidates alone have their own. The mean is worth M − 2 degrees of
    freedom, the pair's own P − 1; together no more than the (M − 1)(P − 1) of the whole table, nor than what is left of
    them where few candidates make most of the noise.

    Args:
        levels: what the processes of each candidate read; None for a candidate without any.

    Source: the residuals of a table of candidates × rounds; Satterthwaite (1946) for the degrees of freedom of a sum of
    unequal variances; the rule for unequal noise is held by `benchmarks/fronts.py`.
    """
    points, within = (_by_round(levels, name) for name in ("points", "within"))
    gaps, noise = points[None, :] - points[:, None], within[None, :] + within[:, None]
    counts = np.count_nonzero(~np.isnan(gaps), axis=2).astype(np.float64)
    shared = np.maximum(counts, 1.0)
    value = np.where(counts > 0, np.nansum(gaps, axis=2) / shared, np.nan)
    squares = np.nansum((gaps - value[:, :, None]) ** 2, axis=2)
    repeated = counts > 1
    np.fill_diagonal(repeated, val=False)
    if not repeated.any():
        nothing = np.full(value.shape, np.nan)
        return Ratios(value, nothing, nothing)
    own = np.where(repeated, squares / np.maximum(counts - 1, 1.0), 0.0)
    mean = float(squares[repeated].sum() / (counts - 1)[repeated].sum())
    others = np.count_nonzero(repeated.any(axis=0)) - 2
    whole = (others + 1) * (float(counts[repeated].max()) - 1)
    freedom = np.minimum(others + counts - 1, min(whole, _effective_freedom(points[repeated.any(axis=0)])))
    pooled = POOLED_FREEDOM / np.maximum(counts - 1, 1.0) * mean if others > 0 else 0.0
    variance = np.maximum(own + pooled, np.nansum(noise, axis=2) / shared)
    known = (counts > 0) & (freedom > 0)
    np.fill_diagonal(known, val=False)
    return Ratios(
        value, np.where(known, np.sqrt(variance / shared), np.nan), np.where(known, np.maximum(freedom, 1.0), np.nan)
    )


def _effective_freedom(points: Floats) -> float:
    """Compute the degrees of freedom behind the mean of the candidates' variances: all of them where these are alike,
    those of one candidate where it makes all of the noise.

    Args:
        points: of candidates with two rounds at least, by round, shape `(M, R)`; NaN for one that a candidate lacks.
    """
    shared = points[:, np.count_nonzero(~np.isnan(points), axis=0) > 1]
    apart = shared - np.nanmean(shared, axis=0)
    freedoms = np.count_nonzero(~np.isnan(apart), axis=1) - 1.0
    variances = np.nanvar(apart, axis=1, ddof=1)
    doubt = float((variances**2 / freedoms).sum())
    return float(variances.sum()) ** 2 / doubt if doubt > 0 else float(freedoms.sum())


def _by_round(levels: Sequence[Levels | None], name: Literal["points", "within"]) -> Floats:
    """Lay what the processes read out by their numbers, shape `(M, R)`; NaN for a process that a candidate lacks."""
    rounds = sorted({number for each in levels if each is not None for number in each.processes})
    table = np.full((len(levels), len(rounds)), np.nan)
    for row, each in enumerate(levels):
        if each is not None:
            places = [rounds.index(number) for number in each.processes]
            table[row, places] = each.points if name == "points" else each.within
    return table
