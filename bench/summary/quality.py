"""Quality of the cells of one task: each metric's value and interval, from resamples that all its models
share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import EnvironmentLackError
from bench.metrics.base import Metric
from bench.record import Record, Sample
from bench.stats import bootstrap
from bench.stats.proportion import FEW, FEW_SAID, wilson
from bench.stats.resample import Resamples
from bench.summary.entry import Quantity

Floats = NDArray[np.float64]
Resolve = Callable[[Sequence[str], str], Sequence[Metric]]
"""From the names a suite gives and the task's kind to metrics; `bench.metrics.catalogue.resolve`."""

REPLICATES = 2000
"""Of the intervals of quality; the decision has its own number."""
SEED = 42
"""Of the shared resamples of every task."""


def metrics_of(record: Record, resolve: Resolve) -> list[Metric]:
    """Returns the metrics of the record's task, in the suite's order."""
    task: dict[str, Any] = dict(record.cell.payload.get("task", {}))
    return list(resolve(list(task.get("metrics") or []), record.cell.kind))


def usable(metrics: Sequence[Metric]) -> tuple[list[Metric], dict[str, Quantity]]:
    """Returns the metrics that can be computed here, and what stands for those that cannot.

    A metric from the Hub may be out of reach where a stored run is read; the others are shown all the same.
    """
    ready: list[Metric] = []
    missing: dict[str, Quantity] = {}
    for metric in metrics:
        try:
            getattr(metric, "prepare", tuple)()
        except EnvironmentLackError as error:
            m = metric
            missing[m.name] = Quantity(None, None, None, 0, m.unit, m.name, m.higher_is_better, str(error))
        else:
            ready.append(metric)
    return ready, missing


def statistics_of(samples: Sequence[Sample], labels: Sequence[str], metrics: Sequence[Metric]) -> dict[str, Floats]:
    """Returns each metric's sufficient statistics, shape `(n, k)`."""
    return {m.name: np.asarray(m.statistics(samples, labels), dtype=np.float64) for m in metrics}


def shared_resamples(samples: Sequence[Sample], replicates: int = REPLICATES, seed: int = SEED) -> Resamples:
    """Returns the resamples that fit these examples: by group when every example has one."""
    groups = tuple(sample.group for sample in samples if sample.group is not None)
    clustered = groups if len(groups) == len(samples) and len(set(groups)) < len(groups) else None
    return Resamples(len(samples), replicates, seed, clustered)


def quantities(metrics: Sequence[Metric], statistics: dict[str, Floats], resamples: Resamples) -> dict[str, Quantity]:
    """Returns each metric's value with its 95 % interval: Wilson for a proportion of independent examples,
    else BCa."""
    drawn = [m for m in metrics if not (m.proportion and resamples.groups is None)]
    sums = dict(zip([m.name for m in drawn], resamples.sums([statistics[m.name] for m in drawn]), strict=True))
    return {m.name: _quantity(m, statistics[m.name], sums.get(m.name), resamples) for m in metrics}


def _quantity(metric: Metric, statistics: Floats, sums: Floats | None, resamples: Resamples) -> Quantity:
    n, units = len(statistics), resamples.units
    source = metric.signature or metric.name
    value = float(metric.value(statistics.sum(axis=0))) if n else float("nan")
    if not np.isfinite(value):
        why = "no examples were scored" if n == 0 else "undefined on these examples"
        return Quantity(None, None, None, n, metric.unit, source, metric.higher_is_better, why)
    remark = None
    if sums is None:
        interval = wilson(value * n, n)
        remark = FEW_SAID if min(value, 1 - value) * n < FEW - 0.5 else None
    elif units < bootstrap.SMALLEST_N:
        interval = None
    else:
        jackknife = bootstrap.jackknife_values(resamples.by_unit(statistics), metric.value)
        interval = bootstrap.bca_interval(np.asarray(metric.value(sums)), value, jackknife)
        remark = bootstrap.SKEWED if bootstrap.is_too_skewed(jackknife) else None
    low, high = interval or (None, None)
    reason = remark if interval else _short(units, resamples)
    return Quantity(value, low, high, n, metric.unit, source, metric.higher_is_better, reason)


def _short(units: int, resamples: Resamples) -> str:
    what = "groups" if resamples.groups is not None else "examples"
    if units < bootstrap.SMALLEST_N:
        return f"n too small for an interval: {units} {what}, {bootstrap.SMALLEST_N} needed"
    return "undefined on some resamples, so there is no interval"
