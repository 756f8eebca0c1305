"""Per-example samples and raw timings as Parquet, in memory: where the bytes are kept is `bench.store.rows`' to know.

Import it where rows are read or written: Arrow takes a fifth of a second, and a year of nights needs none of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import UnreadableError
from bench.record import Sample, Timing
from bench.store.encoding import clean_text

Row = TypeVar("Row", Sample, Timing)

_INTEGERS = pa.list_(pa.int64())

SCHEMAS: dict[type[Sample] | type[Timing], pa.Schema] = {
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
            pa.field("raw", pa.string()),
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
            pa.field("offered_per_s", pa.float64()),
            pa.field("lag_ns", pa.int64()),
            pa.field("ending", pa.string()),
            pa.field("salted", pa.bool_()),
            pa.field("answer", pa.string()),
        ]
    ),
}
"""Columns of each kind of row, in the order of the dataclass's fields."""


def to_table(rows: Sequence[Row], kind: type[Row]) -> pa.Table:
    """Turn rows of one kind into an Arrow table."""
    schema = SCHEMAS[kind]
    columns = [pa.array(_column(rows, field), type=field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(rows: Sequence[Row], field: pa.Field) -> list[object]:
    values = [getattr(row, field.name) for row in rows]
    if pa.types.is_string(field.type):
        return [None if value is None else clean_text(value) for value in values]
    return values


def to_bytes(rows: Sequence[Row], kind: type[Row]) -> bytes:
    """Turn rows into the content of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(to_table(rows, kind), sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def from_bytes(content: bytes, kind: type[Row], name: str) -> tuple[Row, ...]:
    """Read the rows of a Parquet file.

    Args:
        content: of the file.
        kind: of the rows.
        name: of the file, for the message.

    Raises:
        StoreError: it is no Parquet file of such rows, or it is damaged.
    """
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            table = file.read(use_threads=False)  # a few thousand rows
        problem = _difference(table, SCHEMAS[kind])
        columns = {} if problem else _conformed(table, SCHEMAS[kind]).to_pydict()
    except (pa.ArrowException, OSError, ValueError) as error:
        problem = f"cannot be read: {error}"
    if problem:
        raise UnreadableError(
            f"{name} {problem}; restore it from a copy of the results folder, or run the suite again with --rerun"
        )
    return tuple(kind(*values) for values in zip(*_as_fields(columns, kind), strict=True))


def _difference(table: pa.Table, schema: pa.Schema) -> str | None:
    """Say why a table does not hold rows of a schema; None when it does.

    A column that may be null need not be there: older versions had fewer.
    """
    for field in schema:
        if field.name not in table.column_names:
            if not field.nullable:
                return f"has no column '{field.name}', so it was not written by this bench"
            continue
        column = table.column(field.name)
        if not column.type.equals(field.type):
            return f"has {column.type} in the column '{field.name}' instead of {field.type}"
        if not field.nullable and column.null_count:
            return f"lacks values in the column '{field.name}'"
    return None


def _conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        table.column(field.name) if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _as_fields(columns: dict[str, list[object]], kind: type[Row]) -> Iterator[list[object]]:
    for field in fields(kind):
        values = columns[field.name]
        if pa.types.is_list(SCHEMAS[kind].field(field.name).type):
            values = [tuple(value) if isinstance(value, list) else None for value in values]
        yield values
