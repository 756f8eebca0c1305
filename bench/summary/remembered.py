"""Entries of a run whose raw timings and answers are gone: their numbers are the summaries that outlive them.

What needs the raw rows (examples, distributions, paired tests) is missing from such an entry, and it says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.catalogue.readings import READINGS
from bench.record import Doubt
from bench.store import StoredRun
from bench.summary import facts, quality
from bench.summary.entry import Entry, Quantity
from bench.summary.merge import summarise

PRUNED = "raw_timings_gone"
"""Code of the doubt that such an entry carries."""
REMEDY = "run the suite again for raw timings; `bench store prune --keep-nights` sets how many nights keep theirs"


def summarise_run(stored: StoredRun) -> list[Entry]:
    """Returns one entry per cell of a run; those without raw rows get the numbers that were kept of them."""
    entries = summarise(stored.records)
    if not stored.gone:
        return entries
    kept: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in stored.summaries:
        kept.setdefault((row["model"], row["variant"], row["task"]), []).append(row)
    return [_remembered(entry, stored, kept) for entry in entries]


def _remembered(
    entry: Entry, stored: StoredRun, kept: Mapping[tuple[str, str, str], Sequence[Mapping[str, Any]]]
) -> Entry:
    labels = [(entry.cell.label, record.process) for record in entry.records]
    why = next((stored.gone[label] for label in labels if label in stored.gone), None)
    if why is None:
        return entry
    rows = kept.get((entry.cell.model, entry.cell.variant, entry.cell.task), ())
    found = {str(row["reading"]): _quantity(row) for row in rows}
    said = "what is shown is the summary of that night" if found else "no summary of them was kept"
    doubt = Doubt(PRUNED, f"{why}; {said}", REMEDY)
    return replace(
        entry,
        quality={name: found[name] for name in _metrics(entry, found)},
        efficiency={
            name: found.get(name) or replace(q, reason=q.reason and why) for name, q in entry.efficiency.items()
        },
        doubts=(*entry.doubts, doubt),
        samples=(),
        statistics={},
        metrics={},
        timed={},
    )


def _metrics(entry: Entry, found: Mapping[str, Quantity]) -> list[str]:
    """Returns the names of the metrics that were kept, in the task's order."""
    from bench.tasks.metrics import resolve

    kept = [name for name in found if name not in READINGS]
    order = [metric.name for metric in quality.metrics_of(entry.records[0], resolve)]
    return [name for name in order if name in kept] + sorted(set(kept) - set(order))


def _quantity(row: Mapping[str, Any]) -> Quantity:
    name, value = str(row["reading"]), row["value"]
    exact = name in facts.EXACT and value is not None and value == row["low"] == row["high"]
    return Quantity(
        value,
        row["low"],
        row["high"],
        row["n"],
        row["unit"],
        row["source"],
        row["higher_is_better"],
        row["reason"],
        exact,
    )
