"""Whether a results folder and its database are whole, and what to do where they are not.

It looks, and `repair` removes what a killed process left behind. What may be the only copy of something is never
removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine, select, text

from bench.errors import StoreError
from bench.store import schema
from bench.store.archive import Store
from bench.store.database import explained, make_engine, shown_address, version_of
from bench.store.reader import ROW_PATHS
from bench.store.rescue import BESIDE

Level = Literal["error", "warning", "note"]

SHOWN = 5
"""Faults of a kind that are named; the rest are counted."""
PARTIAL = ".partial"


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


def check(results: Path, url: str | None = None) -> list[Finding]:
    """Returns what is wrong with a results folder and its database, the worst first; writes nothing.

    Raises:
        StoreError: there are no results at all.
    """
    database = results / "bench.db"
    if url is None and not database.exists():
        raise StoreError(f"{results}: no results are there; run a suite first, or name the folder with --results")
    place = str(database) if url is None else shown_address(url)
    engine = make_engine(url or f"sqlite:///{database}")
    try:
        found = list(_database(engine, place))
    finally:
        engine.dispose()
    if not any(finding.level == "error" or finding.code == "old_version" for finding in found):
        with Store.open(results, url, create=False) as store:
            found += [*_writable(store), *_contents(store)]
    found += _beside(results)
    return sorted(found, key=lambda finding: ("error", "warning", "note").index(finding.level))


def repair(findings: Iterable[Finding]) -> int:
    """Removes what killed processes left behind; returns how many files that were."""
    count = 0
    for finding in findings:
        for path in finding.files:
            path.unlink(missing_ok=True)
            count += 1
    return count


def _database(engine: Engine, place: str) -> Iterator[Finding]:
    """Yields what is wrong with the database itself."""
    try:
        with explained(place), engine.connect() as connection:
            version = version_of(connection)
            faults = _faults(engine, connection)
    except StoreError as error:
        yield Finding("error", "unusable", str(error), "see above; what was measured since is kept beside it")
        return
    if faults:
        what = f"{place}: the file is damaged: {'; '.join(faults)}"
        yield Finding("error", "damaged", what, "restore a copy, or `sqlite3 FILE .recover`; then `bench store import`")
    if version != schema.HEAD:
        what = f"{place}: version {version or 'none'} of the tables, this bench has {schema.HEAD}"
        yield Finding("warning", "old_version", what, "bench store migrate")


def _faults(engine: Engine, connection: object) -> list[str]:
    if engine.dialect.name != "sqlite":
        return []
    rows = connection.execute(text(f"SELECT * FROM pragma_integrity_check({SHOWN})")).scalars()  # type: ignore[attr-defined]
    return [str(row) for row in rows if row != "ok"]


def _writable(store: Store) -> Iterator[Finding]:
    """Yields that the database can only be read, if so."""
    try:
        store.probe()
    except StoreError as error:
        yield Finding("warning", "read_only", str(error), "until then, nights are kept beside it")


def _contents(store: Store) -> list[Finding]:
    """Returns what the database and the rows beside it do not agree on."""
    table = schema.records
    with explained(str(store.results)):
        rows = store._read(select(table.c.run_id, table.c.pruned_at, *(table.c[name] for name in ROW_PATHS)))
    named = {row[name]: row for row in rows for name in ROW_PATHS if row[name] is not None}
    missing = [path for path, row in named.items() if row["pruned_at"] is None and not (store.results / path).is_file()]
    known = {run.id: run.status for run in store.runs()}
    alive = {run for run, status in known.items() if status == "running" and not _is_free(store, run)}
    found = [*_left_over(store.results, set(named), set(known), alive)]
    if missing:
        where = "copy them from the machine that measured them, or restore them; their runs show summaries until then"
        found.append(
            Finding("error", "rows_missing", f"{_listed(missing)} of the database are not in {store.results}", where)
        )
    dead = [run for run, status in known.items() if status == "running" and run not in alive]
    if dead:
        what = f"{_listed(dead)}: never finished, and nobody is running it"
        found.append(Finding("note", "unfinished", what, "the same `bench run` goes on with it, if it is the latest"))
    return found


def _is_free(store: Store, run_id: str) -> bool:
    if not store.hold(run_id):
        return False
    store.release(run_id)
    return True


def _left_over(results: Path, named: set[str], known: set[str], alive: set[str]) -> Iterator[Finding]:
    """Yields the files that nothing in the database names."""
    files = [path for path in (results / "rows").glob("*/*") if path.parent.name not in alive]
    partial = [path for path in files if path.name.endswith(PARTIAL)]
    if partial:
        what = f"{_listed(_names(partial, results))}: half written, by a process that was killed"
        yield Finding("warning", "partial_files", what, "bench store check --repair", tuple(partial))
    loose = [p for p in files if p.suffix == ".parquet" and str(p.relative_to(results)) not in named]
    kept = {path.parent.name for path in files if path.name.endswith(".record.json")}
    orphans = [path for path in loose if path.parent.name in known and path.parent.name not in kept]
    if orphans:
        what = f"{_listed(_names(orphans, results))}: no record of the database points to them"
        yield Finding("warning", "orphans", what, "bench store check --repair", tuple(orphans))
    foreign = [path for path in loose if path.parent.name not in known and path.parent.name not in kept]
    if foreign:
        what = f"{_listed(_names(foreign, results))}: of runs that this database does not know"
        yield Finding(
            "warning", "foreign_rows", what, "name their database with --store, or restore it; else remove them"
        )


def _beside(results: Path) -> Iterator[Finding]:
    """Yields what waits beside the database to be put back."""
    kept = sorted((results / "rows").glob("*/*.record.json"))
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
