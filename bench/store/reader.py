"""Reading the store: runs and their records, as the database and the Parquet files hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from bench.errors import UsageError
from bench.record import Cell, Fact, Record, Sample, Timing
from bench.store import schema
from bench.store.database import explained, patiently
from bench.store.encoding import cell_from, fact_from, record_from
from bench.store.runs import RunInfo, StoredRun

SETTLED = ("ok", "unsupported")
"""Statuses that a resumed run does not try again."""

ROW_PATHS = ("samples_path", "timings_path")
"""Columns of the table `records` that name a Parquet file, relative to the results folder."""

Labelled = dict[tuple[str, int], str]
"""Something of some records, by cell label and process."""

SLICE = 500
"""Values in one IN list; SQLite takes at least 999 (SQLITE_MAX_VARIABLE_NUMBER of old versions)."""


class Reader:
    """The questions that need no writing."""

    def __init__(self, results: Path, engine: Engine, place: str) -> None:
        self.results = results
        self._engine = engine
        self._place = place

    def settled(self, run_id: str) -> dict[tuple[str, str, int], Record]:
        """Returns the records, without rows, that need not be tried again, by (cell id, label, process).

        One whose rows are in another machine's results folder is tried again in this one.
        """
        table, where = schema.records, schema.records.c.run_id == run_id
        records = self._records(where, rows=False)[0]
        key = (table.c.model, table.c.variant, table.c.task, table.c.process)
        with explained(self._place):
            rows = self._read(select(*key, *(table.c[name] for name in ROW_PATHS)).where(where))
        away = {tuple(row[column.name] for column in key) for row in rows if not self._are_here(row)}
        return {
            (r.cell.id, r.cell.label, r.process): r
            for r in records
            if r.status in SETTLED and (r.cell.model, r.cell.variant, r.cell.task, r.process) not in away
        }

    def scored(self, run_id: str, cell: Cell) -> tuple[Sample, ...]:
        """Returns the answers of a cell's first process in a run; none where they are not in this results folder."""
        from bench.store.parquet import read_rows  # Arrow: only where rows are read

        table = schema.records
        where = (table.c.run_id == run_id, table.c.cell_id == cell.id, table.c.process == 0)
        named = (table.c.model == cell.model, table.c.variant == cell.variant, table.c.task == cell.task)
        with explained(self._place):
            rows = self._read(select(table.c.samples_path).where(*where, *named))
        path = next((self.results / row["samples_path"] for row in rows if row["samples_path"]), None)
        return read_rows(path, Sample) if path is not None and path.is_file() else ()

    def scored_before(self, run_id: str, cell: Cell) -> tuple[tuple[Sample, ...], str] | None:
        """Returns the newest answers of the same quality scored on a run's machine, and by which run.

        For a cell that is measured they are those scored without measuring, else those of a measured cell. None when
        there are none, or when they are no longer in this results folder.
        """
        from bench.store.parquet import read_rows

        alone = cell.quality_id == cell.id
        row = self._measured_alike(run_id, cell) if alone else self._finished(run_id, cell.quality_id, 0)
        if row is None or row["samples_path"] is None:
            return None
        return read_rows(self.results / row["samples_path"], Sample), row["reused_from"] or row["run_id"]

    def _measured_alike(self, run_id: str, cell: Cell) -> dict[str, Any] | None:
        """Returns the newest record of a cell of the same names that answers as this one does."""
        table = schema.records
        parts = [table.c[name] for name in ("model", "family", "variant", "task", "kind", "cell", "cell_id")]
        named = [table.c[name] == getattr(cell, name) for name in ("model", "variant", "task")]
        with explained(self._place):
            found = self._read(select(*parts).where(*named, table.c.process == 0, table.c.status == "ok"))
        alike = {row["cell_id"] for row in found if cell_from(row).quality_id == cell.id}
        rows = [row for row in (self._finished(run_id, cell_id, 0) for cell_id in sorted(alike)) if row is not None]
        return max(rows, key=lambda row: int(row["id"]), default=None)

    def _finished(self, run_id: str, cell_id: str, process: int) -> dict[str, Any] | None:
        table, runs = schema.records, schema.runs
        machine = select(runs.c.machine_key).where(runs.c.id == run_id).scalar_subquery()
        query = (
            select(table)
            .where(table.c.cell_id == cell_id, table.c.process == process, table.c.status == "ok")
            .where(table.c.machine_key == machine)
            .order_by(table.c.id.desc())
        )
        with explained(self._place):
            for row in self._read(query):
                if row["pruned_at"] is None and self._are_here(row):
                    return row
        return None

    def has(self, run_id: str) -> bool:
        """Returns whether the database knows a run."""
        with explained(self._place):
            return bool(self._read(select(schema.runs.c.id).where(schema.runs.c.id == run_id)))

    def is_at(self, path: Path) -> bool:
        """Returns whether `path` is this store's own database."""
        return self._engine.dialect.name == "sqlite" and Path(self._engine.url.database or "").absolute() == path

    def suites(self) -> set[str]:
        """Returns the names of the suites that have runs."""
        with explained(self._place):
            return {row["suite"] for row in self._read(select(schema.runs.c.suite).distinct())}

    def runs(self, suite: str | None = None) -> list[RunInfo]:
        """Returns every run (of one suite), the newest first."""
        with explained(self._place):
            rows = self._run_rows(*([] if suite is None else [schema.runs.c.suite == suite]))
            environments = self._environments({row["environment_hash"] for row in rows})
        return [_run_from(row, environments) for row in rows]

    def find(self, ref: str) -> RunInfo:
        """Returns the run that `latest`, an id, or the unique beginning of one names.

        Raises:
            UsageError: it names none, or several.
        """
        runs = self.runs()
        if not runs:
            raise UsageError(f"{self.results}: there is no run yet; run a suite first")
        if ref == "latest":
            return runs[0]
        found = [run for run in runs if run.id == ref] or [run for run in runs if ref and run.id.startswith(ref)]
        if len(found) == 1:
            return found[0]
        shown = ", ".join(run.id for run in (found or runs)[:5])
        problem = f"several runs begin with '{ref}'" if found else f"no run is named '{ref}'"
        raise UsageError(f"{self.results}: {problem}: {shown}; write 'latest', or more of an id")

    def load(self, ref: str = "latest", *, rows: bool = True) -> StoredRun:
        """Returns a run with its records; without samples and timings, and much faster, when not `rows`.

        Raises:
            UsageError: `ref` names no run, or several.
            StoreError: rows are missing or damaged.
        """
        info = self.find(ref)
        records, reused, gone = self._records(schema.records.c.run_id == info.id, rows=rows)
        place = {label: number for number, (_, label) in enumerate(info.plan)}
        ordered = sorted(records, key=lambda record: (place.get(record.cell.label, len(place)), record.process))
        return StoredRun(info, tuple(ordered), reused, gone, self._summaries_of(info.id) if gone else ())

    def _summaries_of(self, run_id: str) -> tuple[dict[str, Any], ...]:
        with explained(self._place):
            return tuple(self._read(select(schema.summaries).where(schema.summaries.c.run_id == run_id)))

    def _records(self, *where: Any, rows: bool) -> tuple[list[Record], Labelled, Labelled]:
        """Returns records, which of them were measured by another run, and the rows of which are gone."""
        with explained(self._place):
            found = self._read(select(schema.records).where(*where).order_by(schema.records.c.id))
            environments, facts = self._details(found)
        records: list[Record] = []
        reused: Labelled = {}
        gone: Labelled = {}
        for row in found:
            record = record_from(row, environments[row["environment_hash"]], tuple(facts[row["id"]]))
            label = (record.cell.label, record.process)
            if row["reused_from"]:
                reused[label] = row["reused_from"]
            why = self._why_gone(row) if rows else None
            if why is not None:
                gone[label] = why
            records.append(self._with_rows(record, row) if rows and why is None else record)
        return records, reused, gone

    def _why_gone(self, row: dict[str, Any]) -> str | None:
        """Returns why the rows of a record are not read, though there were some; None when they are to be."""
        if row["pruned_at"] is not None:
            return f"raw timings and answers were pruned on {row['pruned_at'][:10]}"
        if self._are_here(row) or not self._summaries_of(row["run_id"]):
            return None
        return "raw timings and answers are not in this results folder"

    def _are_here(self, row: dict[str, Any]) -> bool:
        paths = [row[name] for name in ROW_PATHS if row[name] is not None]
        return all((self.results / path).is_file() for path in paths)

    def _with_rows(self, record: Record, row: dict[str, Any]) -> Record:
        from bench.store.parquet import read_rows

        samples, timings = row["samples_path"], row["timings_path"]
        return replace(
            record,
            samples=() if samples is None else read_rows(self.results / samples, Sample),
            timings=() if timings is None else read_rows(self.results / timings, Timing),
        )

    def _details(self, found: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], dict[int, list[Fact]]]:
        facts: dict[int, list[Fact]] = defaultdict(list)
        for numbers in _slices([row["id"] for row in found]):
            query = select(schema.facts).where(schema.facts.c.record_id.in_(numbers)).order_by(schema.facts.c.id)
            for fact in self._read(query):
                facts[fact["record_id"]].append(fact_from(fact))
        return self._environments({row["environment_hash"] for row in found}), facts

    def _environments(self, hashes: set[str]) -> dict[str, Any]:
        table, found = schema.environments, {}
        for some in _slices(sorted(hashes)):
            found.update({row["hash"]: row["body"] for row in self._read(select(table).where(table.c.hash.in_(some)))})
        return found

    def _run_rows(self, *where: Any) -> Sequence[dict[str, Any]]:
        runs = schema.runs
        return self._read(select(runs).where(*where).order_by(runs.c.started_at.desc(), runs.c.id.desc()))

    def _read(self, query: Any) -> list[dict[str, Any]]:
        def once() -> list[dict[str, Any]]:
            with self._engine.connect() as connection:
                return [dict(row) for row in connection.execute(query).mappings()]

        return patiently(self._engine, once)


def _slices(values: Sequence[Any]) -> list[Sequence[Any]]:
    return [values[start : start + SLICE] for start in range(0, len(values), SLICE)]


def _run_from(row: dict[str, Any], environments: dict[str, Any]) -> RunInfo:
    fields = {name: row[name] for name in RunInfo.__dataclass_fields__ if name not in ("environment", "plan")}
    plan = tuple((cell_id, label) for cell_id, label in row["plan"])
    return RunInfo(**fields, plan=plan, environment=environments[row["environment_hash"]])
