"""Quality of candidate and baseline on the same examples: paired tests, and what they could have found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binom, norm

from bench.compare.quality import PairedTest, QualityRow, common_examples, row
from bench.gate.settle import LEVEL, adjusted
from bench.gate.verdict import Line
from bench.history.effects import scale_of
from bench.stats.paired import detectable
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
    if row.test is PairedTest.MCNEMAR or row.p > FEW_EXTREME / (REPLICATES + 1) or error <= 0:
        return row
    return replace(row, p=min(row.p, 2 * float(norm.sf(abs(row.difference) / error))))


def lines(tested: Sequence[Tested]) -> list[Line]:
    """Make a line for each test; the p-values are Benjamini and Hochberg's over all of them.

    A line that is certain and large enough is `regressed` or `improved`: the caller settles it. What a test could have
    found is that of `LEVEL` ÷ tests, which the one reading that changed must meet when no other did.
    """
    corrected = adjusted([test.row.p for test in tested])
    return [_line(test, p, len(tested)) for test, p in zip(tested, corrected, strict=True)]


def standard_error(row: QualityRow) -> float:
    """Compute the standard error of the difference, in the metric's unit."""
    return row.detectable / detectable(1.0)


def power_of(drop: float, error: float, level: float = LEVEL) -> float:
    """Compute the chance that a two-sided test at `level` finds a true change of this size, in the normal limit.

    >>> round(power_of(0.02, 0.01, level=0.05), 2)
    0.52
    """
    if error <= 0:
        return 1.0
    return float(norm.sf(norm.ppf(1 - level / 2) - abs(drop) / error))


def exact_power(drop: float, discordant: int, n: int, level: float, minimum: float = 0.0) -> float:
    """Compute the chance that the exact McNemar test at `level` finds a true drop, and finds it large enough.

    Σ over D of P(D) · P(p ≤ level and (broken − fixed)/n ≥ minimum | D), where D ~ Binomial(n, π) examples are answered
    rightly by one side only, and broken ~ Binomial(D, (1 + drop/π)/2) of them by the baseline. π is the share that
    was seen, or the drop where that is more.

    Args:
        drop: true drop of the share of right answers, above 0.
        discordant: examples that only one of the two got right.
        n: examples.
        level: of the two-sided test.
        minimum: smallest drop that counts.

    Source: Connor (1987), Biometrics 43, 207-211, the exact form.

    >>> round(exact_power(0.02, 100, 1000, level=0.05), 2)
    0.48
    """
    share = min(1.0, max(discordant / n, drop))
    low, high = (int(binom.ppf(q, n, share)) for q in (UNLIKELY, 1 - UNLIKELY))
    pairs = np.arange(low, high + 1)
    edge = np.asarray(binom.ppf(level / 2, pairs, 0.5))
    edge -= np.asarray(binom.cdf(edge, pairs, 0.5)) > level / 2  # the most of them at which the test is certain
    fixed = np.minimum(edge, np.floor((pairs - minimum * n) / 2))
    return float(binom.pmf(pairs, n, share) @ binom.cdf(fixed, pairs, (1 - drop / share) / 2))


def minimum_of(row: QualityRow) -> float:
    """Compute the smallest change of a metric that counts, in its unit."""
    scale = scale_of(row.metric, row.unit)
    return scale.minimum * (abs(row.a) if scale.relative else 1.0)


def _line(test: Tested, p_adjusted: float, family: int) -> Line:
    row, cell, error = test.row, test.entry.cell, standard_error(test.row)
    minimum, level = minimum_of(row), LEVEL / family
    certain = p_adjusted <= LEVEL and abs(row.difference) >= minimum
    worse = (row.difference < 0) == test.larger_is_better
    line = Line(
        model=cell.model,
        variant=cell.variant,
        task=cell.task,
        reading=row.metric,
        verdict="unchanged" if not certain else "regressed" if worse else "improved",
        baseline=row.a,
        candidate=row.b,
        unit=row.unit,
        larger_is_better=test.larger_is_better,
        change=row.difference,
        low=row.ci_low,
        high=row.ci_high,
        p=row.p,
        p_adjusted=p_adjusted,
        minimum_effect=minimum,
        detectable=max(minimum, detectable(error, level)) if error else minimum,
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
    drop = TOLD_STEPS * scale.minimum
    if row.discordant is not None:
        return exact_power(drop, row.discordant, row.n, level, minimum_of(row))
    return power_of(drop, standard_error(row), level)
