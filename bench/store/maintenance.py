"""Whether a results folder and its database are whole, and what to do where they are not.

It reads every table and every file of rows, and follows no link. `repair` removes what a killed process left behind;
what may be the only copy of something is never removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, inspect, select, text

from bench.errors import StoreError
from bench.store import schema
from bench.store.addresses import shown_address
from bench.store.archive import DATABASE, Store
from bench.store.database import explained, make_engine, version_of
from bench.store.leftovers import half_written, walk
from bench.store.rescue import BESIDE
from bench.store.rows import ROW_PATHS, RowFiles
from bench.store.runs import RunInfo

Level = Literal["error", "warning", "note"]

SHOWN = 5
"""Faults of a kind that are named; the rest are counted."""
REPAIR = "bench store check --repair"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be."""

    level: Level
    """`error`: something is lost or unusable. `warning`: something is left over. `note`: worth knowing."""
    code: str
    """Stable name, for programs."""
    what: str
    remedy: str
    files: tuple[Path, ...] = ()
    """What `repair` removes."""
    blobs: tuple[str, ...] = ()
    """What it removes of blob stores elsewhere, as the database would name it."""


def check(results: Path, url: str | None = None) -> list[Finding]:
    """Find what is wrong with a results folder and its database, the worst first; write nothing.

    Raises:
        StoreError: there are no results at all.
    """
    database = results / DATABASE
    if url is None and not database.exists():
        raise StoreError(f"{results}: no results are there; run a suite first, or name the folder with --results")
    place = str(database) if url is None else shown_address(url)
    engine = make_engine(url or f"sqlite:///{database}")
    try:
        findings = list(_database(engine, place, url))
    finally:
        engine.dispose()
    if not any(finding.level == "error" or finding.code == "old_version" for finding in findings):
        with Store.open(results, url, create=False) as store:
            findings += [*_writable(store), *_contents(store)]
    findings += [*_links(results), *_beside(results)]
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.level))


def repair(findings: Iterable[Finding], results: Path) -> int:
    """Remove what killed processes left behind, and return how many files that were.

    Raises:
        StoreError: a blob store does not do it.
    """
    count, elsewhere = 0, RowFiles(results)
    for finding in findings:
        for path in finding.files:
            path.unlink(missing_ok=True)
        for named in finding.blobs:
            with explained(named):
                blobs, name = elsewhere.place(named)
                blobs.delete(name)
        count += len(finding.files) + len(finding.blobs)
    return count


def restore_remedy(engine: Engine) -> str:
    """Say how a database of a kind is brought back."""
    if engine.dialect.name == "sqlite":
        return "restore a copy, or `sqlite3 FILE .recover`; then `bench store import`"
    return "restore it from a copy with the server's own tools (pg_restore); then `bench store import`"


def _database(engine: Engine, place: str, url: str | None) -> Iterator[Finding]:
    """Find what is wrong with the database itself: pages, tables, columns, references."""
    try:
        with explained(place, url), engine.connect() as connection:
            version = version_of(connection)
            faults = _missing_tables(connection) if version == schema.HEAD else []
            faults += _faults(engine, connection)
    except StoreError as error:
        yield Finding(
            "error", "unusable", str(error), f"{restore_remedy(engine)}; what was measured since is kept beside it"
        )
        return
    if faults:
        yield Finding("error", "damaged", f"{place}: it is damaged: {_listed(faults)}", restore_remedy(engine))
    if version != schema.HEAD:
        what = f"{place}: version {version or 'none'} of the tables, this bench has {schema.HEAD}"
        yield Finding("warning", "old_version", what, "bench store migrate")


def _faults(engine: Engine, connection: Connection) -> Iterator[str]:
    if engine.dialect.name != "sqlite":
        return
    rows = connection.execute(text(f"SELECT * FROM pragma_integrity_check({SHOWN})")).scalars()
    yield from (str(row) for row in rows if row != "ok")
    for row in connection.execute(text("SELECT * FROM pragma_foreign_key_check")).all()[: SHOWN + 1]:
        yield f"row {row[1]} of '{row[0]}' belongs to none of '{row[2]}'"


def _missing_tables(connection: Connection) -> list[str]:
    """List the tables and columns that are not there, so that nothing can be read from them."""
    seen = inspect(connection)
    names = set(seen.get_table_names())
    faults = [f"the table '{name}' is missing" for name in schema.metadata.tables if name not in names]
    for name, table in schema.metadata.tables.items():
        columns = {column["name"] for column in seen.get_columns(name)} if name in names else set(table.columns.keys())
        faults += [f"the column '{name}.{column.name}' is missing" for column in table.c if column.name not in columns]
    return faults


def _writable(store: Store) -> Iterator[Finding]:
    """Report a database that can only be read."""
    try:
        store.database.probe()
    except StoreError as error:
        yield Finding("warning", "read_only", str(error), "until then, nights are kept beside it")


def _contents(store: Store) -> list[Finding]:
    """Find what cannot be read, and what the database and the rows beside it do not agree on."""
    try:
        for table in schema.metadata.sorted_tables:
            store.database.read(select(table))
        runs = store.runs()
    except StoreError as error:
        return [Finding("error", "unreadable", str(error), restore_remedy(store.database.engine))]
    table = schema.records
    rows = store.database.read(select(table.c.run_id, table.c.pruned_at, *(table.c[name] for name in ROW_PATHS)))
    named = {str(row[name]): row for row in rows for name in ROW_PATHS if row[name] is not None}
    wanted = [path for path, row in named.items() if row["pruned_at"] is None]
    missing, unasked = _missing(store, wanted)
    status = {run.id: run.status for run in runs}
    alive = {run for run, state in status.items() if state == "running" and not store.is_free(run)}
    unreadable = unasked or _unreadable(store, runs, alive)
    findings = [*unreadable, *_left_over(store.results, set(named), set(status), alive)]
    if not unasked:
        findings += _left_elsewhere(store, set(named), {run for run, state in status.items() if state == "complete"})
    if missing:
        where = "copy them from the machine that measured them, or restore them; their runs show summaries until then"
        what = f"{_listed(missing)} of the database are missing"
        findings.append(Finding("error", "rows_missing", what, where))
    dead = [run for run, state in status.items() if state == "running" and run not in alive]
    if dead:
        what = f"{_listed(dead)}: never finished, and nobody is running it"
        findings.append(
            Finding("note", "unfinished", what, "the same `bench run` goes on with it, if it is the latest")
        )
    return findings


def _missing(store: Store, wanted: list[str]) -> tuple[list[str], list[Finding]]:
    """List the files of rows that are not there; where their store cannot be asked, report that instead."""
    try:
        there = store.files.found(wanted)
    except StoreError as error:
        return [], [Finding("error", "rows_unreadable", str(error), "mend that, and check again")]
    return [path for path in wanted if path not in there], []


def _unreadable(store: Store, runs: Iterable[RunInfo], alive: set[str]) -> Iterator[Finding]:
    """Find the records and files of rows that cannot be read, after reading all of them."""
    faults = [fault for run in runs if run.id not in alive for fault in store.reader.check(run.id)]
    if faults:
        remedy = "restore them from a copy of the results folder, or run the suite again with --rerun"
        yield Finding("error", "rows_unreadable", _listed(list(dict.fromkeys(faults))), remedy)


def _left_over(results: Path, named: set[str], known: set[str], alive: set[str]) -> Iterator[Finding]:
    """Find the files that nothing in the database names."""
    partial = half_written(results, alive)
    if partial:
        what = f"{_listed(_names(partial, results))}: half written, by a process that was killed"
        yield Finding("warning", "partial_files", what, REPAIR, tuple(partial))
    files = [path for path in walk(results / "rows") if path.parent.name not in alive and not path.is_symlink()]
    loose = [p for p in files if p.suffix == ".parquet" and p.relative_to(results).as_posix() not in named]
    journaled = {path.parent.name for path in files if path.name.endswith(".record.json")}
    orphans = [path for path in loose if path.parent.name in known and path.parent.name not in journaled]
    if orphans:
        what = f"{_listed(_names(orphans, results))}: no record of the database points to them"
        yield Finding("warning", "orphans", what, REPAIR, tuple(orphans))
    foreign = [path for path in loose if path.parent.name not in known and path.parent.name not in journaled]
    if foreign:
        what = f"{_listed(_names(foreign, results))}: of runs that this database does not know"
        yield Finding(
            "warning", "foreign_rows", what, "name their database with --store, or restore it; else remove them"
        )


def _left_elsewhere(store: Store, named: set[str], complete: set[str]) -> Iterator[Finding]:
    """Find the rows in blob stores that nothing in the database names: uploaded by a process that was killed before it
    stored their record.

    Of runs that are complete alone. Rows of others may be named by the journal of another machine.
    """
    names = {name.rpartition("#")[2] for name in named}
    settled = complete - set(store.journal.runs())
    loose: dict[str, list[str]] = {}
    try:
        for blob in store.files.elsewhere(named):
            path = blob.rpartition("#")[2]
            run = path.split("/")[1]
            if run in settled and path.endswith(".parquet") and path not in names:
                loose.setdefault(run, []).append(blob)
    except StoreError as error:
        yield Finding("error", "rows_unreadable", str(error), "mend that, and check again")
        return
    orphans = [blob for run, blobs in loose.items() if store.is_free(run) for blob in blobs]
    if orphans:
        what = f"{_listed(orphans)}: no record of the database points to them"
        yield Finding("warning", "orphans", what, REPAIR, blobs=tuple(orphans))


def _links(results: Path) -> Iterator[Finding]:
    """Find the links among the rows, whose files nobody looks at here."""
    top = [results / "rows"] if (results / "rows").is_symlink() else []
    links = [*top, *(path for path in walk(results / "rows") if path.is_symlink())]
    if links:
        what = f"{_listed(_names(links, results))}: a link, which bench never makes"
        yield Finding(
            "note", "links", what, "what it leads to is not checked and never removed; put the files in its place"
        )


def _beside(results: Path) -> Iterator[Finding]:
    """Find what waits beside the database to be put back."""
    kept = [path for path in walk(results / "rows") if path.name.endswith(".record.json")]
    if kept:
        runs = sorted({path.parent.name for path in kept})
        what = f"{len(kept)} records of {_listed(runs)} are kept in files beside the database"
        yield Finding("note", "kept_records", what, "bench store import, unless that run is going on now")
    if (results / BESIDE).exists():
        what = f"{results / BESIDE} holds runs that the store could not take"
        yield Finding("warning", "beside", what, "bench store import")


def _names(paths: Iterable[Path], results: Path) -> list[str]:
    return [str(path.relative_to(results)) for path in paths]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
