"""Writes the summaries of a run: what a year of nights is read from, and what is left when raw timings are pruned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.digest import content_hash
from bench.errors import StoreError
from bench.record import Cell
from bench.store import Store, StoredRun, Summary
from bench.summary import Entry, Quantity, summarise_run
from bench.summary.entry import finite

NOT_TERMS = ("model", "weights", "variant", "template", "schema")
"""Parts of a cell's identity that are the candidate itself: a change of them is what history is to show. All
others (data, task version, seed, batch size, device, threads, measuring) are the terms of the comparison."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """A summary that could not be stored (the database is read-only), with its run."""

    run_id: str
    summary: Summary

    def __getattr__(self, name: str) -> Any:
        return getattr(self.summary, name)


def remember(store: Store, run_id: str) -> list[Summary]:
    """Stores the summaries of a run, in place of earlier ones, and returns them.

    Raises:
        StoreError: its raw timings cannot be read, or the database not be written.
    """
    found = summaries_of(store.load(run_id))
    store.keep_summaries(run_id, found)
    return found


def remember_missing(store: Store, run_ids: Sequence[str]) -> list[Fresh]:
    """Stores the summaries of the runs that have none; returns those that could not be stored."""
    fresh: list[Fresh] = []
    for run_id in store.without_summaries(run_ids):
        found = summaries_of(store.load(run_id))
        try:
            store.keep_summaries(run_id, found)
        except StoreError:  # read-only: history can be read all the same
            fresh += [Fresh(run_id, summary) for summary in found]
    return fresh


def summaries_of(stored: StoredRun) -> list[Summary]:
    """Returns a summary of every reading of every cell of a run."""
    found = []
    kept = tuple(record for record in stored.records if record.status != "unsupported")
    for entry in summarise_run(replace(stored, records=kept)):
        origin = origin_of(entry, stored.reused)
        quantities = {**entry.quality, **entry.efficiency}
        found += [_summary(entry, name, quantity, origin) for name, quantity in quantities.items()]
    return found


def origin_of(entry: Entry, reused: Mapping[tuple[str, int], str]) -> str | None:
    """Returns the run that measured a cell, where all its records are linked from it; None when this run did."""
    runs = {reused.get((entry.cell.label, record.process)) for record in entry.records}
    return None if None in runs else ", ".join(sorted(str(run) for run in runs))[:32]


def terms_of(cell: Cell) -> str:
    """Returns the hash of what must be equal for two cells to be compared."""
    return content_hash({key: value for key, value in cell.identity.items() if key not in NOT_TERMS})


def _summary(entry: Entry, name: str, quantity: Quantity, origin: str | None) -> Summary:
    cell = entry.cell
    return Summary(
        model=cell.model,
        variant=cell.variant,
        task=cell.task,
        reading=name,
        unit=quantity.unit,
        higher_is_better=quantity.higher_is_better,
        value=finite(quantity.value),
        low=finite(quantity.ci_low),
        high=finite(quantity.ci_high),
        n=quantity.n,
        source=quantity.source,
        reason=quantity.reason,
        status=entry.status,
        cell_id=cell.id,
        terms=terms_of(cell),
        measured_in=origin,
    )
