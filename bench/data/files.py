"""Rows from files: JSONL, CSV and Parquet, or a folder that holds one file per split."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.errors import DataError, nearest

SUFFIXES = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet")
JSON_SUFFIXES = (".jsonl", ".json", ".ndjson")

MOST_CHARACTERS = 2**31 - 1
"""Of a CSV field: Python's own limit of 131072 is shorter than many a document."""

Row = dict[str, Any]


def find(path: Path, split: str) -> Path:
    """Returns the file to read: `path` itself, or the one named after the split inside the folder `path`.

    Raises:
        DataError: there is none.
    """
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise DataError(f"{path}: cannot read '{path.suffix}' files; use one of {', '.join(SUFFIXES)}")
        return path
    if not path.is_dir():
        siblings = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = nearest(path.name, siblings) if siblings else "paths are relative to the suite file"
        raise DataError(f"{path}: there is no such file; {hint}")
    files = [other for other in sorted(path.iterdir()) if other.suffix in SUFFIXES]
    found = [other for other in files if other.stem == split]
    if not found:
        hint = nearest(split, {other.stem for other in files}) if files else f"put a file such as '{split}.jsonl' there"
        raise DataError(f"{path}: the folder has no file for the split '{split}'; {hint}")
    if len(found) > 1:
        names = ", ".join(other.name for other in found)
        raise DataError(f"{path}: the folder has several files for the split '{split}' ({names}); leave one of them")
    return found[0]


def read(path: Path) -> list[Row]:
    """Returns the rows of a file in its order.

    Raises:
        DataError: a row cannot be read, with its line.
    """
    try:
        if path.suffix in JSON_SUFFIXES:
            return list(_jsonl(path))
        return _parquet(path) if path.suffix == ".parquet" else list(_csv(path))
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                column = getattr(error, "colno", 1)
                what = getattr(error, "msg", str(error))
                raise DataError(
                    f"{path}:{number}:{column}: this row is not JSON ({what}); write one JSON object per line"
                ) from error
            if not isinstance(row, dict):
                raise DataError(
                    f"{path}:{number}:1: this row is a {type(row).__name__}; write one JSON object per line"
                )
            yield row


def _csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(MOST_CHARACTERS)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise DataError(
                        f"{path}:{reader.line_num}: this row has not as many fields as the header; "
                        "quote fields that contain commas"
                    )
                yield row
        except csv.Error as error:
            raise DataError(f"{path}:{reader.line_num}: {error}; check the quotes") from error


def _parquet(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[Row] = pq.read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise DataError(f"{path}: not a readable Parquet file: {error}") from error
    return rows
