"""What each unit of the examples contributes to a metric, so that any metric is compared as a mean is.

A unit is an example, or a group of them. For a mean of examples the contribution is the score itself; for BLEU, macro
F1, perplexity and the like it is the jackknife's pseudo-value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics.base import Metric
from bench.stats.bootstrap import jackknife_values

Floats = NDArray[np.float64]


def value_of(statistics: Floats, metric: Metric) -> float:
    """Compute the metric on these rows; NaN where it is undefined."""
    return float(metric.value(statistics.sum(axis=0))) if len(statistics) else float("nan")


def contributions(statistics: Floats, metric: Metric, ends: Sequence[int]) -> Floats:
    """Compute the pseudo-value of each unit, shape `(units,)`; NaN where the metric is undefined without one.

    Args:
        statistics: rows in the race's order, shape `(n, k)`.
        metric: what turns their sums into a value.
        ends: how many rows there are after each unit; the last is n.

    Source: Tukey (1958), Annals of Mathematical Statistics 29, 614.
    """
    by_unit = statistics
    if len(ends) < len(statistics):
        by_unit = np.add.reduceat(statistics, [0, *ends[:-1]], axis=0)
    if len(by_unit) < 2:
        return np.full(len(by_unit), value_of(statistics, metric))
    left_out = jackknife_values(by_unit, metric.value)
    return np.asarray(len(by_unit) * value_of(statistics, metric) - (len(by_unit) - 1) * left_out, dtype=np.float64)
