"""Raw timings and answers for some nights, summaries for ever.

A night is a calendar day (UTC) on which runs of a suite began: one that was missed does not push another out. Rows
that a newer night links to, those of tagged runs (baselines need them) and those of runs under way stay.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, update

from bench.store import schema
from bench.store.archive import Store
from bench.store.database import explained
from bench.store.durable import sync_folder
from bench.store.reader import ROW_PATHS, SLICE
from bench.store.runs import RunInfo, utc_now


@dataclass(frozen=True, slots=True)
class Pruning:
    """What a retention of some nights removes."""

    runs: tuple[str, ...]
    """Whose rows go, the oldest first."""
    files: tuple[Path, ...]
    size_bytes: int


def plan_pruning(store: Store, keep_nights: int, leave: Collection[str] = ()) -> Pruning:
    """Returns what goes when the newest `keep_nights` nights of every suite keep their rows, and so do the runs of
    `leave`."""
    old = _old(store, keep_nights) - set(leave)
    table = schema.records
    with explained(str(store.results)):
        rows = store._read(select(table.c.run_id, table.c.pruned_at, *(table.c[name] for name in ROW_PATHS)))
    going = [row for row in rows if row["run_id"] in old]
    held = {row[name] for row in rows if row["run_id"] not in old for name in ROW_PATHS}
    paths = sorted({row[name] for row in going for name in ROW_PATHS if row[name] is not None} - held)
    files = tuple(path for path in (store.results / path for path in paths) if path.is_file())
    runs = {row["run_id"] for row in going if row["pruned_at"] is None and any(row[name] for name in ROW_PATHS)}
    return Pruning(tuple(sorted(runs)), files, sum(path.stat().st_size for path in files))


def prune(store: Store, pruning: Pruning) -> None:
    """Marks the records in the database, then removes their files; killed in between, it does the rest next time.

    The summaries of the runs must be stored before: `bench.history.retain` does both.
    """
    table, now = schema.records, utc_now().isoformat()
    with explained(str(store.results)):
        for start in range(0, len(pruning.runs), SLICE):
            some = table.c.run_id.in_(pruning.runs[start : start + SLICE])
            query = update(table).where(some, table.c.pruned_at.is_(None)).values(pruned_at=now)
            store.write(query)
        for folder in {path.parent for path in pruning.files}:
            for path in pruning.files:
                if path.parent == folder:
                    path.unlink(missing_ok=True)
            _tidy(folder)


def _tidy(folder: Path) -> None:
    if any(folder.iterdir()):
        sync_folder(folder)
    else:
        folder.rmdir()


def _old(store: Store, keep_nights: int) -> set[str]:
    """Returns the runs that are past their time."""
    suites: dict[str, list[RunInfo]] = {}
    for run in store.runs():
        suites.setdefault(run.suite, []).append(run)
    found: set[str] = set()
    for suite, runs in suites.items():
        tagged = set(store.tags(suite).values())
        kept = _nights(runs)[:keep_nights]
        found |= {run.id for run in runs if run.started_at[:10] not in kept and run.id not in tagged}
    return {run_id for run_id in found if not _is_under_way(store, run_id)}


def _nights(runs: Sequence[RunInfo]) -> list[str]:
    return sorted({run.started_at[:10] for run in runs}, reverse=True)


def _is_under_way(store: Store, run_id: str) -> bool:
    if not store.hold(run_id):
        return True
    store.release(run_id)
    return False
