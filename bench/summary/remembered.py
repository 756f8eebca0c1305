"""Entries of a run whose raw timings and answers are gone: their numbers are the summaries that outlive them.

What needs the raw rows (examples, distributions, paired tests) is missing from such an entry, and it says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.catalogue import reasons
from bench.catalogue.readings import READINGS
from bench.doubts.raw_timings_gone import RawTimingsGone
from bench.store import Document, StoredRun
from bench.summary import quality
from bench.summary.entry import Entry, Quantity, Raced
from bench.summary.merge import summarise
from bench.summary.raced import RaceOutcome, race_outcome

PRUNED = RawTimingsGone.code
"""Code of the doubt that such an entry carries."""


def summarise_run(stored: StoredRun) -> list[Entry]:
    """Make one entry per cell of a run; those without raw rows get the numbers that were kept of them."""
    race = race_outcome(stored.info.race)
    entries = [_after_the_race(entry, race) for entry in summarise(stored.records)]
    if not stored.gone:
        return entries
    by_cell: dict[tuple[str, str, str], list[Document]] = {}
    for row in stored.summaries:
        by_cell.setdefault((row["model"], row["variant"], row["task"]), []).append(row)
    return [_remembered(entry, stored, by_cell) for entry in entries]


def _after_the_race(entry: Entry, race: RaceOutcome | None) -> Entry:
    """Note what the race of its task came to for a candidate."""
    task = None if race is None else race.tasks.get(entry.cell.task)
    if task is None or entry.candidate not in task.answered:
        return entry
    raced = Raced(
        left=entry.candidate in task.out,
        is_pick=entry.candidate == task.pick,
        ties_within=task.tolerance if task.ending == "tie" else 0.0,
        ending=task.ending,
        total=task.total,
        place=task.front.get(entry.candidate),
    )
    return replace(entry, raced=raced)


def _remembered(entry: Entry, stored: StoredRun, by_cell: Mapping[tuple[str, str, str], Sequence[Document]]) -> Entry:
    labels = [(entry.cell.label, record.process) for record in entry.records]
    why = next((stored.gone[label] for label in labels if label in stored.gone), None)
    if why is None:
        return entry
    rows = by_cell.get((entry.cell.model, entry.cell.variant, entry.cell.task), ())
    quantities = {str(row["reading"]): _quantity(row) for row in rows}
    doubt = RawTimingsGone(reason=why, summarised=bool(quantities)).doubt()
    return replace(
        entry,
        quality={name: quantities[name] for name in _metrics(entry, quantities)},
        efficiency={
            name: quantities.get(name) or replace(q, reason=q.reason and reasons.raw_gone(why))
            for name, q in entry.efficiency.items()
        },
        doubts=(*entry.doubts, doubt),
        samples=(),
        statistics={},
        metrics={},
        timed={},
        levels={},
    )


def _metrics(entry: Entry, quantities: Mapping[str, Quantity]) -> list[str]:
    """List the metrics that were kept, in the task's order."""
    from bench.tasks.metrics import resolve

    metrics = [name for name in quantities if name not in READINGS]
    order = [metric.name for metric in quality.metrics_of(entry.records[0], resolve)]
    return [name for name in order if name in metrics] + sorted(set(metrics) - set(order))


def _quantity(row: Document) -> Quantity:
    name, value = str(row["reading"]), row["value"]
    about = READINGS.get(name)
    counted = about is not None and about.exact
    return Quantity(
        value=value,
        ci_low=row["low"],
        ci_high=row["high"],
        n=row["n"],
        unit=row["unit"],
        source=row["source"],
        higher_is_better=row["higher_is_better"],
        reason=reasons.stored(row["reason_code"], row["reason"]),
        exact=counted and value is not None and value == row["low"] == row["high"],
    )
