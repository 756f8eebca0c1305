"""The paired comparison of one quality metric between two cells that answered the same examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from bench.metrics.base import Metric
from bench.stats import few, paired
from bench.stats.bootstrap import percentile_interval
from bench.stats.paired import ExamplesNeeded, Flips, GroupedDifference
from bench.stats.resample import Resamples, seeded
from bench.summary import Entry
from bench.summary.quality import shared_resamples
from bench.tasks.choosing import chooses

Floats = NDArray[np.float64]

LEVEL = 0.05
TRIALS = 2000
"""Swaps of the randomisation test; p-values near 0.05 are then within 0.01 of exact."""


class PairedTest(Enum):
    """How a difference was tested."""

    MCNEMAR = "exact McNemar"
    RANDOMISATION = "approximate randomisation"
    CLUSTERED = "Student's t over groups"


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One metric of one task."""

    task: str
    metric: str
    unit: str
    a: float
    b: float
    difference: float
    """b − a, in the metric's unit."""
    ci_low: float | None
    """95 % interval of the difference, from paired resamples."""
    ci_high: float | None
    test: PairedTest
    p: float
    p_holm: float
    detectable: float
    """Smallest true difference that a test at 5 % finds with 80 % power at this n."""
    examples_needed: int | None
    """Examples in all that would settle a difference of this size; None when there is none."""
    examples_range: ExamplesNeeded | None
    """The same for differences that are one standard error larger and smaller."""
    n: int
    flips: Flips
    higher_is_better: bool = True
    few_discordant: bool = False
    """Whether so few examples tell the two apart that the interval is wider than it need be."""
    model: str = ""
    """Which candidate, where two whole runs are compared."""
    discordant: int | None = None
    """Examples that only one of the two got right, where the test is McNemar's; else None."""
    groups: int | None = None
    """Groups of examples that the test is over; None where examples are independent."""
    p_worse: float = 1.0
    """One-sided: against "B is no worse". McNemar's is the mid-p value, which a gate at 1 % can use."""
    p_better: float = 1.0
    """Against "B is no better"."""
    identical: bool = False
    """Whether the metric counts the very same of every example on both sides, so that no test can tell them apart."""

    @property
    def differs(self) -> bool:
        """Tell whether the difference stands over the whole family of comparisons."""
        return self.p_holm <= LEVEL

    @property
    def b_is_better(self) -> bool:
        """Tell whether B has the better value."""
        return (self.difference > 0) == self.higher_is_better


def common_examples(a: Entry, b: Entry) -> tuple[Entry, Entry] | None:
    """Cut both entries to the examples that both answered, in the same order; None when there are none.

    Examples are the same when their id and their reference are.
    """
    keys_b = {(s.example_id, s.reference): i for i, s in enumerate(b.samples)}
    pairs = [(i, keys_b[key]) for i, s in enumerate(a.samples) if (key := (s.example_id, s.reference)) in keys_b]
    if not pairs:
        return None
    return cut(a, [i for i, _ in pairs]), cut(b, [j for _, j in pairs])


def cut(entry: Entry, rows: Sequence[int]) -> Entry:
    """Keep some rows of an entry's examples."""
    statistics = {name: table[list(rows)] for name, table in entry.statistics.items()}
    return replace(entry, samples=tuple(entry.samples[i] for i in rows), statistics=statistics)


def is_defined(entry: Entry, metric: Metric) -> bool:
    """Tell whether a metric has a value on these examples; no test tells anything of one that has none."""
    return bool(np.isfinite(float(metric.value(entry.statistics[metric.name].sum(axis=0)))))


def row(pair: tuple[Entry, Entry], metric: Metric, replicates: int, seed: int) -> QualityRow:
    """Compare one metric of a pair of cut entries, not yet corrected for the other comparisons."""
    a, b = (entry.statistics[metric.name] for entry in pair)
    value_a, value_b = float(metric.value(a.sum(axis=0))), float(metric.value(b.sum(axis=0)))
    resamples = shared_resamples(pair[0].samples, replicates, seed)
    drawn_a, drawn_b = (np.asarray(metric.value(sums)) for sums in resamples.sums([a, b]))
    gaps = drawn_b - drawn_a
    grouped = None
    if resamples.groups is not None:
        grouped = paired.grouped_difference(resamples.by_unit(a), resamples.by_unit(b), metric.value)
    error = float(gaps[np.isfinite(gaps)].std(ddof=1)) if grouped is None else grouped.error
    discordant = _discordant(metric, a, b) if metric.proportion and grouped is None else None
    tested = _test(metric, a, b, discordant, grouped, seed)
    low, high = interval_of(metric, (a, b), gaps, resamples) or (None, None)
    difference = value_b - value_a
    down = tested.worse if metric.higher_is_better else tested.better
    up = tested.better if metric.higher_is_better else tested.worse
    return QualityRow(
        task=pair[0].cell.task,
        metric=metric.name,
        unit=metric.unit,
        a=value_a,
        b=value_b,
        difference=difference,
        ci_low=low,
        ci_high=high,
        test=tested.test,
        p=tested.p,
        p_holm=tested.p,
        detectable=paired.detectable(error),
        examples_needed=paired.examples_needed(difference, error, len(a)),
        examples_range=paired.examples_range(difference, error, len(a)),
        n=len(a),
        flips=_flips(pair),
        higher_is_better=metric.higher_is_better,
        few_discordant=discordant is not None and sum(discordant) < paired.FEW_DISCORDANT,
        discordant=None if discordant is None else sum(discordant),
        groups=None if grouped is None else grouped.groups,
        p_worse=down,
        p_better=up,
        identical=bool(np.array_equal(a, b)),
    )


def interval_of(
    metric: Metric, statistics: tuple[Floats, Floats], gaps: Floats, resamples: Resamples
) -> tuple[float, float] | None:
    """Compute the 95 % interval of the difference (second − first) on the same examples; None where it is undefined,
    or where so few examples tell the two apart that nothing is known without bounds of the metric.

    Args:
        metric: what is compared.
        statistics: of both, rows of the same examples in the same order.
        gaps: its bootstrap draws, which a proportion of independent examples does not need.
        resamples: what the draws were made by.
    """
    a, b = statistics
    if metric.proportion and resamples.groups is None:
        return paired.paired_proportions(*_discordant(metric, a, b), len(a))
    by_unit = resamples.by_unit(a), resamples.by_unit(b)
    grouped = paired.grouped_difference(*by_unit, metric.value)
    interval = percentile_interval(gaps, n=resamples.units) if resamples.groups is None else grouped.interval()
    odd = int(np.count_nonzero((by_unit[0] != by_unit[1]).any(axis=1)))
    if interval is None or not few.is_few_odd(odd):
        return interval
    width = metric.range.high - metric.range.low
    unseen = few.with_unseen(grouped.difference, odd, resamples.units, (-width, width))
    return few.hull(interval, unseen) if unseen is not None or interval[0] < interval[1] else None


@dataclass(frozen=True, slots=True)
class _Tested:
    """What a test says of "first and second are alike"."""

    test: PairedTest
    p: float
    """Two-sided."""
    worse: float
    """Against "the second has no lower value"."""
    better: float
    """Against "the second has no higher value"."""


def _test(
    metric: Metric,
    a: Floats,
    b: Floats,
    discordant: tuple[int, int] | None,
    grouped: GroupedDifference | None,
    seed: int,
) -> _Tested:
    """Choose the test and compute its p-values: Student's over groups, McNemar's, or randomisation."""
    if grouped is not None:
        return _Tested(PairedTest.CLUSTERED, grouped.p(), grouped.p(below=True), grouped.p(below=False))
    if discordant is not None:
        worse, better = (float(paired.mid_p_worse(*sides)) for sides in (discordant, discordant[::-1]))
        return _Tested(PairedTest.MCNEMAR, paired.mcnemar(*discordant), worse, better)
    p = paired.randomisation_p(a, b, metric.value, TRIALS, seeded(seed, "randomisation", metric.name))
    fell = float(metric.value(b.sum(axis=0))) < float(metric.value(a.sum(axis=0)))
    towards, away = p / 2, 1 - p / 2
    return _Tested(PairedTest.RANDOMISATION, p, towards if fell else away, away if fell else towards)


def _discordant(metric: Metric, a: Floats, b: Floats) -> tuple[int, int]:
    """Count how many examples only the first, and only the second, got right."""
    right_a, right_b = np.asarray(metric.value(a)), np.asarray(metric.value(b))
    return int((right_a > right_b).sum()), int((right_b > right_a).sum())


def _flips(pair: tuple[Entry, Entry]) -> Flips:
    a, b = pair
    if all(sample.prediction is None for entry in pair for sample in entry.samples):
        return Flips(0, 0, 0, 0)
    return paired.flips(
        [s.prediction for s in a.samples],
        [s.prediction for s in b.samples],
        [s.reference for s in a.samples],
        labels=chooses(a.cell.kind),
    )


def corrected(row: QualityRow, p_holm: float, family: int) -> QualityRow:
    """Correct the row as one of a family of comparisons: p-value, and what the smaller level could have found."""
    detectable = row.detectable * paired.detectable(1.0, LEVEL / family) / paired.detectable(1.0)
    level, error = LEVEL / family, row.detectable / paired.detectable(1.0)
    needed = paired.examples_needed(row.difference, error, row.n, level)
    settled_by = paired.examples_range(row.difference, error, row.n, level)
    return replace(row, p_holm=p_holm, detectable=detectable, examples_needed=needed, examples_range=settled_by)
