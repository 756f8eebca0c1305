"""Raw timings and answers for some nights, summaries for ever.

A night is a calendar day (UTC) on which runs of a suite began: one that was missed does not push another out. Rows
that a newer night links to, those of tagged runs (baselines need them) and those of runs under way stay. The parts of
cells that a run keeps until it is complete go with its rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from bench.store import schema
from bench.store.archive import Store
from bench.store.parts import forget_parts, parts_of
from bench.store.reader import slices
from bench.store.rows import ROW_PATHS
from bench.store.runs import RunInfo, utc_now


@dataclass(frozen=True, slots=True)
class Pruning:
    """What a retention of some nights removes."""

    runs: tuple[str, ...]
    """Whose rows go, the oldest first."""
    files: tuple[str, ...]
    """As the database names them; parts of cells by their paths in the results folder."""
    size_bytes: int
    unfinished: tuple[str, ...] = ()
    """Runs whose parts of cells go."""


def plan_pruning(store: Store, keep_nights: int, leave: Collection[str] = ()) -> Pruning:
    """Find what goes when the newest `keep_nights` nights of every suite keep their rows, and so do the runs of
    `leave`."""
    old = _old(store, keep_nights) - set(leave)
    table = schema.records
    rows = store.database.read(select(table.c.run_id, table.c.pruned_at, *(table.c[name] for name in ROW_PATHS)))
    going = [row for row in rows if row["run_id"] in old]
    needed = {row[name] for row in rows if row["run_id"] not in old for name in ROW_PATHS}
    named = sorted({str(row[name]) for row in going for name in ROW_PATHS if row[name] is not None} - needed)
    sizes = _sizes(store, {name.rpartition("/")[0] for name in named})
    unfinished = sorted(run_id for run_id in old if (store.results / parts_of(run_id)).is_dir())
    present = {name: sizes[name] for name in named if name in sizes}
    present |= _sizes(store, {parts_of(run_id) for run_id in unfinished})
    runs = {row["run_id"] for row in going if row["pruned_at"] is None and any(row[name] for name in ROW_PATHS)}
    return Pruning(tuple(sorted(runs)), tuple(present), sum(present.values()), tuple(unfinished))


def _sizes(store: Store, folders: set[str]) -> dict[str, int]:
    """Measure the size in bytes of every file in some folders, by the name that the database has for it."""
    sizes: dict[str, int] = {}
    with store.database.explained():
        for folder in sorted(folders):
            blobs, prefix = store.files.place(f"{folder}/")
            sizes |= {f"{folder}/{blob.name.removeprefix(prefix)}": blob.size_bytes for blob in blobs.list(prefix)}
    return sizes


def prune(store: Store, pruning: Pruning) -> None:
    """Mark the records in the database, then remove their files; killed in between, it does the rest next time.

    The summaries of the runs must be stored before: `bench.history.retain` does both.
    """
    table, now = schema.records, utc_now().isoformat()
    for some in slices(pruning.runs):
        unmarked = (table.c.run_id.in_(some), table.c.pruned_at.is_(None))
        store.database.write(update(table).where(*unmarked).values(pruned_at=now))
    with store.database.explained():
        for name in pruning.files:
            blobs, path = store.files.place(name)
            blobs.delete(path)
    for run_id in pruning.unfinished:
        forget_parts(store.results, run_id)


def _old(store: Store, keep_nights: int) -> set[str]:
    """Find the runs that are past their time."""
    suites: dict[str, list[RunInfo]] = {}
    for run in store.runs():
        suites.setdefault(run.suite, []).append(run)
    old: set[str] = set()
    for suite, runs in suites.items():
        tagged = set(store.tags(suite).values())
        nights = _nights(runs)[:keep_nights]
        old |= {run.id for run in runs if run.started_at[:10] not in nights and run.id not in tagged}
    return {run_id for run_id in old if store.is_free(run_id)}


def _nights(runs: Sequence[RunInfo]) -> list[str]:
    return sorted({run.started_at[:10] for run in runs}, reverse=True)
