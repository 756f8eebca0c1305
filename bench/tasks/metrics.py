"""Which metrics a task has, by the name of its kind as a suite or a record gives it."""

from __future__ import annotations

from collections.abc import Sequence

from bench.data.base import Example
from bench.errors import BenchError
from bench.metrics import catalogue
from bench.metrics.base import Metric
from bench.metrics.module import External
from bench.suite import Suite, TaskSpec
from bench.tasks import KINDS

LOOKED_AT = 1000
"""References of a task that are looked at for what a metric overlooks: enough for a share, and done in a tenth of a
second."""


def resolve(names: Sequence[str], kind: str) -> list[Metric]:
    """Find the metrics of a task in the order named, each once; the kind's own where no name is given.

    Raises:
        InputError: there is no such kind or metric, or the metric makes no sense for the kind.
    """
    return catalogue.resolve(names, KINDS.find(kind))


def first_of(suite: Suite) -> tuple[str, ...]:
    """Name the first metric of each task whose kind is known, for which `quality` stands."""
    tasks = [task for task in suite.tasks if task.kind in KINDS]
    return tuple(next(iter(task.metrics or KINDS[task.kind].metrics)) for task in tasks)


def overlooked(task: TaskSpec, examples: Sequence[Example]) -> list[dict[str, object]]:
    """Count the references of which a metric reads so little that its value would say nothing.

    Returns:
        For each such metric `metric`, `count`, `looked_at` and `setting`, what `metric_options` would hold
        to read them, or None.
    """
    kind = KINDS.find(task.kind)
    if kind.answers not in ("text", "short text"):
        return []
    texts = [kind.columns.reference_text(example) for example in examples[:LOOKED_AT]]
    try:
        metrics = catalogue.with_options(resolve(task.metrics, task.kind), task.metric_options)
    except BenchError:  # out of reach here, which the summary says
        return []
    notes: list[dict[str, object]] = []
    for metric in metrics:
        texts_overlooked = [] if isinstance(metric, External) else [text for text in texts if metric.overlooks(text)]
        if texts_overlooked:
            remedy = metric.remedy(texts_overlooked[0])
            inner = ", ".join(f"{name}: {value}" for name, value in remedy.items())
            setting = f"{metric.name}: {{{inner}}}" if remedy else None
            note = {"metric": metric.name, "count": len(texts_overlooked), "looked_at": len(texts), "setting": setting}
            notes.append(note)
    return notes
