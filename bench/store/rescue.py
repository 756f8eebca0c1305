"""Puts back what was kept beside a database that could not take it, once it can again.

Two things are kept beside it: the journal of an unfinished run (`bench.store.journal`), and a whole database,
`beside.db`, where the store could not even be opened when a night began.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bench.errors import StoreError
from bench.store import schema
from bench.store.database import explained
from bench.store.encoding import environment_row, fact_row

if TYPE_CHECKING:
    from bench.store.archive import Store

BESIDE = "beside.db"
"""Database of the nights that found the store unusable; beside the results folder's own."""
RECORD_KEY = ("model", "variant", "task", "process")
"""What names a record within its run."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was put back."""

    runs: tuple[str, ...]
    """Runs that the database had never heard of, or that lacked records."""
    records: int
    left: tuple[tuple[str, str], ...]
    """What stays beside the database, and why."""


def open_or_beside(results: Path, url: str | None = None) -> tuple[Store, str | None]:
    """Returns the store for a night that nobody watches, and None; or one beside it, and what is wrong.

    Raises:
        StoreError: nothing can be written beside it either.
    """
    from bench.store.archive import Store  # which needs `settle`

    try:
        store = Store.open(results, url)
        try:
            store.probe()
        except StoreError:
            store.close()
            raise
        return store, None
    except StoreError as error:
        path = results.absolute() / BESIDE
        beside = Store.open(results, f"sqlite:///{path}")
        return beside, f"{error}; until then runs are kept in {path}, and `bench store import` takes them over"


def settle(store: Store, run_id: str, *, forget: bool) -> int:
    """Puts into the database what the journal of a run has and it has not; returns how many records that were.

    Args:
        store: it must hold the run.
        run_id: whose journal.
        forget: remove the journal afterwards: the run will not go on, or all of it is in the database.
    """
    kept = store.journal.records(run_id)
    there = _stored(store, run_id) if kept else {}
    missing = [one for one in kept if there.get(_key(one.row), "") < _stamp(one.row)]
    for one in missing:
        store.put(run_id, dict(one.row), dict(one.environment), [dict(fact) for fact in one.facts])
    if forget:
        store.journal.forget(run_id)
    return len(missing)


def import_kept(store: Store) -> Imported:
    """Puts back everything that is kept beside the database; what is running now is left alone."""
    runs: list[str] = []
    left: list[tuple[str, str]] = []
    records = 0
    for run_id in store.journal.runs():
        try:
            count = _import_journal(store, run_id)
        except StoreError as error:
            left.append((run_id, str(error)))
            continue
        if count is None:
            left.append((run_id, "it is running now"))
        elif count:
            runs.append(run_id)
            records += count
    beside = store.results.absolute() / BESIDE
    if beside.exists() and not store.is_at(beside):
        found, count = _import_database(store, beside)
        runs, records = runs + found, records + count
    return Imported(tuple(runs), records, tuple(left))


def _import_journal(store: Store, run_id: str) -> int | None:
    if not store.hold(run_id):
        return None
    try:
        if not store.has(run_id):
            store.add_run(replace(store.journal.info(run_id), status="interrupted"))
        return settle(store, run_id, forget=True)
    finally:
        store.release(run_id)


def _import_database(store: Store, path: Path) -> tuple[list[str], int]:
    """Copies every run of the database at `path`, then puts it out of the way."""
    runs, records = [], 0
    with type(store).open(store.results, f"sqlite:///{path}", create=False) as other:
        for info in reversed(other.runs()):
            if not store.has(info.id):
                store.add_run(info)
                for canary in other.canaries([info.id]).get(info.id, []):
                    store.keep_canary(info.id, canary)
            there = _stored(store, info.id)
            for row, environment, facts in _rows(other, info.id):
                if _key(row) not in there:
                    store.put(info.id, row, environment, facts)
                    records += 1
            runs.append(info.id)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.replace(path.with_name(f"{path.stem}-{runs[-1] if runs else 'empty'}.imported"))
    return runs, records


def _rows(other: Store, run_id: str) -> list[tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]]:
    """Returns the rows of the records of a run, each with its environment's and those of its facts."""
    with explained(str(other.results)):
        found = other._read(select(schema.records).where(schema.records.c.run_id == run_id))
        environments, facts = other._details(found)
    out = []
    for row in found:
        plain = {name: value for name, value in row.items() if name not in _OF_THE_DATABASE}
        environment = environment_row(environments[row["environment_hash"]])
        out.append((plain, environment, [fact_row(fact) for fact in facts[row["id"]]]))
    return out


_OF_THE_DATABASE = ("id", "run_id", "environment_hash", "machine_key")


def _stored(store: Store, run_id: str) -> dict[tuple[Any, ...], str]:
    table = schema.records
    with explained(str(store.results)):
        rows = store._read(
            select(*(table.c[name] for name in (*RECORD_KEY, "started_at"))).where(table.c.run_id == run_id)
        )
    return {_key(row): _stamp(row) for row in rows}


def _key(row: Any) -> tuple[Any, ...]:
    return tuple(row[name] for name in RECORD_KEY)


def _stamp(row: Any) -> str:
    return str(row["started_at"] or "0")
