"""The store: a results folder with its database, and the questions that the runner and the reports ask of it.

    results/bench.db                 runs, records, facts, environments
    results/rows/RUN/*.parquet       samples and raw timings of a record
    results/rows/RUN/*.json          what an unfinished run has finished, a second time
    results/logs/RUN/*.log           what a cell's process printed; written by the executors
    results/locks/                   which runs are alive

A record's rows are written and renamed first, then everything else is committed in one transaction, so that a
kill at any moment leaves all of a record or none of it. What it leaves besides (a file of rows that nothing names, one
that is half written) goes when the next run begins.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from bench.errors import RecordKeptError, StoreError, UnreadableError
from bench.record import Asked, Cell, Proved, Record, Sample, Timing
from bench.store import schema
from bench.store.addresses import shown_address
from bench.store.canaries import Canaries, CanarySeconds
from bench.store.database import Database, Migration, explained, make_engine, migrate, writing
from bench.store.elsewhere import address_of
from bench.store.encoding import Document, Row, environment_row, fact_row, record_row
from bench.store.journal import Journal
from bench.store.leftovers import tidy
from bench.store.locks import RunLocks
from bench.store.reader import LATEST, Choice, Reader
from bench.store.rows import ROW_PATHS, RowFiles
from bench.store.runs import RunInfo, RunStatus, StoredRun, new_run_id, run_row, utc_now
from bench.store.schema import HEAD
from bench.store.summaries import Summaries, Summary, SummaryRow
from bench.store.tags import Tags

DATABASE = "bench.db"
ID_ATTEMPTS = 5
"""Run ids of one second clash once in 65 536; five clashes in a row mean something else is wrong."""
RECORD_KEY = ("model", "variant", "task", "process")
"""What names a record within its run."""


class Store:
    """A results folder and its database. Use it as a context manager, or call `close`."""

    def __init__(self, results: Path, database: Database, files: RowFiles, now: Callable[[], datetime]) -> None:
        self.results = results
        self.database = database
        self.files = files
        self.journal = Journal(results / "rows")
        """What unfinished runs have finished, in case that the database does not take it."""
        self.reader = Reader(results, database, files)
        self.migration = Migration(HEAD, HEAD)
        """What opening it took."""
        self._summaries = Summaries(database)
        self._tags = Tags(database)
        self._canaries = Canaries(database)
        self._locks = RunLocks(results / "locks", database.engine)
        self._now = now

    @classmethod
    def open(
        cls,
        results: Path,
        url: str | None = None,
        *,
        create: bool = True,
        blobs: str | None = None,
        reach: bool = True,
        now: Callable[[], datetime] = utc_now,
    ) -> Self:
        """Open the store of a results folder; the database is `url`, or SQLite inside the folder.

        Args:
            results: the folder.
            url: address of the database.
            create: make what is not there.
            blobs: address of a blob store for new rows and logs; by default they are files of the folder. Where rows
                were put is in the database: to read them it need not be given.
            reach: find out now whether the blob store takes anything, where it is to be written to.
            now: the time in UTC.

        Raises:
            StoreError: the blob store cannot be used; or the folder or the database cannot be opened, is newer than
                this bench, or is not there and `create` is false.
            InputError: there is no such blob store.
        """
        path = results / DATABASE
        elsewhere = address_of(results)
        if elsewhere is not None and url is None:
            raise StoreError(
                f"{elsewhere}: an object store keeps no database; name one with --store, or in BENCH_STORE, such as "
                "postgresql+psycopg://user@host/name"
            )
        blobs = blobs or elsewhere
        if url is None and not create and not path.exists():
            raise UnreadableError(
                f"{results}: no results are there; run a suite first, or name the folder with --results"
            )
        place = str(path) if url is None else shown_address(url)
        files = RowFiles(results, blobs)
        if create and reach:
            files.probe()
        engine = make_engine(url or f"sqlite:///{path}")
        try:
            with explained(place, url):
                results.mkdir(parents=True, exist_ok=True)
                migration = migrate(engine, results / "locks" / "migrate.lock")
        except BaseException:
            engine.dispose()
            raise
        opened = cls(results, Database(engine, place, url), files, now)
        opened.migration = migration
        return opened

    def close(self) -> None:
        """Let go of the runs held and of the database."""
        self._locks.release_all()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def begin_run(self, info: RunInfo) -> str:
        """Store a new run, which this process holds until `finish_run` or `close`, and return its id."""
        now = self._now()
        self.tidy()
        with self.database.explained():
            for _ in range(ID_ATTEMPTS):
                run_id = info.id or new_run_id(now)
                if not self._locks.hold(run_id):
                    continue
                begun = replace(info, id=run_id, started_at=info.started_at or now.isoformat())
                try:
                    self.add_run(begun)
                except IntegrityError:
                    self._locks.release(run_id)
                    continue
                self.journal.begin(begun)
                return run_id
        raise StoreError(f"{self.database.place}: a run with the id {info.id or new_run_id(now)} is there already")

    def add_run(self, info: RunInfo) -> None:
        """Store a run as it is, its id and times included."""
        environment = environment_row(info.environment)
        with writing(self.database.engine) as connection:
            self._keep(connection, environment)
            connection.execute(insert(schema.runs).values(**run_row(info), environment_hash=environment["hash"]))

    def resume(self, info: RunInfo, *, since: str | None = None) -> str | None:
        """Take up the latest run of the same suite, plan and machine if it never finished; hold it and return its id.

        None when that run is complete, when there is none, or when another process is running it. With `since`, only
        a run that began then or later, and that may reuse as little as this one.
        """
        runs = schema.runs
        alike = [
            runs.c.suite_hash == info.suite_hash,
            runs.c.plan_hash == info.plan_hash,
            runs.c.machine_key == info.machine_key,
        ]
        if since is not None:
            alike += [runs.c.started_at >= since, runs.c.rerun == info.rerun]
        query = select(runs.c.id, runs.c.status).where(*alike)
        latest = self.database.read(query.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1))
        if not latest or latest[0]["status"] == "complete" or not self.hold(latest[0]["id"]):
            return None
        run_id: str = latest[0]["id"]
        if self.find(run_id).status == "complete":  # finished just before it was held
            self.release(run_id)
            return None
        with self.database.explained():
            self.settle(run_id, forget=False)
            tidy(self.database, self.journal, self.files, run_id)
            self.files.drop_uploads(run_id)
            self._set_run(run_id, status="running", finished_at=None)
            self.journal.begin(self.find(run_id))
        return run_id

    def finish_run(self, run_id: str, status: RunStatus) -> None:
        """Store how a run ended, with whatever the database did not take before, and let go of it."""
        with self.database.explained():
            self.settle(run_id, forget=True)
            self._set_run(run_id, status=status, finished_at=self._now().isoformat())
            self._locks.release(run_id)

    def mark_complete(self, run_id: str) -> None:
        """Store that a run, whose records come from elsewhere, has all of them; when it finished is left alone."""
        self._set_run(run_id, status="complete")

    def keep_race(self, run_id: str, outcome: Document) -> None:
        """Store what the race of a run came to."""
        self._set_run(run_id, race=dict(outcome))

    def _set_run(self, run_id: str, **values: object) -> None:
        self.database.write(update(schema.runs).where(schema.runs.c.id == run_id).values(**values))

    def settle(self, run_id: str, *, forget: bool) -> int:
        """Put into the database what the journal of a run has and it has not; return how many records that were.

        Args:
            run_id: whose journal; this process must hold the run.
            forget: remove the journal afterwards: the run will not go on, or all of it is in the database.
        """
        journaled = self.journal.records(run_id)
        stored = self.stamps(run_id) if journaled else {}
        missing = [kept for kept in journaled if stored.get(record_key(kept.row), "") < stamp(kept.row)]
        for kept in missing:
            self.put(run_id, kept.row, kept.environment, kept.facts)
        if forget:
            self.journal.forget(run_id)
        return len(missing)

    def stamps(self, run_id: str) -> dict[tuple[object, ...], str]:
        """Look up when each record of a run was measured, by its key."""
        table = schema.records
        columns = [table.c[name] for name in (*RECORD_KEY, "started_at")]
        rows = self.database.read(select(*columns).where(table.c.run_id == run_id))
        return {record_key(row): stamp(row) for row in rows}

    def tidy(self) -> None:
        """Remove what killed processes left of their runs; runs under way are left alone."""
        unfinished = self.database.read(select(schema.runs.c.id).where(schema.runs.c.status == "running"))
        with self.database.explained():
            for run_id in [row["id"] for row in unfinished]:
                if self._locks.is_free(run_id):
                    tidy(self.database, self.journal, self.files, run_id)

    def commit(self, run_id: str, record: Record) -> None:
        """Store a record whole, in place of an earlier one of the same cell and process in this run.

        Raises:
            RecordKeptError: the database did not take it; the record is then kept beside its rows as JSON.
            StoreError: nothing can be written into the results folder.
        """
        stem = f"{record.cell.id[:16]}-p{record.process}-{secrets.token_hex(4)}"
        with self.database.explained():
            row = record_row(record)
            row["log_path"] = self._kept_log(record.log_path)
            row["samples_path"] = self.files.write(f"rows/{run_id}/{stem}.samples.parquet", record.samples, Sample)
            row["timings_path"] = self.files.write(f"rows/{run_id}/{stem}.timings.parquet", record.timings, Timing)
            environment, facts = environment_row(record.environment), [fact_row(fact) for fact in record.facts]
            kept = self.journal.keep(run_id, stem, row, environment, facts)
        try:
            self.put(run_id, row, environment, facts)
        except StoreError as error:
            raise RecordKeptError(f"{error}; the record of {record.cell.label} is kept in {kept}", kept) from error

    def _kept_log(self, path: str | None) -> str | None:
        """Copy a log to where blobs are kept, and return what names it; it stays here, too."""
        if path is None or self.files.address is None or not (self.results / path).is_file():
            return path
        return self.files.put(path, (self.results / path).read_bytes())

    def put(self, run_id: str, row: Row, environment: Row, facts: Sequence[Row]) -> None:
        """Store the rows of a record in one transaction, in place of an earlier one."""
        table, key = schema.records, {"run_id": run_id} | {name: row[name] for name in RECORD_KEY}
        machine = select(schema.runs.c.machine_key).where(schema.runs.c.id == run_id).scalar_subquery()

        def write(connection: Connection) -> None:
            self._keep(connection, environment)
            connection.execute(delete(schema.summaries).where(schema.summaries.c.run_id == run_id))  # out of date now
            connection.execute(delete(table).where(*(table.c[name] == value for name, value in key.items())))
            values = {**row, **key, "environment_hash": environment["hash"], "machine_key": machine}
            number = connection.execute(insert(table).values(**values)).inserted_primary_key
            if number is not None and facts:
                connection.execute(insert(schema.facts), [{**fact, "record_id": number[0]} for fact in facts])

        self.database.change(write)

    def reuse(self, run_id: str, cell: Cell, process: int, asked: Asked | None = None) -> tuple[Record, str] | None:
        """Link the newest record of the same identity, process and machine that ended well into a run.

        Returns it, with the names of `cell`, and the id of the run that measured it; with its rows where something
        certain was asked, else without. None when there is no such record, or when its rows are no longer in this
        results folder.
        """
        source = self.reader.finished(run_id, cell.id, process, asked)
        if source is None:
            return None
        [(_, environment, facts)] = self.reader.detailed([source])
        linked = replace(self.reader.record(source, environment, facts, rows=asked is not None), cell=cell)
        origin = str(source["reused_from"] or source["run_id"])
        row = record_row(linked) | {name: source[name] for name in ROW_PATHS} | {"reused_from": origin}
        self.put(run_id, row, environment_row(linked.environment), [fact_row(fact) for fact in linked.facts])
        return linked, origin

    def hold(self, run_id: str) -> bool:
        """Take a run, and return whether this process holds it now; False when another one does."""
        with self.database.explained():
            return self._locks.hold(run_id)

    def release(self, run_id: str) -> None:
        """Let go of a run."""
        self._locks.release(run_id)

    def is_free(self, run_id: str) -> bool:
        """Tell whether nobody, this process included, is running a run."""
        with self.database.explained():
            return self._locks.is_free(run_id)

    def _keep(self, connection: Connection, environment: Row) -> None:
        """Store an environment unless it is there."""
        upsert = postgresql.insert if self.database.dialect == "postgresql" else sqlite.insert
        connection.execute(upsert(schema.environments).values(**environment).on_conflict_do_nothing())

    # What the parts answer, asked of the store.

    def load(self, ref: str = LATEST, *, rows: bool = True) -> StoredRun:
        """Load a run with its records; see `Reader.load`."""
        return self.reader.load(ref, rows=rows)

    def find(self, ref: str) -> RunInfo:
        """Find the run that a reference names; see `Reader.find`."""
        return self.reader.find(ref)

    def choose(self, ref: str) -> Choice:
        """Find the run that a reference names, and what was passed over; see `Reader.choose`."""
        return self.reader.choose(ref)

    def runs(self, suite: str | None = None) -> list[RunInfo]:
        """List every run (of one suite), the newest first."""
        return self.reader.runs(suite)

    def suites(self) -> set[str]:
        """List the names of the suites that have runs."""
        return self.reader.suites()

    def settled(self, run_id: str) -> dict[tuple[str, str, int], Record]:
        """Find the records that need not be tried again; see `Reader.settled`."""
        return self.reader.settled(run_id)

    def scored(self, run_id: str, cell: Cell) -> tuple[Sample, ...]:
        """Find the answers of a cell's first process in a run; see `Reader.scored`."""
        return self.reader.scored(run_id, cell)

    def proved(self, run_id: str, cell: Cell) -> tuple[Proved, ...]:
        """Find what admission noted of a cell's model before; see `Reader.proved`."""
        return self.reader.proved(run_id, cell)

    def scored_before(self, run_id: str, cell: Cell) -> tuple[tuple[Sample, ...], str] | None:
        """Find the newest answers of the same quality; see `Reader.scored_before`."""
        return self.reader.scored_before(run_id, cell)

    def keep_summaries(self, run_id: str, summaries: Sequence[Summary]) -> None:
        """Store the summaries of a run in place of earlier ones."""
        self._summaries.keep(run_id, summaries)

    def without_summaries(self, run_ids: Iterable[str]) -> list[str]:
        """Choose those of the runs that have records and no summaries yet."""
        return self._summaries.missing(run_ids)

    def summaries(self, run_ids: Sequence[str], leaving_out: Sequence[str] = ()) -> list[SummaryRow]:
        """Read the summaries of runs, but for some readings."""
        return self._summaries.rows(run_ids, leaving_out)

    def summaries_of(self, run_id: str) -> list[Summary]:
        """Read the summaries of one run, whole."""
        return self._summaries.of(run_id)

    def tag(self, run_id: str, name: str) -> str | None:
        """Name a run of its suite, and return the id of the run that had the name before."""
        return self._tags.set(self.find(run_id), name)

    def tags(self, suite: str) -> dict[str, str]:
        """Read the tags of a suite: name → id of the run."""
        return self._tags.of(suite)

    def tagged(self, suite: str, name: str) -> RunInfo:
        """Find the run that has a tag; see `Tags.run_of`."""
        return self.find(self._tags.run_of(suite, name))

    def keep_canary(self, run_id: str, canary: CanarySeconds) -> None:
        """Store one measuring of the fixed workload during a run."""
        self._canaries.keep(run_id, canary)

    def canaries(self, run_ids: Iterable[str]) -> dict[str, list[CanarySeconds]]:
        """Read what was measured of the fixed workload, by run, in the order of time."""
        return self._canaries.of(run_ids)


def record_key(row: Row) -> tuple[object, ...]:
    """Name a record within its run."""
    return tuple(row[name] for name in RECORD_KEY)


def stamp(row: Row) -> str:
    """Look up when a record was measured; a text that sorts."""
    return str(row["started_at"] or "0")
