"""A run for other programs: CSV, JSON, JSON lines or Parquet, with a table each for cells, readings, facts, samples and
timings.

The readings are statistics, which are computed above this room: whoever exports hands them in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from bench.errors import StoreError, UsageError, nearest
from bench.record import Record, Sample, Timing
from bench.store.encoding import clean_fact, to_json
from bench.store.files import write_file
from bench.store.parquet import to_table
from bench.store.runs import StoredRun
from bench.text import spreadsheet_text

_KEYS = ("run", "model", "variant", "task", "process")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """One reading or metric of one cell, over all its processes: a row of the table `readings`."""

    run: str
    task: str
    candidate: str
    """`model`, or `model[variant]`."""
    model: str
    variant: str
    about: str
    """`quality` or `efficiency`."""
    reading: str
    unit: str
    value: float | None
    """None where it is missing; the reason says why."""
    low: float | None
    """End of the interval; None where there is none."""
    high: float | None
    n: int
    """Observations behind the value: examples, requests, batches, token gaps or processes."""
    level: float | None
    """How often such an interval holds the true value; None without an interval, or where it is the bounds of an
    estimate."""
    higher_is_better: bool
    source: str
    reason: str | None


def export_run(run: StoredRun, form: str, out: Path, readings: Sequence[ReadingRow] = ()) -> list[Path]:
    """Write a run to the file (json) or into the folder (csv, jsonl, parquet) `out`; return the files written.

    Args:
        run: what is stored.
        form: one of `EXPORT_FORMATS`.
        out: where to.
        readings: of each cell the metrics, the task's first one first, and the readings.

    Raises:
        UsageError: no such form.
        StoreError: `out` cannot be written.
    """
    if form not in EXPORT_FORMATS:
        raise UsageError(f"no export is named '{form}'; {nearest(form, EXPORT_FORMATS)}")
    try:
        return EXPORT_FORMATS[form](run, out, readings)
    except OSError as error:
        raise StoreError(
            f"{error.filename or out}: {error.strerror or error}; choose another place to write"
        ) from error


def tables(run: StoredRun, readings: Sequence[ReadingRow] = ()) -> dict[str, pa.Table]:
    """Build the five tables of a run; all carry the keys of the first, so that they join (readings are of all processes
    together)."""
    return {
        "cells": _cells(run, readings),
        "readings": _table([asdict(row) for row in readings], _READING_TYPES),
        "facts": _facts(run),
        "samples": _joined(run, Sample, lambda record: record.samples),
        "timings": _joined(run, Timing, lambda record: record.timings),
    }


def _keys(run: StoredRun, record: Record) -> dict[str, object]:
    cell = record.cell
    return dict(zip(_KEYS, (run.info.id, cell.model, cell.variant, cell.task, record.process), strict=True))


def _cells(run: StoredRun, readings: Sequence[ReadingRow]) -> pa.Table:
    metrics: dict[tuple[str, str, str], ReadingRow] = {}
    for row in readings:
        if row.about == "quality":
            metrics.setdefault((row.model, row.variant, row.task), row)
    rows = [
        _keys(run, record)
        | {"cell_id": record.cell.id, "family": record.cell.family, "kind": record.cell.kind}
        | {name: getattr(record, name) for name in ("status", "reason", "started_at", "wall_s", "log_path")}
        | {"reused_from": run.reused.get((record.cell.label, record.process))}
        | _quality(metrics.get((record.cell.model, record.cell.variant, record.cell.task)))
        | {name: to_json(_plain(getattr(record, name))) for name in ("doubts", "notes", "environment")}
        for record in run.records
    ]
    names = [
        "cell_id",
        "family",
        "kind",
        "status",
        "reason",
        "started_at",
        "wall_s",
        "log_path",
        "reused_from",
    ]
    types = dict.fromkeys([*_KEYS, *names], pa.string()) | _QUALITY_TYPES
    types |= dict.fromkeys(["doubts", "notes", "environment"], pa.string())
    return _table(rows, types | {"process": pa.int64(), "wall_s": pa.float64()})


def _quality(metric: ReadingRow | None) -> dict[str, object]:
    """Give the columns of a cell's quality: of the task's first metric."""
    values = (None,) * 5 if metric is None else (metric.reading, metric.value, metric.low, metric.high, metric.n)
    return dict(zip(_QUALITY_TYPES, values, strict=True))


def _facts(run: StoredRun) -> pa.Table:
    rows = [
        _keys(run, record) | {k: v for k, v in asdict(clean_fact(fact)).items() if k != "process"}
        for record in run.records
        for fact in record.facts
    ]
    text = dict.fromkeys(_KEYS, pa.string()) | {
        "process": pa.int64(),
        "name": pa.string(),
        "value": pa.float64(),
    }
    rest = {"unit": pa.string(), "source": pa.string(), "reason": pa.string(), "low": pa.float64()}
    return _table(rows, text | rest | {"high": pa.float64()})


def _joined(run: StoredRun, kind: type[Any], rows_of: Callable[[Record], tuple[Any, ...]]) -> pa.Table:
    parts = []
    for record in run.records:
        part = to_table(rows_of(record), kind)
        for position, (name, value) in enumerate(_keys(run, record).items()):
            if name in part.column_names:
                continue  # a timing has its process already
            kept = pa.array([value] * part.num_rows, type=pa.int64() if name == "process" else pa.string())
            part = part.add_column(position, name, kept)
        parts.append(part)
    return pa.concat_tables(parts) if parts else to_table((), kind)


_QUALITY_TYPES = {
    "quality_metric": pa.string(),
    "quality": pa.float64(),
    "quality_low": pa.float64(),
    "quality_high": pa.float64(),
    "quality_n": pa.int64(),
}
_READING_TYPES = {
    **dict.fromkeys(["run", "task", "candidate", "model", "variant", "about", "reading", "unit"], pa.string()),
    **dict.fromkeys(["value", "low", "high"], pa.float64()),
    "n": pa.int64(),
    "level": pa.float64(),
    "higher_is_better": pa.bool_(),
    "source": pa.string(),
    "reason": pa.string(),
}


def _table(rows: list[dict[str, object]], types: dict[str, pa.DataType]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=pa.schema(list(types.items())))


def _plain(value: object) -> object:
    return [asdict(item) for item in value] if isinstance(value, tuple) else value


def _export_parquet(run: StoredRun, out: Path, readings: Sequence[ReadingRow]) -> list[Path]:
    return _write_each(
        run, out, readings, "parquet", lambda table, path: pq.write_table(table, path, compression="zstd")
    )


def _export_csv(run: StoredRun, out: Path, readings: Sequence[ReadingRow]) -> list[Path]:
    return _write_each(run, out, readings, "csv", lambda table, path: pa_csv.write_csv(_flat(table), path))


def _export_jsonl(run: StoredRun, out: Path, readings: Sequence[ReadingRow]) -> list[Path]:
    return _write_each(run, out, readings, "jsonl", _write_lines)


def _write_lines(table: pa.Table, path: Path) -> None:
    write_file(path, "".join(f"{to_json(row)}\n" for row in table.to_pylist()))


def _write_each(
    run: StoredRun, out: Path, readings: Sequence[ReadingRow], suffix: str, write: Callable[[pa.Table, Path], None]
) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, table in tables(run, readings).items():
        path = out / f"{name}.{suffix}"
        write(table, path)
        written.append(path)
    return written


def _flat(table: pa.Table) -> pa.Table:
    """Write lists as JSON text, since CSV has none, and texts so that no spreadsheet takes one for a formula."""
    for position, field in enumerate(table.schema):
        cells = table.column(position).to_pylist() if field.type in (pa.string(), pa.large_string()) else None
        if pa.types.is_list(field.type):
            cells = [None if cell is None else json.dumps(cell) for cell in table.column(position).to_pylist()]
        if cells is not None:
            texts = [None if cell is None else spreadsheet_text(cell) for cell in cells]
            table = table.set_column(position, field.name, pa.array(texts, type=pa.string()))
    return table


def _export_json(run: StoredRun, out: Path, readings: Sequence[ReadingRow]) -> list[Path]:
    records = [
        {
            **asdict(record),
            "cell": {**asdict(record.cell), "job": None if record.cell.job is None else record.cell.job.to_json()},
            "cell_id": record.cell.id,
            "reused_from": run.reused.get((record.cell.label, record.process)),
        }
        for record in run.records
    ]
    whole = {"run": asdict(run.info), "records": records, "readings": [asdict(row) for row in readings]}
    write_file(out, to_json(whole) + "\n")
    return [out]


EXPORT_FORMATS: dict[str, Callable[[StoredRun, Path, Sequence[ReadingRow]], list[Path]]] = {
    "csv": _export_csv,
    "json": _export_json,
    "jsonl": _export_jsonl,
    "parquet": _export_parquet,
}
"""Forms of an export by name."""
