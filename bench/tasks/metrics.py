"""Which metrics a task has, by the name of its kind as a suite or a record gives it."""

from __future__ import annotations

from collections.abc import Sequence

from bench.metrics import catalogue
from bench.metrics.base import Metric
from bench.tasks import KINDS


def resolve(names: Sequence[str], kind: str) -> list[Metric]:
    """Find the metrics of a task in the order named, each once; the kind's own where no name is given.

    Raises:
        InputError: there is no such kind or metric, or the metric makes no sense for the kind.
    """
    return catalogue.resolve(names, KINDS.find(kind))
