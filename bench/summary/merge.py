"""Merging the records of a cell's processes into its entry; of a large run on several cores.

Counting n-grams of a corpus takes about 30 µs an example, and the intervals of a cell's timings 4 ms, in Python that
holds the interpreter's lock: 60 models on eight tasks of 2 000 examples would take half a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import NOT_MEASURED, OFF, READINGS
from bench.host.pool import forked
from bench.metrics.base import Metric
from bench.record import Doubt, Record, Sample
from bench.stats.resample import seeded
from bench.summary import facts, quality, statistics, timings
from bench.summary.entry import Entry, Quantity

Floats = NDArray[np.float64]

MANY_TEXTS, MANY_CELLS = 50_000, 200
"""Texts to score, or cells, from which processes are forked: about 1 s of work, far above what a fork costs (0.1 s)."""
NOT_COMPUTED = "metric_not_computed"
"""Code of the doubt about a metric that raised, or is out of reach where the run is read."""
BATCH = 4
"""Cells that a process takes at a time: enough to keep a task's references in its cache."""


def summarise(
    records: Sequence[Record], resolve: quality.Resolve | None = None, seed: int = quality.SEED
) -> list[Entry]:
    """Returns one entry per cell, in the order in which the cells first appear.

    Args:
        records: of any number of cells, tasks and processes.
        resolve: metrics by name; by default those of `bench.metrics`.
        seed: of the bootstrap; the same records and seed give the same numbers.
    """
    if resolve is None:
        from bench.tasks.metrics import resolve as built_in

        resolve = built_in
    cells: dict[str, list[Record]] = {}
    for record in records:
        cells.setdefault(record.cell.id, []).append(record)
    ordered = [sorted(found, key=lambda r: r.process) for found in cells.values()]
    once = _once(resolve)
    answers = [_answers(found, once) for found in ordered]
    much = _is_much([found for found, _, _ in answers])
    calls = [partial(_computed, found, given, seed) for found, (given, _, _) in zip(ordered, answers, strict=True)]
    computed = forked(calls, BATCH, worth_it=much)
    parts = [
        _scored(*each, done.counted, found[0].cell.task, seed)
        for each, done, found in zip(answers, computed, ordered, strict=True)
    ]
    scored = quality.quantities(parts, worth_it=much)
    return [_entry(*each) for each in zip(ordered, parts, scored, computed, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class _Computed:
    """What takes the time of a cell, without its rows."""

    counted: statistics.Counted
    timed: dict[str, tuple[Floats, ...]]
    readings: dict[str, Quantity]


def _computed(records: Sequence[Record], answers: statistics.Answers, seed: int) -> _Computed:
    timed = timings.collect(records)
    rng = seeded(seed, records[0].cell.id, "timings")
    gaps = [gap for record in records for gap in timings.gaps(record.timings)]
    return _Computed(answers.statistics(), timed, timings.readings(timed, gaps, rng))


def _is_much(cells: Sequence[statistics.Answers]) -> bool:
    return len(cells) >= MANY_CELLS or sum(cell.texts for cell in cells) >= MANY_TEXTS


def _once(resolve: quality.Resolve) -> quality.Resolve:
    """Returns the same, asked once for all cells of a kind: a metric from elsewhere is then loaded, or missed, once."""
    found: dict[tuple[tuple[str, ...], str], Sequence[Metric]] = {}

    def known(names: Sequence[str], kind: str) -> Sequence[Metric]:
        key = (tuple(names), kind)
        if key not in found:
            found[key] = resolve(names, kind)
        return found[key]

    return known


def _answers(
    records: Sequence[Record], resolve: quality.Resolve
) -> tuple[statistics.Answers, dict[str, Quantity], list[str]]:
    """Returns what is to be scored, what stands for metrics that are out of reach here, and the names of all."""
    samples = _samples(records)
    every = quality.metrics_of(records[0], resolve) if samples else []
    metrics, missing = quality.usable(every)
    return statistics.Answers(samples, _labels(records), metrics), missing, [metric.name for metric in every]


def _scored(
    answers: statistics.Answers,
    missing: dict[str, Quantity],
    order: list[str],
    found: statistics.Counted,
    task: str,
    seed: int,
) -> quality.Scored:
    """Returns what the metrics are computed from; one that raised stands among the missing, with what it said."""
    failed = {m.name: quality.without(m, found.failed[m.name]) for m in answers.metrics if m.name in found.failed}
    metrics = [metric for metric in answers.metrics if metric.name in found.rows]
    resamples = quality.shared_resamples(answers.samples, seed=seed)
    return quality.Scored(metrics, found.rows, resamples, missing | failed, order, task)


def _entry(records: Sequence[Record], part: quality.Scored, scored: dict[str, Quantity], computed: _Computed) -> Entry:
    status, reason = _status(records)
    return Entry(
        cell=records[0].cell,
        status=status,
        reason=reason,
        quality=scored,
        efficiency=_efficiency(records, computed.readings, status, reason),
        doubts=(*(doubt for record in records for doubt in record.doubts), *_not_computed(part)),
        samples=_samples(records),
        statistics=part.statistics,
        metrics={metric.name: metric for metric in part.metrics},
        timed=computed.timed,
        records=tuple(records),
        labels=tuple(_labels(records)),
    )


def _not_computed(part: quality.Scored) -> list[Doubt]:
    """Returns a doubt for each metric that could not be computed here: nothing else shows that it was asked for."""
    remedy = "mend what is said, and make the report again: the answers are stored, nothing need be run again"
    missing = part.missing.items()
    return [Doubt(NOT_COMPUTED, f"{quantity.reason}", remedy, (name,), 0) for name, quantity in missing]


def _status(records: Sequence[Record]) -> tuple[str, str | None]:
    """Returns the status of the first process that did not end well, and its reason."""
    for record in records:
        if record.status != "ok":
            where = f"process {record.process}: " if len(records) > 1 else ""
            return record.status, f"{where}{record.reason or record.status}"
    return "ok", None


def _samples(records: Sequence[Record]) -> tuple[Sample, ...]:
    """Returns the rows of the first process that has any, in the data's order."""
    found = next((record.samples for record in records if record.samples), ())
    return tuple(sorted(found, key=lambda sample: sample.index))


def _labels(records: Sequence[Record]) -> Sequence[str]:
    found = next((record.notes["labels"] for record in records if record.notes.get("labels")), ())
    return [str(label) for label in found]


def _efficiency(
    records: Sequence[Record], timed: dict[str, Quantity], status: str, reason: str | None
) -> dict[str, Quantity]:
    """Returns every reading in the order of `READINGS`; where the cell did not end well, that is the missing
    ones' reason."""
    rest = [name for name in READINGS if name not in timed and name not in facts.COMPUTED]
    found = timed | facts.readings(records, rest)
    why = None if status == "ok" else f"the cell is {status}: {reason}"
    if status == "ok" and all(record.notes.get("profile") == OFF for record in records):
        why = NOT_MEASURED
    return {name: _because(found[name], why) for name in READINGS if name in found}


def _because(quantity: Quantity, why: str | None) -> Quantity:
    if why is None or quantity.value is not None:
        return quantity
    q = quantity
    return Quantity(None, None, None, q.n, q.unit, q.source, q.higher_is_better, why)
