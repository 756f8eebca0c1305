"""Quality of the cells of one task: each metric's value and interval, from resamples that all its models
share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.catalogue import reasons
from bench.catalogue.reasons import Reason
from bench.errors import EnvironmentLackError
from bench.host.pool import forked
from bench.metrics.base import Metric
from bench.metrics.catalogue import with_options
from bench.plugins import look_beside
from bench.record import Record, Sample
from bench.stats import bootstrap, few
from bench.stats.proportion import FEW_SAID, grouped_proportion, is_few, proportion_interval
from bench.stats.resample import Resamples
from bench.summary.entry import Quantity

Floats = NDArray[np.float64]
Resolve = Callable[[Sequence[str], str], Sequence[Metric]]
"""From the names a suite gives and the task's kind to metrics; `bench.metrics.catalogue.resolve`."""

REPLICATES = 2000
"""Of the intervals of quality; the decision has its own number."""
RARE_LABEL_SAID = "a label has fewer than 10 examples: the interval covers 95 to 99 %, if those it has are typical"
"""What is said where `Metric.half_examples` were added; the range is that of `benchmarks/coverage.py`."""
SEED = 42
"""Of the shared resamples of every task."""


def metrics_of(record: Record, resolve: Resolve) -> list[Metric]:
    """Find the metrics of the record's task, in the suite's order."""
    job = record.cell.job
    names = [] if job is None else job.task.metrics
    if job is not None and job.suite_folder is not None and any({":", "/"} & set(name) for name in names):
        look_beside(Path(job.suite_folder))
    metrics = resolve(names, record.cell.kind)
    several = any(len(sample.answers or ()) > 1 for sample in record.samples)
    return with_options(metrics, {} if job is None else job.task.metric_options, several=several)


def usable(metrics: Sequence[Metric]) -> tuple[list[Metric], dict[str, Quantity]]:
    """Split the metrics into those that can be computed here and placeholders for those that cannot.

    A metric from the Hub may be out of reach where a stored run is read; the others are still shown.
    """
    ready: list[Metric] = []
    missing: dict[str, Quantity] = {}
    for metric in metrics:
        try:
            metric.prepare()
        except EnvironmentLackError as error:
            missing[metric.name] = without(metric, str(error))
        else:
            ready.append(metric)
    return ready, missing


def without(metric: Metric, why: str) -> Quantity:
    """Make the placeholder of a metric that cannot be computed."""
    reason = reasons.not_computed(why)
    return Quantity(None, None, None, 0, metric.unit, metric.name, metric.higher_is_better, reason)


def shared_resamples(samples: Sequence[Sample], replicates: int = REPLICATES, seed: int = SEED) -> Resamples:
    """Make the resamples that fit these examples: by group where any group has several; an example without one is a
    group of its own."""
    groups = tuple(
        f"g {sample.group}" if sample.group is not None else f"e {place}" for place, sample in enumerate(samples)
    )
    return Resamples(len(samples), replicates, seed, groups if len(set(groups)) < len(groups) else None)


@dataclass(frozen=True, slots=True)
class Scored:
    """What one cell's metrics are computed from."""

    metrics: Sequence[Metric]
    statistics: dict[str, Floats]
    """By metric name, shape `(n, k)`."""
    resamples: Resamples
    missing: Mapping[str, Quantity]
    """What stands for metrics that cannot be computed here."""
    order: Sequence[str]
    """All their names as the suite has them: the first is the task's quality, computed or not."""
    task: str


def quantities(cells: Sequence[Scored], *, worth_it: bool) -> list[dict[str, Quantity]]:
    """Compute each cell's metrics with their 95 % intervals: Wilson's for a proportion of independent examples, else
    the bootstrap's.

    Cells with the same resamples, as those of one task, are multiplied by the weights together: the weights are
    drawn once for all of them.

    Args:
        cells: of any number of tasks.
        worth_it: whether there is so much to do that the tasks are shared out over the cores.
    """
    together: dict[tuple[Resamples, str], list[int]] = {}
    for index, cell in enumerate(cells):
        together.setdefault((cell.resamples, cell.task), []).append(index)
    calls = [partial(_of_task, [cells[i] for i in indices]) for indices in together.values()]
    by_cell: dict[int, dict[str, Quantity]] = {}
    for indices, of_task in zip(together.values(), forked(calls, worth_it=worth_it), strict=True):
        by_cell |= zip(indices, of_task, strict=True)
    return [by_cell[index] for index in range(len(cells))]


def _of_task(cells: Sequence[Scored]) -> list[dict[str, Quantity]]:
    resamples = cells[0].resamples
    drawn = [(i, m.name) for i, cell in enumerate(cells) for m in cell.metrics if resamples.groups or not m.proportion]
    summed = resamples.sums([cells[i].statistics[name] for i, name in drawn])
    sums: list[dict[str, Floats]] = [{} for _ in cells]
    for (i, name), of_metric in zip(drawn, summed, strict=True):
        sums[i][name] = of_metric
    return [_of_cell(cell, of_cell) for cell, of_cell in zip(cells, sums, strict=True)]


def _of_cell(cell: Scored, sums: dict[str, Floats]) -> dict[str, Quantity]:
    computed = {m.name: _quantity(m, cell.statistics[m.name], sums.get(m.name), cell.resamples) for m in cell.metrics}
    every = {**computed, **cell.missing}
    return {name: every[name] for name in cell.order}


def _quantity(metric: Metric, statistics: Floats, sums: Floats | None, resamples: Resamples) -> Quantity:
    n = len(statistics)
    source = metric.signature or metric.name
    value = float(metric.value(statistics.sum(axis=0))) if n else float("nan")
    if not np.isfinite(value):
        why = reasons.NOTHING_SCORED if n == 0 else reasons.UNDEFINED_HERE
        return Quantity(None, None, None, n, metric.unit, source, metric.higher_is_better, why)
    if not metric.range.nearly_admits(value):
        why = reasons.impossible(value, metric.range.low, metric.range.high)
        return Quantity(None, None, None, n, metric.unit, source, metric.higher_is_better, why)
    interval, reason = _interval(metric, value, statistics, sums, resamples)
    low, high = interval or (None, None)
    return Quantity(value, low, high, n, metric.unit, source, metric.higher_is_better, reason)


def _interval(
    metric: Metric, value: float, statistics: Floats, sums: Floats | None, resamples: Resamples
) -> tuple[tuple[float, float] | None, Reason | None]:
    """Find the interval of a metric, and why there is none or what qualifies it."""
    n, units = len(statistics), resamples.units
    right = round(value * n)
    few_said = reasons.loose(FEW_SAID) if metric.proportion and is_few(right, n) else None
    if sums is None:
        return proportion_interval(right, n), few_said
    if units < bootstrap.SMALLEST_N:
        what = "groups" if resamples.groups is not None else "examples"
        return None, reasons.too_few(units, what, bootstrap.SMALLEST_N)
    by_unit = resamples.by_unit(statistics)
    if metric.proportion:
        sizes = by_unit[:, -1]
        return grouped_proportion(np.asarray(metric.value(by_unit)) * sizes, sizes), few_said
    jackknife = bootstrap.jackknife_values(by_unit, metric.value)
    interval = bootstrap.guarded_interval(np.asarray(metric.value(sums)), value, jackknife)
    if interval is None:
        return None, reasons.UNDEFINED_ON_RESAMPLES
    return qualified(metric, value, interval, jackknife, by_unit)


def qualified(
    metric: Metric, value: float, interval: tuple[float, float], jackknife: Floats, by_unit: Floats
) -> tuple[tuple[float, float] | None, Reason | None]:
    """Widen an interval where nearly all units are alike or a label is rare, and find what must be said of it.

    Args:
        metric: what was computed.
        value: of all units.
        interval: from their resamples.
        jackknife: the value with each unit left out, shape `(units,)`.
        by_unit: the statistics summed by unit, shape `(units, k)`.
    """
    odd, low, high = few.odd_ones(jackknife), metric.range.low, metric.range.high
    if few.is_few_odd(odd):
        unseen = few.with_unseen(value, odd, jackknife.size, (low, high))
        if unseen is None and interval[0] == interval[1]:
            return None, reasons.all_alike(jackknife.size)
        return few.hull(interval, unseen), reasons.loose(few.FEW_ODD_SAID)
    added = metric.half_examples(by_unit.sum(axis=0))
    if added is not None:
        smoothed = bootstrap.smoothed_interval(by_unit, added, metric.value)
        wide = few.hull(interval, smoothed) or interval
        return (max(low, wide[0]), min(high, wide[1])), reasons.loose(RARE_LABEL_SAID)
    return interval, reasons.loose(bootstrap.SKEWED) if bootstrap.is_too_skewed(jackknife) else None
