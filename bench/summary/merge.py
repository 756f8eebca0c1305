"""Merging the records of a cell's processes into its entry; of a large run on several cores.

Counting n-grams of a corpus takes about 30 µs an example, and the intervals of a cell's timings 4 ms, in Python that
holds the interpreter's lock: 60 models on eight tasks of 2 000 examples would take half a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.catalogue import reasons
from bench.catalogue.readings import OFF, READINGS, level_of
from bench.catalogue.reasons import Reason
from bench.doubts.metric_not_computed import MetricNotComputed
from bench.host.pool import forked
from bench.metrics.base import Metric
from bench.record import ASKED, OF_ANSWERS, WELL, Doubt, Record, Sample, Status, round_of
from bench.stats import processes
from bench.stats.processes import Levels, Spread
from bench.stats.resample import seeded
from bench.summary import facts, load, parents, quality, statistics, timings, tokens
from bench.summary.entry import Entry, Quantity
from bench.summary.levels import Offered, offered

Floats = NDArray[np.float64]

MANY_TEXTS, MANY_CELLS = 50_000, 200
"""Texts to score, or cells, from which processes are forked: about 1 s of work, far above what a fork costs (0.1 s)."""
NOT_COMPUTED = MetricNotComputed.code
"""Code of the doubt about a metric that raised, or is out of reach where the run is read."""
BATCH = 4
"""Cells that a process takes at a time: enough to keep a task's references in its cache."""


def summarise(
    records: Sequence[Record], resolve: quality.Resolve | None = None, seed: int = quality.SEED
) -> list[Entry]:
    """Merge the records of each cell into one entry, in the order in which the cells first appear.

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
    ordered = [sorted(of_cell, key=lambda record: record.process) for of_cell in cells.values()]
    once = _once(resolve)
    tasks = [_to_score(of_cell, once) for of_cell in ordered]
    much = _is_much([task.answers for task in tasks])
    repeated = {of_cell[0].cell.task for of_cell in ordered if sum(map(_measures, of_cell)) > 1}
    calls = [
        partial(_computed, of_cell, task.answers, seed, repeated=of_cell[0].cell.task in repeated)
        for of_cell, task in zip(ordered, tasks, strict=True)
    ]
    computed = forked(calls, BATCH, worth_it=much)
    pooled = _pooled(ordered, computed)
    parts = [
        _scored(task, done.counted, of_cell[0].cell.task, seed)
        for task, done, of_cell in zip(tasks, computed, ordered, strict=True)
    ]
    scored = quality.quantities(parts, worth_it=much)
    entries = [
        _entry(of_cell, part, quantities, done, pooled[of_cell[0].cell.task])
        for of_cell, part, quantities, done in zip(ordered, parts, scored, computed, strict=True)
    ]
    return parents.with_parents(tokens.doubted(entries))


@dataclass(frozen=True, slots=True, eq=False)
class _Computed:
    """What takes the time of a cell, without its rows."""

    counted: statistics.Counted
    timed: dict[str, tuple[Floats, ...]]
    readings: dict[str, Quantity]
    """With intervals over the samples alone."""
    levels: dict[str, Levels]
    """What each process read; empty where no candidate of the task has two."""


@dataclass(frozen=True, slots=True)
class _Pooled:
    """What the candidates of a task show together of how much processes differ, by reading."""

    spreads: dict[str, Spread]
    paired: dict[str, Spread]


def _computed(records: Sequence[Record], answers: statistics.Answers, seed: int, *, repeated: bool) -> _Computed:
    by_process = timings.collect_by_process(records)
    timed = {kind: tuple(arrays.values()) for kind, arrays in by_process.items()}
    rng = seeded(seed, records[0].cell.draw_key, "timings")
    gaps = [gap for record in records for gap in timings.gaps(record.timings)]
    readings = timings.readings(timed, gaps, rng)
    levels: dict[str, Levels] = {}
    rounds = {record.process: round_of(record) for record in records}
    if repeated:
        of_processes = seeded(seed, records[0].cell.draw_key, "processes")
        for name, alone in readings.items():
            arrays = by_process[timings.DERIVATIONS[name].timed]
            numbers = [rounds[process] for process in arrays]
            own = timings.levels(name, numbers, list(arrays.values()), alone, of_processes)
            levels |= {} if own is None else {name: own}
        levels |= facts.levels(records, [name for name in READINGS if name not in readings])
    return _Computed(answers.statistics(), timed, readings, levels)


def _pooled(ordered: Sequence[Sequence[Record]], computed: Sequence[_Computed]) -> dict[str, _Pooled]:
    """Pool the spread between processes over the candidates of each task that ended well."""
    by_task: dict[str, list[_Computed]] = {}
    for records, done in zip(ordered, computed, strict=True):
        good = all(record.status in WELL for record in records)
        by_task.setdefault(records[0].cell.task, []).extend([done] if good else [])
    out = {}
    for task, cells in by_task.items():
        of_reading = {
            name: [done.levels[name] for done in cells if name in done.levels]
            for name in dict.fromkeys(name for done in cells for name in done.levels)
        }
        spreads = {name: processes.spread_of(levels) for name, levels in of_reading.items()}
        paired = {name: processes.paired_spread_of(levels) for name, levels in of_reading.items()}
        out[task] = _Pooled(*({n: s for n, s in found.items() if s is not None} for found in (spreads, paired)))
    return out


def _is_much(cells: Sequence[statistics.Answers]) -> bool:
    return len(cells) >= MANY_CELLS or sum(cell.texts for cell in cells) >= MANY_TEXTS


def _once(resolve: quality.Resolve) -> quality.Resolve:
    """Resolve the metrics of each kind once for all its cells, so that a plug-in is loaded, or missed, only once."""
    cache: dict[tuple[tuple[str, ...], str], Sequence[Metric]] = {}

    def cached(names: Sequence[str], kind: str) -> Sequence[Metric]:
        key = (tuple(names), kind)
        if key not in cache:
            cache[key] = resolve(names, kind)
        return cache[key]

    return cached


@dataclass(frozen=True, slots=True, eq=False)
class _ToScore:
    """What is to be scored of one cell."""

    answers: statistics.Answers
    missing: dict[str, Quantity]
    """What stands for metrics that are out of reach here."""
    order: list[str]
    """Names of all metrics."""


def _to_score(records: Sequence[Record], resolve: quality.Resolve) -> _ToScore:
    samples = _samples(records)
    every = quality.metrics_of(records[0], resolve) if samples else []
    metrics, missing = quality.usable(every)
    answers = statistics.Answers(samples, _labels(records), metrics)
    return _ToScore(answers, missing, [metric.name for metric in every])


def _scored(task: _ToScore, counted: statistics.Counted, name: str, seed: int) -> quality.Scored:
    """Collect what the metrics are computed from; a metric that raised stands among the missing, with its message."""
    answers, failures = task.answers, counted.failed
    failed = {m.name: quality.without(m, failures[m.name]) for m in answers.metrics if m.name in failures}
    metrics = [metric for metric in answers.metrics if metric.name in counted.rows]
    resamples = quality.shared_resamples(answers.samples, seed=seed)
    return quality.Scored(metrics, counted.rows, resamples, task.missing | failed, task.order, name)


def _entry(
    records: Sequence[Record],
    part: quality.Scored,
    scored: dict[str, Quantity],
    computed: _Computed,
    pooled: _Pooled,
) -> Entry:
    samples = _samples(records)
    status, reason = _status(records, len(samples))
    levels = offered(records)
    timed = {
        name: timings.over_processes(name, alone, computed.levels.get(name), pooled.spreads.get(name))
        for name, alone in computed.readings.items()
    }
    return Entry(
        cell=records[0].cell,
        status=status,
        reason=reason,
        quality=scored,
        efficiency=_efficiency(records, timed, levels, status, reason),
        load=levels,
        doubts=(*_doubts(records), *_not_computed(part)),
        samples=samples,
        statistics=part.statistics,
        metrics={metric.name: metric for metric in part.metrics},
        timed=computed.timed,
        levels=computed.levels,
        spreads=pooled.spreads,
        paired_spreads=pooled.paired,
        records=tuple(records),
        labels=tuple(_labels(records)),
    )


def _not_computed(part: quality.Scored) -> list[Doubt]:
    """Add a doubt for each metric that could not be computed here: nothing else shows that the suite asks for it."""
    missing = part.missing.items()
    return [MetricNotComputed(reason=f"{quantity.reason}", readings=(name,)).doubt() for name, quantity in missing]


def _measures(record: Record) -> bool:
    """Tell whether a process was measured."""
    return record.notes.get("profile") != OFF


def _status(records: Sequence[Record], answered: int) -> tuple[Status, str | None]:
    """Find the status of the first process that did not end well, and its reason; else whether all was answered."""
    for record in records:
        if record.status not in WELL:
            where = f"process {record.process}: " if len(records) > 1 else ""
            return record.status, f"{where}{record.reason or record.status}"
    total = max((record.notes[ASKED]["total"] for record in records if ASKED in record.notes), default=answered)
    return ("ok", None) if answered >= total else ("settled", f"{answered} of {total} examples answered")


def _samples(records: Sequence[Record]) -> tuple[Sample, ...]:
    """Join the rows of all processes, in the data's order; of an example that several answered, the first's."""
    rows: dict[int, Sample] = {}
    for record in records:
        for sample in record.samples:
            rows.setdefault(sample.index, sample)
    return tuple(rows[index] for index in sorted(rows))


def _doubts(records: Sequence[Record]) -> list[Doubt]:
    """Collect the doubts of all processes; of those about answers the last ones, which are about all answers."""
    last = max((place for place, record in enumerate(records) if record.samples), default=0)
    return [
        doubt
        for place, record in enumerate(records)
        for doubt in record.doubts
        if place >= last or doubt.code not in record.notes.get(OF_ANSWERS, ())
    ]


def _labels(records: Sequence[Record]) -> Sequence[str]:
    labels = next((record.notes["labels"] for record in records if record.notes.get("labels")), ())
    return [str(label) for label in labels]


def _efficiency(
    records: Sequence[Record],
    timed: dict[str, Quantity],
    levels: Sequence[Offered],
    status: str,
    reason: str | None,
) -> dict[str, Quantity]:
    """Gather every reading in the order of `READINGS`.

    Where the cell did not end well, or nothing was measured, that is the reason of what is missing.
    """
    loaded = any(fact.name in READINGS and READINGS[fact.name].of_load for r in records for fact in r.facts)
    untimed = [
        n for n, about in READINGS.items() if n not in timed and not about.priced and (loaded or not about.of_load)
    ]
    quantities = timed | facts.readings(records, untimed) | load.readings(records, levels)
    why = None if status in WELL else reasons.cell_ended(status, reason)
    if status in WELL and not any(map(_measures, records)):
        why = reasons.MEASURING_OFF
    order = [*(name for name in READINGS if name in quantities), *(n for n in quantities if level_of(n) is not None)]
    return {name: _because(quantities[name], why) for name in order}


def _because(quantity: Quantity, why: Reason | None) -> Quantity:
    if why is None or quantity.value is not None:
        return quantity
    return replace(quantity, ci_low=None, ci_high=None, reason=why, exact=False)
