"""Brings into a store what is kept elsewhere: beside a database that could not take it, or in another results folder.

Two things are kept beside a database: the journal of an unfinished run (`bench.store.journal`), and a whole database,
`beside.db`, where the store could not even be opened when a night began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import StoreError
from bench.store.archive import DATABASE, Store, record_key, stamp
from bench.store.encoding import Row, environment_row, fact_row
from bench.store.leftovers import walk
from bench.store.rows import ROW_PATHS
from bench.store.runs import RunInfo

BESIDE = "beside.db"
"""Database of the nights that found the store unusable; beside the results folder's own."""
OF_THE_DATABASE = ("id", "run_id", "environment_hash", "machine_key")
"""Columns of a record that only its own database knows."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was brought in."""

    runs: tuple[str, ...]
    """Runs that the database had never heard of, or that lacked records."""
    records: int
    left: tuple[tuple[str, str], ...]
    """What was not taken, and why."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One record of another store, as rows."""

    row: Row
    environment: Row
    facts: tuple[Row, ...]


def open_or_beside(results: Path, url: str | None = None, blobs: str | None = None) -> tuple[Store, str | None]:
    """Open the store for a night that nobody watches, with what is wrong; one beside it where its database is unusable.

    A blob store that is away is no reason not to use the database: the gate needs the nights before.

    Raises:
        StoreError: nothing can be written beside it either.
    """
    try:
        store = Store.open(results, url, blobs=blobs, reach=False)
        try:
            store.database.probe()
        except StoreError:
            store.close()
            raise
    except StoreError as error:
        path = results.absolute() / BESIDE
        beside = Store.open(results, f"sqlite:///{path}", blobs=blobs, reach=False)
        return beside, f"{error}; until then runs are kept in {path}, and `bench store import` takes them over"
    try:
        store.files.probe()
    except StoreError as error:
        return store, str(error)
    return store, None


def import_kept(store: Store) -> Imported:
    """Put back everything that is kept beside the database; what is running now is left alone."""
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
    if beside.exists() and not store.database.is_at(beside):
        with Store.open(store.results, f"sqlite:///{beside}", create=False) as other:
            merged = _merge(store, other)
        if not merged.left:
            _put_out_of_the_way(beside, merged.runs[-1] if merged.runs else "empty")
        runs, records, left = [*runs, *merged.runs], records + merged.records, [*left, *merged.left]
    return Imported(tuple(runs), records, tuple(left))


def import_folder(store: Store, folder: Path) -> Imported:
    """Copy the runs of another results folder, with rows, logs, summaries, canaries and tags.

    The folder stays as it is, but that a database of an older version is brought to this one, beside a copy.
    A run that is here already gets the records that it lacks. Reports and trained checkpoints are not copied.

    Raises:
        StoreError: there are no results in the folder, or they cannot be read.
    """
    if folder.resolve() == store.results.resolve():
        raise StoreError(
            f"{folder} is the results folder itself; name another one, or none to put back what is beside it"
        )
    if not (folder / DATABASE).is_file():
        raise StoreError(f"{folder}: no results are there to import; name a folder that holds {DATABASE}")
    with Store.open(folder, create=False) as other:
        return _merge(store, other)


def _merge(store: Store, other: Store) -> Imported:
    runs: list[str] = []
    left: list[tuple[str, str]] = []
    records = 0
    for info in reversed(other.runs()):
        try:
            reason, count = _merge_run(store, other, info)
        except StoreError as error:
            reason, count = str(error), 0
        records += count
        if reason is not None:
            left.append((info.id, reason))
        elif count:
            runs.append(info.id)
    for suite in sorted(other.suites()):
        left += _merge_tags(store, other, suite)
    return Imported(tuple(runs), records, tuple(left))


def _merge_run(store: Store, other: Store, info: RunInfo) -> tuple[str | None, int]:
    """Copy a run, and return why not, if so, and how many records were new."""
    is_new = not store.reader.has(info.id)
    if not is_new and _identity(store.find(info.id)) != _identity(info):
        return "another run has the same id here", 0
    if not (store.is_free(info.id) and other.is_free(info.id)):
        return "it is running now", 0
    if is_new:
        with store.database.explained():
            store.add_run(replace(info, status="interrupted"))  # as long as records are missing
        for canary in other.canaries([info.id]).get(info.id, []):
            store.keep_canary(info.id, canary)
    stored = store.stamps(info.id)
    count = 0
    for source in _records(other, info.id):
        if stored.get(record_key(source.row), "") < stamp(source.row):
            store.put(info.id, _with_rows_here(store, other, source.row), source.environment, source.facts)
            count += 1
    if info.status == "complete":
        store.mark_complete(info.id)
    _copy_logs(store, other, info.id)
    summaries = other.summaries_of(info.id)
    if count and summaries and len(store.stamps(info.id)) == count:  # else they sum up other records than are here
        store.keep_summaries(info.id, summaries)
    return None, count


def _identity(info: RunInfo) -> tuple[str, ...]:
    return info.suite, info.started_at, info.plan_hash, info.machine_key


def _records(other: Store, run_id: str) -> Iterator[_Source]:
    """Read the records of a run, then those that its database did not take."""
    for row, environment, facts in other.reader.records_of(run_id):
        plain = {name: value for name, value in row.items() if name not in OF_THE_DATABASE}
        yield _Source(plain, environment_row(environment), tuple(fact_row(fact) for fact in facts))
    stored = other.stamps(run_id)
    for kept in other.journal.records(run_id):
        if stored.get(record_key(kept.row), "") < stamp(kept.row):
            yield _Source(kept.row, kept.environment, kept.facts)


def _with_rows_here(store: Store, other: Store, row: Row) -> Row:
    """Copy a record's files, and return its row; files that are elsewhere stay there."""
    paths = {name: str(row[name]) for name in ROW_PATHS if row[name] is not None}
    missing = {n: path for n, path in paths.items() if not store.files.exists(path) and other.files.exists(path)}
    return {**row, **{name: store.files.put(path, other.files.get(path)) for name, path in missing.items()}}


def _copy_logs(store: Store, other: Store, run_id: str) -> None:
    if store.results == other.results:
        return
    with store.database.explained():
        for path in walk(other.results / "logs" / run_id):
            name = path.relative_to(other.results).as_posix()
            if path.is_file() and not path.is_symlink() and not store.files.home.exists(name):
                store.files.home.put(name, path.read_bytes())


def _merge_tags(store: Store, other: Store, suite: str) -> list[tuple[str, str]]:
    here = store.tags(suite)
    left = []
    for name, run_id in other.tags(suite).items():
        if here.get(name, run_id) != run_id:
            left.append((run_id, f"its tag '{name}' names {here[name]} here"))
        elif name not in here and store.reader.has(run_id):
            store.tag(run_id, name)
    return left


def _import_journal(store: Store, run_id: str) -> int | None:
    if not store.hold(run_id):
        return None
    try:
        if not store.reader.has(run_id):
            with store.database.explained():
                store.add_run(replace(store.journal.info(run_id), status="interrupted"))
        return store.settle(run_id, forget=True)
    finally:
        store.release(run_id)


def _put_out_of_the_way(path: Path, name: str) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.replace(path.with_name(f"{path.stem}-{name}.imported"))
