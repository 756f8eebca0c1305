"""From the names that a suite gives to metrics, with the defaults of each kind of task.

A name is one of `bench.catalogue.readings.METRICS` or of `METRIC_GROUPS`; `package.module:function` for a callable of
one's own; or `evaluate:NAME` for a Hugging Face `evaluate` module (see `bench.metrics.module`). Nothing heavy
is imported here.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.catalogue.readings import METRIC_GROUPS, METRICS
from bench.errors import InputError, nearest
from bench.metrics.base import Judged, Metric


def resolve(names: Sequence[str], kind: Judged) -> list[Metric]:
    """Find the metrics for a task in the order named, each once; the kind's defaults where no name is
    given.

    Raises:
        InputError: no metric has the name, or it makes no sense for the kind.
    """
    wanted = list(names) or list(kind.metrics)
    expanded = [single for name in wanted for single in METRIC_GROUPS.get(name, (name,))]
    return [_suited(_find(name), kind) for name in dict.fromkeys(expanded)]


def _find(name: str) -> Metric:
    if name in METRICS:
        found: Metric = METRICS.load(name)()
        return found
    if ":" in name or "/" in name:
        from bench.metrics import module

        return module.find(name)
    valid = [*METRICS, *METRIC_GROUPS]
    raise InputError(
        f"no metric is named '{name}'; {nearest(name, valid)} (one's own: 'package.module:function' or 'evaluate:NAME')"
    )


def fits(metric: Metric, kind: Judged) -> bool:
    """Tell whether a metric makes sense for a kind of task."""
    return kind.answers in metric.kinds or kind.name in metric.kinds


def _suited(metric: Metric, kind: Judged) -> Metric:
    if fits(metric, kind):
        return metric
    fitting = ", ".join(name for name in METRICS if fits(METRICS.load(name), kind)) or "none of bench's"
    raise InputError(
        f"the metric '{metric.name}' makes no sense for {kind.name}; these do: {fitting} ('{metric.name}' is for "
        f"{', '.join(sorted(metric.kinds))}; the answer to {kind.name} is: {kind.answers})"
    )
