"""The store: a results folder with its database, and the questions that the runner and the reports ask of it.

    results/bench.db                 runs, records, facts, environments
    results/rows/RUN/*.parquet       samples and raw timings of a record
    results/rows/RUN/*.json          what an unfinished run has finished, a second time
    results/logs/RUN/*.log           what a cell's process printed; written by the executors
    results/locks/                   which runs are alive

A record's rows are written and renamed first, then everything else is committed in one transaction, so that a
kill at any moment leaves all of a record or none of it (and at worst a Parquet file that nothing points to).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, Executable, delete, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from bench.errors import RecordKeptError, StoreError
from bench.record import Cell, Record, Sample, Timing
from bench.store import schema
from bench.store.database import Migration, explained, make_engine, migrate, patiently, shown_address, writing
from bench.store.encoding import environment_row, fact_row, record_from, record_row
from bench.store.journal import Journal
from bench.store.kept import Kept
from bench.store.locks import RunLocks
from bench.store.reader import ROW_PATHS
from bench.store.rescue import RECORD_KEY, settle
from bench.store.runs import RunInfo, RunStatus, new_run_id, utc_now
from bench.store.schema import HEAD

DATABASE = "bench.db"
ID_ATTEMPTS = 5
"""Run ids of one second clash once in 65 536; five clashes in a row mean something else is wrong."""

_RUN_COLUMNS = (
    *(
        "id",
        "suite",
        "suite_text",
        "suite_hash",
        "plan_hash",
        "command",
        "started_at",
        "finished_at",
        "status",
    ),
    *("machine_key", "profile", "rerun", "plan", "settings"),
)


class Store(Kept):
    """A results folder and its database. Use it as a context manager, or call `close`."""

    def __init__(self, results: Path, engine: Engine, place: str, now: Callable[[], datetime]) -> None:
        super().__init__(results, engine, place)
        self._now = now
        self.migration = Migration(HEAD, HEAD)
        """What opening it took."""
        self._locks = RunLocks(results / "locks", engine)
        self.journal = Journal(results / "rows")
        """What unfinished runs have finished, in case that the database does not take it."""

    @classmethod
    def open(
        cls,
        results: Path,
        url: str | None = None,
        *,
        create: bool = True,
        now: Callable[[], datetime] = utc_now,
    ) -> Self:
        """Returns the store of a results folder; the database is `url`, or SQLite inside the folder.

        Raises:
            StoreError: the folder or the database cannot be opened, is newer than this bench, or is not there
                and `create` is false.
        """
        database = results / DATABASE
        if url is None and not create and not database.exists():
            raise StoreError(f"{results}: no results are there; run a suite first, or name the folder with --results")
        place = str(database) if url is None else shown_address(url)
        engine = make_engine(url or f"sqlite:///{database}")
        try:
            with explained(place):
                results.mkdir(parents=True, exist_ok=True)
                migration = migrate(engine, results / "locks" / "migrate.lock")
        except BaseException:
            engine.dispose()
            raise
        opened = cls(results, engine, place, now)
        opened.migration = migration
        return opened

    def close(self) -> None:
        """Lets go of the runs held and of the database."""
        self._locks.release_all()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def begin_run(self, info: RunInfo) -> str:
        """Stores a new run, which this process holds until `finish_run` or `close`; returns its id."""
        now = self._now()
        with explained(self._place):
            for _ in range(ID_ATTEMPTS):
                run_id = info.id or new_run_id(now)
                if not self._locks.hold(run_id):
                    continue
                known = replace(info, id=run_id, started_at=info.started_at or now.isoformat())
                try:
                    self.add_run(known)
                except IntegrityError:
                    self._locks.release(run_id)
                    continue
                self.journal.begin(known)
                return run_id
        raise StoreError(f"{self._place}: a run with the id {info.id or new_run_id(now)} is there already")

    def add_run(self, info: RunInfo) -> None:
        """Stores a run as it is, its id and times included."""
        environment = environment_row(info.environment)
        with self._write() as connection:
            self._keep(connection, environment)
            row = {name: getattr(info, name) for name in _RUN_COLUMNS}
            connection.execute(insert(schema.runs).values(**row, environment_hash=environment["hash"]))

    def resume(self, info: RunInfo, *, since: str | None = None) -> str | None:
        """Returns the latest run of the same suite, plan and machine if it never finished, and holds it.

        None when that run is complete, when there is none, or when another process is running it. With `since`, only
        a run that began then or later, and that may reuse as little as this one.
        """
        runs = schema.runs
        query = select(runs.c.id, runs.c.status).where(
            runs.c.suite_hash == info.suite_hash,
            runs.c.plan_hash == info.plan_hash,
            runs.c.machine_key == info.machine_key,
        )
        if since is not None:
            query = query.where(runs.c.started_at >= since, runs.c.rerun == info.rerun)
        with explained(self._place):
            latest = self._read(query.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1))
            if not latest or latest[0]["status"] == "complete" or not self._locks.hold(latest[0]["id"]):
                return None
            run_id: str = latest[0]["id"]
            if self._run_rows(runs.c.id == run_id)[0]["status"] == "complete":  # finished just before it was held
                self._locks.release(run_id)
                return None
            settle(self, run_id, forget=False)
            self._set_run(run_id, status="running", finished_at=None)
            self.journal.begin(self.find(run_id))
        return run_id

    def finish_run(self, run_id: str, status: RunStatus) -> None:
        """Stores how a run ended, with whatever the database did not take before, and lets go of it."""
        with explained(self._place):
            settle(self, run_id, forget=True)
            self._set_run(run_id, status=status, finished_at=self._now().isoformat())
            self._locks.release(run_id)

    def _set_run(self, run_id: str, **values: Any) -> None:
        self.write(update(schema.runs).where(schema.runs.c.id == run_id).values(**values))

    def commit(self, run_id: str, record: Record) -> None:
        """Stores a record whole, in place of an earlier one of the same cell and process in this run.

        Raises:
            RecordKeptError: the database did not take it; the record is then kept beside its rows as JSON.
            StoreError: nothing can be written into the results folder.
        """
        stem = f"{record.cell.id[:16]}-p{record.process}-{secrets.token_hex(4)}"
        folder = self.results / "rows" / run_id
        with explained(self._place):
            row = record_row(record)
            for name, rows, kind in (
                ("samples", record.samples, Sample),
                ("timings", record.timings, Timing),
            ):
                row[f"{name}_path"] = self._write_rows(folder / f"{stem}.{name}.parquet", rows, kind)
            environment, facts = environment_row(record.environment), [fact_row(fact) for fact in record.facts]
            kept = self.journal.keep(run_id, stem, row, environment, facts)
        try:
            self.put(run_id, row, environment, facts)
        except StoreError as error:
            raise RecordKeptError(f"{error}; the record of {record.cell.label} is kept in {kept}", kept) from error

    def _write_rows(self, path: Path, rows: Sequence[Any], kind: type[Any]) -> str | None:
        if not rows:
            return None
        from bench.store.parquet import write_rows

        write_rows(path, rows, kind)
        return str(path.relative_to(self.results))

    def put(self, run_id: str, row: dict[str, Any], environment: dict[str, Any], facts: list[dict[str, Any]]) -> None:
        """Stores the rows of a record in one transaction, in place of an earlier one."""
        table, key = schema.records, {"run_id": run_id} | {name: row[name] for name in RECORD_KEY}
        machine = select(schema.runs.c.machine_key).where(schema.runs.c.id == run_id).scalar_subquery()

        def write(connection: Connection) -> None:
            self._keep(connection, environment)
            connection.execute(delete(schema.summaries).where(schema.summaries.c.run_id == run_id))  # out of date now
            connection.execute(delete(table).where(*(table.c[name] == value for name, value in key.items())))
            values = row | key | {"environment_hash": environment["hash"], "machine_key": machine}
            number = connection.execute(insert(table).values(**values)).inserted_primary_key
            if number is not None and facts:
                connection.execute(insert(schema.facts), [{**fact, "record_id": number[0]} for fact in facts])

        with explained(self._place):
            self._patiently(write)

    def reuse(self, run_id: str, cell: Cell, process: int) -> tuple[Record, str] | None:
        """Links the newest `ok` record of the same identity, process and machine into a run.

        Returns it, without rows and with the names of `cell`, and the id of the run that measured it. None
        when there is no such record, or when its rows are no longer in this results folder.
        """
        source = self._finished(run_id, cell.id, process)
        if source is None:
            return None
        with explained(self._place):
            environment, facts = self._details([source])
            found = record_from(source, environment[source["environment_hash"]], tuple(facts[source["id"]]))
            linked = replace(found, cell=cell)
            kept = {name: source[name] for name in ROW_PATHS}
            origin: str = source["reused_from"] or source["run_id"]
            row = record_row(linked) | kept | {"reused_from": origin}
        self.put(run_id, row, environment_row(linked.environment), [fact_row(fact) for fact in linked.facts])
        return linked, origin

    def hold(self, run_id: str) -> bool:
        """Returns whether this process now holds a run; False when another one does."""
        with explained(self._place):
            return self._locks.hold(run_id)

    def release(self, run_id: str) -> None:
        """Lets go of a run."""
        self._locks.release(run_id)

    def probe(self) -> None:
        """Writes nothing new, to see whether the database can be written.

        Raises:
            StoreError: it cannot.
        """
        with explained(self._place), self._write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))

    def write(self, query: Executable) -> None:
        """Does one statement that may be repeated."""
        with explained(self._place):
            self._patiently(lambda connection: connection.execute(query))

    def _write(self) -> AbstractContextManager[Connection]:
        return writing(self._engine)

    def _patiently(self, write: Callable[[Connection], object]) -> None:
        def once() -> None:
            with self._write() as connection:
                write(connection)

        patiently(self._engine, once)

    def _keep(self, connection: Connection, environment: dict[str, Any]) -> None:
        """Stores an environment unless it is there."""
        upsert: Any = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        connection.execute(upsert(schema.environments).values(**environment).on_conflict_do_nothing())
