"""Quality of candidate and baseline on the same examples: paired tests, and what they could have found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from bench.compare.quality import PairedTest, QualityRow, common_examples, row
from bench.gate.settle import LEVEL, adjusted
from bench.gate.verdict import Line
from bench.history.effects import scale_of
from bench.stats.paired import POWER, detectable, pairs_needed_one_sided
from bench.summary import Entry
from bench.words import gate as words

REPLICATES = 2000
SEED = 42
FEW_EXTREME = 5
"""Resamples as extreme as the observation below which their share says only that it is small."""
UNLIKELY = 1e-6
"""Chance of a number of discordant examples below which it adds nothing to a power."""
TOLD_STEPS = 4
"""Smallest changes that count, of half a point each, in the drop whose chance of being found is printed beside every
verdict: two points."""
SCALE_STEPS = 200
"""Smallest changes that count, of half a point each, in the whole scale of a metric that has points."""
UNSEEN = 3
"""Discordant pairs that are assumed where fewer were seen: if none of n examples differed, up to 3/n of all may
(95 %; the rule of three, Hanley and Lippman-Hand (1983), JAMA 249, 1743-1745)."""
HALVINGS = 14
"""Of the interval that holds the smallest drop that is found: it is then known to 1/16,000 of the scale."""


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """One metric of one cell, tested."""

    entry: Entry
    """Of the candidate."""
    row: QualityRow
    larger_is_better: bool


def tests_of(candidate: Entry, baseline: Entry) -> list[Tested]:
    """Test every metric that both cells have on the examples that both answered; not yet corrected for
    the other readings."""
    pair = common_examples(baseline, candidate)
    if pair is None:
        return []
    shared = [metric for name, metric in baseline.metrics.items() if name in candidate.metrics]
    rows = [_resolved(row(pair, metric, REPLICATES, SEED)) for metric in shared]
    return [Tested(candidate, compared, candidate.quality[compared.metric].higher_is_better) for compared in rows]


def _resolved(row: QualityRow) -> QualityRow:
    """Resolve a row: a p-value that resampling cannot tell from 0 is that of the normal limit.

    2000 resamples give no p-value below 1/2001, and over more than twenty readings that is never certain.
    """
    error = standard_error(row)
    if row.test is not PairedTest.RANDOMISATION or row.p > FEW_EXTREME / (REPLICATES + 1) or error <= 0:
        return row
    p = float(ndtr(-abs(row.difference) / error))
    if (row.difference < 0) == row.higher_is_better:
        return replace(row, p_worse=min(row.p_worse, p))
    return replace(row, p_better=min(row.p_better, p))


def lines(tested: Sequence[Tested]) -> list[Line]:
    """Make a line for each test; the p-values are Benjamini and Hochberg's over all that can tell anything.

    A test that finds the very same answers on both nights cannot reject, whatever is true, and takes no part of the
    level from the others. Worse and better are tested apart, each at the whole of `LEVEL`, for only worse can fail a
    night. A line that is certain and large enough is `regressed` or `improved`: the caller settles it. What a test
    could have found is that of `LEVEL` ÷ tests, which the one reading that changed must meet when no other did.

    Source: Tarone (1990), Biometrics 46, 515-522, for leaving out tests that cannot reject.
    """
    telling = [place for place, test in enumerate(tested) if not test.row.identical]
    corrected = [1.0] * len(tested)
    worse, better = (
        adjusted([getattr(tested[place].row, side) for place in telling]) for side in ("p_worse", "p_better")
    )
    for place, p_worse, p_better in zip(telling, worse, better, strict=True):
        corrected[place] = p_worse if is_worse(tested[place].row) else p_better
    return [_line(test, p, max(1, len(telling))) for test, p in zip(tested, corrected, strict=True)]


def is_worse(row: QualityRow) -> bool:
    """Tell whether the candidate has the worse value, or the same."""
    return row.difference == 0 or (row.difference < 0) == row.higher_is_better


def one_sided(row: QualityRow) -> float:
    """Return the p-value in the direction of the change."""
    return row.p_worse if is_worse(row) else row.p_better


def standard_error(row: QualityRow) -> float:
    """Compute the standard error of the difference, in the metric's unit."""
    return row.detectable / detectable(1.0)


def power_of(drop: float, error: float, level: float = LEVEL, groups: int | None = None) -> float:
    """Compute the chance that a one-sided test at `level` finds a true change of this size, in the normal limit; over
    few groups with Student's critical value.

    >>> round(power_of(0.02, 0.01, level=0.025), 2)
    0.52
    """
    if error <= 0:
        raise ValueError("the error of a power must be above 0: none was seen, so assume one from n")
    return float(ndtr(abs(drop) / error - _critical(level, groups)))


def _critical(level: float, groups: int | None) -> float:
    """Compute what a one-sided test at `level` must exceed, in standard errors."""
    return float(ndtri(1 - level) if groups is None else stdtrit(groups - 1, 1 - level))


def exact_power(drop: float, discordant: int, n: int, level: float, minimum: float = 0.0) -> float:
    """Compute the chance that the one-sided mid-p McNemar test at `level` finds a true drop, and finds it large enough.

    Σ over D of P(D) · P(p ≤ level and (broken − fixed)/n ≥ minimum | D), where D ~ Binomial(n, π) examples are answered
    rightly by one side only, and broken ~ Binomial(D, (1 + drop/π)/2) of them by the baseline. π is the share that
    was seen, or the drop where that is more.

    Args:
        drop: true drop of the share of right answers, above 0.
        discordant: examples that only one of the two got right.
        n: examples.
        level: of the one-sided test.
        minimum: smallest drop that counts.

    Source: Connor (1987), Biometrics 43, 207-211, the exact form.

    >>> round(exact_power(0.02, 100, 1000, level=0.025), 2)
    0.52
    """
    from scipy.stats import binom  # slow to import, and wanted where a drop was not found

    share = min(1.0, max(discordant / n, drop))
    low, high = (int(binom.ppf(q, n, share)) for q in (UNLIKELY, 1 - UNLIKELY))
    pairs = np.arange(low, high + 1)
    edge = np.asarray(binom.ppf(level, pairs, 0.5))
    mid_p = np.asarray(binom.cdf(edge, pairs, 0.5)) - np.asarray(binom.pmf(edge, pairs, 0.5)) / 2
    edge -= mid_p > level  # the most of them put right at which the test is certain
    fixed = np.minimum(edge, np.floor((pairs - minimum * n) / 2))
    return float(binom.pmf(pairs, n, share) @ binom.cdf(fixed, pairs, (1 - drop / share) / 2))


@lru_cache(maxsize=1024)
def exact_detectable(discordant: int, n: int, level: float, minimum: float) -> float | None:
    """Find the smallest true drop that the mid-p McNemar test finds 4 times in 5; None where none is found so often.

    It is never below k/n, with k the discordant pairs without which no test is certain.

    Args:
        discordant: examples that only one of the two got right.
        n: examples.
        level: of the one-sided test.
        minimum: smallest drop that counts.

    >>> exact_detectable(0, 20, 0.025, 0.005) > 5 / 20, exact_detectable(0, 4, 0.025, 0.005)
    (True, None)
    """
    if exact_power(1.0, discordant, n, level, minimum) < POWER:
        return None
    low, high = min(1.0, max(minimum, pairs_needed_one_sided(level) / n)), 1.0
    if exact_power(low, discordant, n, level, minimum) >= POWER:
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if exact_power(middle, discordant, n, level, minimum) >= POWER:
            high = middle
        else:
            low = middle
    return high


def detectable_change(row: QualityRow, level: float) -> float | None:
    """Find the smallest true change of a metric that its test finds 4 times in 5, in its unit; None where none is.

    It follows from the number of examples and from how often the two disagreed, never from what would count.
    """
    scale, minimum, error = scale_of(row.metric, row.unit), minimum_of(row), standard_error(row)
    if row.discordant is not None:
        return exact_detectable(_assumed(row), row.n, level, minimum)
    if row.n < pairs_needed_one_sided(level) or row.groups == 1:
        return None
    if error > 0:
        return max(minimum, (_critical(level, row.groups) + float(ndtri(POWER))) * error)
    if scale.relative:
        return None
    share = exact_detectable(_assumed(row), row.n, level, 1 / SCALE_STEPS)
    return None if share is None else share * SCALE_STEPS * scale.minimum


def _assumed(row: QualityRow) -> int:
    """Assume how many of the examples tell the two apart: those that did, three at least by the rule of three."""
    return min(row.n, max(row.discordant or 0, UNSEEN))


def minimum_of(row: QualityRow) -> float:
    """Compute the smallest change of a metric that counts, in its unit."""
    scale = scale_of(row.metric, row.unit)
    return scale.minimum * (abs(row.a) if scale.relative else 1.0)


def _line(test: Tested, p_adjusted: float, family: int) -> Line:
    row, cell = test.row, test.entry.cell
    minimum, level = minimum_of(row), LEVEL / family
    certain = p_adjusted <= LEVEL and abs(row.difference) >= minimum
    line = Line(
        model=cell.model,
        variant=cell.variant,
        task=cell.task,
        reading=row.metric,
        verdict="unchanged" if not certain else "regressed" if is_worse(row) else "improved",
        baseline=row.a,
        candidate=row.b,
        unit=row.unit,
        larger_is_better=test.larger_is_better,
        change=row.difference,
        low=row.ci_low,
        high=row.ci_high,
        p=one_sided(row),
        p_adjusted=p_adjusted,
        minimum_effect=minimum,
        detectable=detectable_change(row, level),
        rerun=False,
        text="",
        power=told_power(row, level),
    )
    return replace(line, text=words.quality(line, row.n))


def told_power(row: QualityRow, level: float) -> float | None:
    """Compute the chance that a true change of two points is detected at `level`; None where points mean nothing."""
    scale = scale_of(row.metric, row.unit)
    if scale.relative:
        return None
    drop, error = TOLD_STEPS * scale.minimum, standard_error(row)
    if row.discordant is not None:
        return exact_power(drop, _assumed(row), row.n, level, minimum_of(row))
    if error <= 0:  # as if each example that differs did so by the whole scale
        return exact_power(TOLD_STEPS / SCALE_STEPS, _assumed(row), row.n, level, 1 / SCALE_STEPS)
    testable = row.n >= pairs_needed_one_sided(level) and row.groups != 1
    return power_of(drop, error, level, row.groups) if testable else 0.0
