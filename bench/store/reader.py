"""Reading the store: runs and their records, as the database and the files of rows hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from sqlalchemy import ColumnElement, select

from bench.errors import StoreError, UsageError
from bench.record import ASKED, WELL, Asked, Cell, Fact, Proved, Record, Sample, Timing
from bench.store import schema
from bench.store.database import ROWS_AT_ONCE, Database
from bench.store.encoding import Row, cell_from, decoding, fact_from, record_from
from bench.store.rows import ROW_PATHS, RowFiles, RowsAwayError
from bench.store.runs import RunInfo, StoredRun, run_from

SETTLED = (*WELL, "unsupported")
"""Statuses that a resumed run does not try again."""
PROOFS_LOOKED_AT = 5
"""Records of the same names that are asked for a proof: the weights under a name change seldom."""
LATEST = "latest"
"""Names the newest whole run."""

Labelled = dict[tuple[str, int], str]
"""Something of some records, by cell label and process."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The run that a reference names."""

    info: RunInfo
    passed_over: RunInfo | None = None
    """A newer run of the same suite that was not taken, because options left out a part of it."""

    @property
    def remark(self) -> str | None:
        """Why it is not the newest run; None when it is, or was named."""
        if self.passed_over is None:
            return None
        return (
            f"run {self.passed_over.id} is of a part of the suite ({self.passed_over.restricted_by}) and decides "
            f"nothing about it: this is run {self.info.id}, the newest of the whole suite"
        )


class Reader:
    """The questions that need no writing."""

    def __init__(self, results: Path, database: Database, files: RowFiles) -> None:
        self._results = results
        self._database = database
        self._files = files

    def has(self, run_id: str) -> bool:
        """Tell whether the database knows a run."""
        return bool(self._database.read(select(schema.runs.c.id).where(schema.runs.c.id == run_id)))

    def suites(self) -> set[str]:
        """List the names of the suites that have runs."""
        return {row["suite"] for row in self._database.read(select(schema.runs.c.suite).distinct())}

    def runs(self, suite: str | None = None) -> list[RunInfo]:
        """List every run (of one suite), the newest first."""
        return self.runs_where(*([] if suite is None else [schema.runs.c.suite == suite]))

    def runs_where(self, *where: ColumnElement[bool]) -> list[RunInfo]:
        """Find the runs that meet conditions on the table `runs`, the newest first."""
        runs = schema.runs
        rows = self._database.read(select(runs).where(*where).order_by(runs.c.started_at.desc(), runs.c.id.desc()))
        environments = self.environments({row["environment_hash"] for row in rows})
        return [self._run(row, environments) for row in rows]

    def _run(self, row: Row, environments: Mapping[str, Mapping[str, object]]) -> RunInfo:
        with decoding(f"{self._database.place}, run {row['id']}"):
            return run_from(row, environments.get(str(row["environment_hash"])))

    def find(self, ref: str) -> RunInfo:
        """Find the run that `latest`, an id, or the unique beginning of one names; see `choose` for `latest`.

        Raises:
            UsageError: it names none, or several.
        """
        return self.choose(ref).info

    def choose(self, ref: str) -> Choice:
        """Find the run that a reference names, and for `latest` the newer one that was passed over.

        `latest` is the newest whole run of the suite that ran last. A run of a part of it (`--limit`, `--only`) is the
        latest only where the suite has no whole run.

        Raises:
            UsageError: it names none, or several.
        """
        table = schema.runs
        newest = select(table.c.id).order_by(table.c.started_at.desc(), table.c.id.desc())
        ids = [row["id"] for row in self._database.read(newest)]
        if not ids:
            raise UsageError(f"{self._results}: there is no run yet; run a suite first")
        if ref == LATEST:
            return self._latest(ids[0])
        matches = [ref] if ref in ids else [run_id for run_id in ids if ref and run_id.startswith(ref)]
        if len(matches) == 1:
            return Choice(self._info(matches[0]))
        shown = ", ".join((matches or ids)[:5])
        problem = f"several runs begin with '{ref}'" if matches else f"no run is named '{ref}'"
        raise UsageError(f"{self._results}: {problem}: {shown}; write 'latest', or more of an id")

    def _latest(self, newest: str) -> Choice:
        info = self._info(newest)
        if not info.is_partial:
            return Choice(info)
        whole = next((run for run in self.runs(info.suite) if not run.is_partial), None)
        return Choice(info) if whole is None else Choice(whole, passed_over=info)

    def _info(self, run_id: str) -> RunInfo:
        return self.runs_where(schema.runs.c.id == run_id)[0]

    def load(self, ref: str = LATEST, *, rows: bool = True) -> StoredRun:
        """Load a run with its records; without samples and timings, and much faster, when not `rows`.

        Raises:
            UsageError: `ref` names no run, or several.
            StoreError: rows are missing or damaged.
        """
        info = next(iter(self.runs_where(schema.runs.c.id == ref)), None) or self.find(ref)
        records, reused, gone = self._records(schema.records.c.run_id == info.id, rows=rows)
        place = {label: number for number, (_, label) in enumerate(info.plan)}
        ordered = sorted(records, key=lambda record: (place.get(record.cell.label, len(place)), record.process))
        return StoredRun(info, tuple(ordered), reused, gone, self._summaries_of(info.id) if gone else ())

    def settled(self, run_id: str) -> dict[tuple[str, str, int], Record]:
        """Find the records, without rows, that need not be tried again, by (cell id, label, process).

        One whose rows are in another machine's results folder is tried again in this one.
        """
        table, where = schema.records, schema.records.c.run_id == run_id
        records = self._records(where, rows=False)[0]
        key = (table.c.model, table.c.variant, table.c.task, table.c.process)
        rows = self._database.read(select(*key, *(table.c[name] for name in ROW_PATHS)).where(where))
        there = self._there(rows)
        away = {
            tuple(row[column.name] for column in key)
            for row in rows
            if any(row[name] is not None and str(row[name]) not in there for name in ROW_PATHS)
        }
        return {
            (r.cell.id, r.cell.label, r.process): r
            for r in records
            if r.status in SETTLED and (r.cell.model, r.cell.variant, r.cell.task, r.process) not in away
        }

    def _there(self, rows: Sequence[Row]) -> set[str]:
        """Choose the files of records that can be found; none where their blob store cannot be asked."""
        try:
            return self._files.found(str(row[name]) for row in rows for name in ROW_PATHS if row[name] is not None)
        except StoreError:
            return set()

    def scored(self, run_id: str, cell: Cell) -> tuple[Sample, ...]:
        """Find the answers of a cell's first process in a run; none where they are not in this results folder."""
        table = schema.records
        where = (table.c.run_id == run_id, table.c.cell_id == cell.id, table.c.process == 0)
        names = (table.c.model == cell.model, table.c.variant == cell.variant, table.c.task == cell.task)
        rows = self._database.read(select(table.c.samples_path).where(*where, *names))
        path = next((str(row["samples_path"]) for row in rows if row["samples_path"]), None)
        return self._files.read(path, Sample) if path is not None and self._files.exists(path) else ()

    def proved(self, run_id: str, cell: Cell) -> tuple[Proved, ...]:
        """Find what admission noted of a cell's model under the same names, on a run's machine; the newest first."""
        table, runs = schema.records, schema.runs
        machine = select(runs.c.machine_key).where(runs.c.id == run_id).scalar_subquery()
        names = [table.c[name] == getattr(cell, name) for name in ("model", "variant", "task")]
        query = (
            select(table.c.run_id, table.c.reused_from, table.c.started_at, table.c.notes)
            .where(*names, table.c.status.in_(WELL), table.c.machine_key == machine)
            .order_by(table.c.id.desc())
            .limit(PROOFS_LOOKED_AT)
        )
        rows = [(row, row["notes"]) for row in self._database.read(query)]
        admitted = [
            (row, notes["admission"]) for row, notes in rows if isinstance(notes, Mapping) and "admission" in notes
        ]
        return tuple(
            Proved(str(row["reused_from"] or row["run_id"]), str(row["started_at"]), note)
            for row, note in admitted
            if isinstance(note, Mapping)
        )

    def scored_before(self, run_id: str, cell: Cell) -> tuple[tuple[Sample, ...], str] | None:
        """Find the newest answers of the same quality scored on a run's machine, and by which run.

        For a cell that is measured they are those scored without measuring, else those of a measured cell; else those
        of a race, which may have settled the cell after a part of its examples. None when there are none, or when they
        are no longer in this results folder.
        """
        alone = cell.quality_id == cell.id
        row = self._measured_alike(run_id, cell) if alone else self.finished(run_id, cell.quality_id, 0)
        if row is None or row["samples_path"] is None:
            return self._raced_before(run_id, cell)
        origin = row["reused_from"] or row["run_id"]
        return self._files.read(str(row["samples_path"]), Sample), str(origin)

    def _raced_before(self, run_id: str, cell: Cell) -> tuple[tuple[Sample, ...], str] | None:
        """Find the answers of the newest other run that raced a cell, or else raced it without measuring; those of all
        its rounds together."""
        for identity in dict.fromkeys((cell.id, cell.quality_id)):
            others = (row for row in self._ended(run_id, identity, *WELL) if row["run_id"] != run_id)
            newest = next((row for row in others if ASKED in row["notes"]), None)
            if newest is not None:
                return self._of_all_rounds(str(newest["run_id"]), identity)
        return None

    def _of_all_rounds(self, run_id: str, identity: str) -> tuple[tuple[Sample, ...], str] | None:
        """Collect the answers that a run has of an identity, and name the run; None without any."""
        rows = self._ended(run_id, identity, *WELL, fits=lambda row: bool(row["run_id"] == run_id))
        paths = [str(row["samples_path"]) for row in rows if row["samples_path"]]
        samples = {sample.index: sample for path in paths for sample in self._files.read(path, Sample)}
        return (tuple(samples[index] for index in sorted(samples)), run_id) if samples else None

    def _measured_alike(self, run_id: str, cell: Cell) -> Row | None:
        """Find the newest record of a cell of the same names that answers as this one does."""
        table = schema.records
        parts = [table.c[name] for name in ("model", "family", "variant", "task", "kind", "cell", "cell_id")]
        names = [table.c[name] == getattr(cell, name) for name in ("model", "variant", "task")]
        rows = self._database.read(select(*parts).where(*names, table.c.process == 0, table.c.status == "ok"))
        with decoding(self._database.place):
            alike = {str(row["cell_id"]) for row in rows if cell_from(row).quality_id == cell.id}
        finished = (self.finished(run_id, cell_id, 0) for cell_id in sorted(alike))
        return max((row for row in finished if row is not None), key=lambda row: int(str(row["id"])), default=None)

    def finished(self, run_id: str, cell_id: str, process: int, asked: Asked | None = None) -> Row | None:
        """Find the newest record of an identity on a run's machine that did all, or all that is asked, and whose rows
        are here; None without one."""
        of_all = self._ended(
            run_id,
            cell_id,
            "ok",
            fits=lambda row: (
                row["process"] == process and (asked is None or (ASKED not in row["notes"] and asked.measures))
            ),
        )
        newest = next(of_all, None)
        if newest is not None or asked is None:
            return newest
        of_what_is_asked = self._ended(
            run_id,
            cell_id,
            *WELL,
            fits=lambda row: row["process"] == process and row["notes"].get(ASKED, {}).get("key") == asked.key,
        )
        return next(of_what_is_asked, None)

    def _ended(
        self, run_id: str, cell_id: str, *statuses: str, fits: Callable[[Row], bool] = lambda _: True
    ) -> Iterator[Row]:
        """Look for the records of an identity on a run's machine that ended so and fit, the newest first; those whose
        rows are not here are passed over."""
        table, runs = schema.records, schema.runs
        machine = select(runs.c.machine_key).where(runs.c.id == run_id).scalar_subquery()
        query = (
            select(table)
            .where(table.c.cell_id == cell_id, table.c.status.in_(statuses))
            .where(table.c.machine_key == machine)
            .order_by(table.c.id.desc())
        )
        for row in self._database.read(query):
            if row["pruned_at"] is None and fits(row) and self._files.are_here(row):
                yield row

    def records_of(self, run_id: str) -> list[tuple[Row, Mapping[str, object], tuple[Fact, ...]]]:
        """Read the rows of a run's records, each with its environment and its facts."""
        rows = self._database.read(select(schema.records).where(schema.records.c.run_id == run_id))
        return self.detailed(rows)

    def detailed(self, rows: Iterable[Row]) -> list[tuple[Row, Mapping[str, object], tuple[Fact, ...]]]:
        """Read rows of the table `records`, each with its environment and its facts.

        Raises:
            StoreError: an environment or a fact is not what bench writes.
        """
        rows = list(rows)
        table = schema.facts
        facts: dict[object, list[Fact]] = defaultdict(list)
        for numbers in slices([row["id"] for row in rows]):
            for row in self._database.read(select(table).where(table.c.record_id.in_(numbers)).order_by(table.c.id)):
                with decoding(f"{self._database.place}, fact {row['id']}"):
                    facts[row["record_id"]].append(fact_from(row))
        environments = self.environments({str(row["environment_hash"]) for row in rows})
        missing = {str(row["environment_hash"]) for row in rows} - set(environments)
        with decoding(self._database.place):
            if missing:
                raise ValueError(f"the environment {min(missing)} is missing")
        return [(row, environments[str(row["environment_hash"])], tuple(facts[row["id"]])) for row in rows]

    def environments(self, hashes: set[str]) -> dict[str, Mapping[str, object]]:
        """Read environments by their hashes."""
        table = schema.environments
        queries = (select(table).where(table.c.hash.in_(some)) for some in slices(sorted(hashes)))
        return {row["hash"]: row["body"] for row in chain.from_iterable(map(self._database.read, queries))}

    def record(
        self, row: Row, environment: Mapping[str, object], facts: tuple[Fact, ...], *, rows: bool = False
    ) -> Record:
        """Read the record of a row, with or without its samples and timings.

        Raises:
            StoreError: it is not what bench writes.
        """
        label = f"record {row['id']} ({row['model']} · {row['task']}) of run {row['run_id']}"
        with decoding(f"{self._database.place}, {label}"):
            record = record_from(row, environment, facts)
        return self._with_rows(record, row) if rows else record

    def _records(self, *where: ColumnElement[bool], rows: bool) -> tuple[list[Record], Labelled, Labelled]:
        """Read records, which of them were measured by another run, and the rows of which are gone."""
        stored = self._database.read(select(schema.records).where(*where).order_by(schema.records.c.id))
        records: list[Record] = []
        reused: Labelled = {}
        gone: Labelled = {}
        for row, environment, facts in self.detailed(stored):
            record = self.record(row, environment, facts)
            label = (record.cell.label, record.process)
            if row["reused_from"]:
                reused[label] = str(row["reused_from"])
            if rows:
                record, why = self._with_rows_if_there(record, row)
                if why is not None:
                    gone[label] = why
            records.append(record)
        return records, reused, gone

    def _with_rows_if_there(self, record: Record, row: Row) -> tuple[Record, str | None]:
        """Read the rows of a record; where they are gone and a summary is left, say why instead.

        Raises:
            StoreError: they are missing and there is no summary, or their store cannot be read.
        """
        if row["pruned_at"] is not None:
            return record, f"raw timings and answers were pruned on {str(row['pruned_at'])[:10]}"
        try:
            return self._with_rows(record, row), None
        except RowsAwayError:
            if not self._summaries_of(str(row["run_id"])):
                raise
            return record, "raw timings and answers are not in this results folder"

    def _with_rows(self, record: Record, row: Row) -> Record:
        samples, timings = row["samples_path"], row["timings_path"]
        return replace(
            record,
            samples=() if samples is None else self._files.read(str(samples), Sample),
            timings=() if timings is None else self._files.read(str(timings), Timing),
        )

    def _summaries_of(self, run_id: str) -> tuple[Row, ...]:
        return tuple(self._database.read(select(schema.summaries).where(schema.summaries.c.run_id == run_id)))

    def check(self, run_id: str) -> list[str]:
        """Find what is wrong with the records and the rows of a run, after reading all of it."""
        try:
            stored = self.records_of(run_id)
        except StoreError as error:
            return [str(error)]
        faults = []
        for row, environment, facts in stored:
            try:
                record = self.record(row, environment, facts)
                if row["pruned_at"] is None:
                    self._with_rows(record, row)
            except RowsAwayError:
                pass  # `bench.store.maintenance` names all that are missing
            except StoreError as error:
                faults.append(str(error))
        return faults


def slices(values: Sequence[object]) -> list[Sequence[object]]:
    """Cut values into as many as one IN list takes."""
    return [values[start : start + ROWS_AT_ONCE] for start in range(0, len(values), ROWS_AT_ONCE)]
