"""Per-example samples and raw timings as Parquet files: written under a temporary name, synced, renamed.

Import it where rows are read or written: Arrow takes a fifth of a second, and a year of nights needs none of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import StoreError
from bench.record import Sample, Timing
from bench.store.durable import sync_folder
from bench.store.encoding import clean_text

Row = TypeVar("Row", Sample, Timing)

_INTEGERS = pa.list_(pa.int64())

SCHEMAS: dict[type[Any], pa.Schema] = {
    Sample: pa.schema(
        [
            pa.field("index", pa.int64(), nullable=False),
            pa.field("example_id", pa.string(), nullable=False),
            pa.field("reference", pa.string(), nullable=False),
            pa.field("prediction", pa.string()),
            pa.field("scores", pa.list_(pa.float64())),
            pa.field("nll", pa.float64()),
            pa.field("scored_tokens", pa.int64()),
            pa.field("scored_bytes", pa.int64()),
            pa.field("input_tokens", pa.int64(), nullable=False),
            pa.field("output_tokens", pa.int64(), nullable=False),
            pa.field("truncated", pa.bool_(), nullable=False),
            pa.field("group", pa.string()),
            pa.field("answers", pa.list_(pa.string())),
        ]
    ),
    Timing: pa.schema(
        [
            pa.field("phase", pa.string(), nullable=False),
            pa.field("process", pa.int64(), nullable=False),
            pa.field("iteration", pa.int64(), nullable=False),
            pa.field("examples", _INTEGERS, nullable=False),
            pa.field("duration_ns", pa.int64(), nullable=False),
            pa.field("start_ns", pa.int64(), nullable=False),
            pa.field("input_tokens", pa.int64(), nullable=False),
            pa.field("output_tokens", pa.int64(), nullable=False),
            pa.field("token_ns", _INTEGERS, nullable=False),
            pa.field("device_ns", pa.int64()),
        ]
    ),
}
"""Columns of each kind of row, in the order of the dataclass's fields."""


def to_table(rows: Sequence[Any], kind: type[Any]) -> pa.Table:
    """Returns the rows (dataclasses of type `kind`) as an Arrow table."""
    schema = SCHEMAS[kind]
    columns = [pa.array(_column(rows, field), type=field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(rows: Sequence[Any], field: pa.Field) -> list[Any]:
    values = [getattr(row, field.name) for row in rows]
    if pa.types.is_string(field.type):
        return [None if value is None else clean_text(value) for value in values]
    return values


def write_rows(path: Path, rows: Sequence[Any], kind: type[Any]) -> None:
    """Writes `rows` to `path` so that the file is there whole or not at all, whatever is killed when."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as stream:
        pq.write_table(to_table(rows, kind), stream, compression="zstd")
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def read_rows(path: Path, kind: type[Row]) -> tuple[Row, ...]:
    """Returns the rows of a file.

    Raises:
        StoreError: the file is missing or is no Parquet file of such rows.
    """
    try:
        columns = pq.read_table(path, schema=SCHEMAS[kind]).to_pydict()
    except FileNotFoundError as error:
        raise StoreError(
            f"{path} is missing: it was removed, or written on another machine into another results folder; "
            "copy it there, or run the suite again with --rerun"
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} cannot be read: {error}; run the suite again with --rerun") from error
    return tuple(kind(*values) for values in zip(*_as_fields(columns, kind), strict=True))


def _as_fields(columns: dict[str, list[Any]], kind: type[Any]) -> Iterable[list[Any]]:
    for field in fields(kind):
        values = columns[field.name]
        if pa.types.is_list(SCHEMAS[kind].field(field.name).type):
            values = [None if value is None else tuple(value) for value in values]
        yield values
