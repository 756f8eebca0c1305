"""Write the summaries of a run: what a year of nights is read from, and what is left when raw timings are pruned."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from bench.digest import content_hash
from bench.errors import StoreError
from bench.record import Cell
from bench.store import Store, StoredRun, Summary, SummaryRow
from bench.summary import Entry, Quantity, summarise_run
from bench.summary.entry import finite

NOT_TERMS = ("model", "weights", "variant", "template", "schema")
"""Parts of a cell's identity that are the candidate itself: a change of them is what history is to show. All
others (data, task version, seed, batch size, device, threads, measuring) are the terms of the comparison."""


def remember(store: Store, run_id: str) -> list[Summary]:
    """Store the summaries of a run, in place of earlier ones, and return them.

    Raises:
        StoreError: its raw timings cannot be read, or the database not be written.
    """
    summaries = summaries_of(store.load(run_id))
    store.keep_summaries(run_id, summaries)
    return summaries


def remember_entries(store: Store, stored: StoredRun, entries: Sequence[Entry]) -> None:
    """Store the summaries of a run whose entries are known already, unless it has some; a history then needs no rows.

    A database that does not take them loses nothing: whoever reads the history makes them again.
    """
    if stored.gone or not store.without_summaries([stored.info.id]):
        return
    try:
        store.keep_summaries(stored.info.id, _summaries(entries, stored.reused))
    except StoreError:
        return


def remember_missing(
    store: Store, run_ids: Sequence[str], within_s: float | None = None, clock: Callable[[], float] = time.monotonic
) -> tuple[list[SummaryRow], set[str]]:
    """Store the summaries of runs that have none, the newest runs first.

    Args:
        store: where the runs are.
        run_ids: the runs, the oldest first.
        within_s: begin with no further run after so many seconds; None for all runs.
        clock: seconds.

    Returns:
        The summaries that could not be stored, and the runs that there was no time for.

    Raises:
        StoreError: raw timings cannot be read.
    """
    fresh, begun = list[SummaryRow](), clock()
    waiting = list(run_ids)
    while waiting and (within_s is None or clock() - begun < within_s):
        run_id = waiting.pop()
        summaries = summaries_of(store.load(run_id))
        try:
            store.keep_summaries(run_id, summaries)
        except StoreError:  # read-only: history can still be read
            fresh += [_row(run_id, summary) for summary in summaries]
    return fresh, set(waiting)


def _row(run_id: str, summary: Summary) -> SummaryRow:
    values = asdict(summary) | {"run_id": run_id}
    return SummaryRow(**{name: values[name] for name in SummaryRow._fields})


def summaries_of(stored: StoredRun) -> list[Summary]:
    """Make a summary of every reading of every cell of a run."""
    return _summaries(summarise_run(stored), stored.reused)


def _summaries(entries: Sequence[Entry], reused: Mapping[tuple[str, int], str]) -> list[Summary]:
    return [
        _summary(entry, name, quantity, origin, terms)
        for entry in entries
        if entry.status != "unsupported"
        for origin, terms in [(origin_of(entry, reused), terms_of(entry.cell))]
        for name, quantity in {**entry.quality, **entry.efficiency}.items()
    ]


def origin_of(entry: Entry, reused: Mapping[tuple[str, int], str]) -> str | None:
    """Return the run that measured a cell, where all its records are linked from it; None when this run did."""
    runs = {reused.get((entry.cell.label, record.process)) for record in entry.records}
    return None if None in runs else ", ".join(sorted(str(run) for run in runs))[:32]


def terms_of(cell: Cell) -> str:
    """Hash what must be equal for two cells to be compared."""
    return content_hash({key: value for key, value in cell.identity.items() if key not in NOT_TERMS})


def _summary(entry: Entry, name: str, quantity: Quantity, origin: str | None, terms: str) -> Summary:
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
        reason=None if quantity.reason is None else quantity.reason.sentence,
        reason_code=None if quantity.reason is None else quantity.reason.code.value,
        status=entry.status,
        cell_id=cell.id,
        terms=terms,
        measured_in=origin,
    )
