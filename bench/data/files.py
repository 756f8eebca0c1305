"""Read rows from files: JSONL, CSV and Parquet, or a folder that holds one file per split.

Whatever a file holds, what cannot be read is one `DataError` with file, line, column and what to do about it. Lines are
read as they are asked for, so that a file of any length takes no more memory than one of its rows.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

from bench.errors import DataError, nearest
from bench.units import plural

SUFFIXES = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet")
JSON_SUFFIXES = (".jsonl", ".json", ".ndjson")

MOST_CHARACTERS = 2**31 - 1
"""Of a CSV field: Python's own limit of 131072 is shorter than many a document."""
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", ",": "commas"}
"""Characters that other programs write between the fields of a CSV file."""
SHOWN_NAME = 40
"""Characters of a name out of a file that a message shows."""

Row = dict[str, object]


LINE_ENDS = ("\n", "\r\n", "")
"""What usually stands behind a row of JSONL."""


def find(path: Path, split: str) -> Path:
    """Find the file to read: `path` itself, or the one named after the split inside the folder `path`.

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
    candidates = [other for other in files if other.stem == split]
    if not candidates:
        hint = nearest(split, {other.stem for other in files}) if files else f"put a file such as '{split}.jsonl' there"
        raise DataError(f"{path}: the folder has no file for the split '{split}'; {hint}")
    if len(candidates) > 1:
        names = ", ".join(other.name for other in candidates)
        raise DataError(f"{path}: the folder has several files for the split '{split}' ({names}); leave one of them")
    return candidates[0]


def read(path: Path) -> Iterable[Row]:
    """Return the rows of a file in its order, which can be gone through more than once; reading begins then.

    Raises:
        DataError: a Parquet file cannot be read.
    """
    if path.suffix == ".parquet":
        with _explained(path):
            return _parquet(path)
    return FileRows(path)


@dataclass(slots=True)
class FileRows:
    """The rows of a JSONL or CSV file, read anew each time."""

    path: Path
    _state: tuple[int, int] | None = None
    """Size and time of the last change, when it was read first."""

    def __iter__(self) -> Iterator[Row]:
        """Read the rows.

        Raises:
            DataError: a row cannot be read, with its line; or the file is not what it was when it was read before.
        """
        return self._read(None)

    def of(self, numbers: Sequence[int]) -> Iterator[Row]:
        """Read the rows of some ascending numbers, from 0; what stands in the others is not looked at."""
        return self._read(marked(numbers))

    def _read(self, taken: bytearray | None) -> Iterator[Row]:
        with _explained(self.path):
            about = self.path.stat()
            state = (about.st_size, about.st_mtime_ns)
            if self._state not in (None, state):
                raise DataError(f"{self.path}: it was changed while bench read it; start again once it is written")
            self._state = state
            yield from _jsonl(self.path, taken) if self.path.suffix in JSON_SUFFIXES else _csv(self.path, taken)


def marked(numbers: Sequence[int]) -> bytearray:
    """Mark some ascending numbers: 1 at each of them, 0 elsewhere, up to the last.

    >>> list(marked([0, 2]))
    [1, 0, 1]
    """
    marks = bytearray(numbers[-1] + 1 if numbers else 0)
    for number in numbers:
        marks[number] = 1
    return marks


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Explain what the operating system says against reading a file."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; check the path and its permissions") from error


def _lines(path: Path) -> Iterator[str]:
    """Read the lines of a UTF-8 file with their ends.

    Raises:
        DataError: a line is no UTF-8, with its place and how to convert the file.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                coding = "UTF-16" if number == 1 and line.startswith(UTF_16_MARKS) else "WINDOWS-1252"
                raise DataError(
                    f"{path}:{number}: not UTF-8 text (byte 0x{line[error.start]:02x}); save it as UTF-8, such as with "
                    f"'iconv -f {coding} -t UTF-8 {path.name}'"
                ) from error


def _jsonl(path: Path, taken: bytearray | None) -> Iterator[Row]:
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    lines: Iterator[tuple[int, str]] = enumerate(_lines(path), start=1)
    if taken is not None:
        lines = compress(((number, line) for number, line in lines if not line.isspace()), taken)
    for number, line in lines:
        if line.isspace():
            continue
        try:
            row = _decoded(decoder, line)
        except RecursionError as error:
            raise DataError(f"{path}:{number}: this row is nested too deep to be read; write it flat") from error
        except json.JSONDecodeError as error:
            raise DataError(
                f"{path}:{number}:{error.colno}: this row is not JSON ({error.msg}); write one JSON object per line"
            ) from error
        except _RepeatedNameError as error:
            raise DataError(f"{path}:{number}: {error}") from error
        except ValueError as error:  # Python's limit on the digits of an integer
            raise DataError(
                f"{path}:{number}: this row holds a number of more than 4300 digits; write it as a text, in quotes"
            ) from error
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}:1: this row is a {type(row).__name__}; write one JSON object per line")
        yield row


def _decoded(decoder: json.JSONDecoder, line: str) -> object:
    """Decode a line; `decode` would look for space twice with a regular expression, a tenth of the time of a row."""
    if line.startswith("{"):
        row, end = decoder.raw_decode(line)
        if line[end:] in LINE_ENDS:
            return row
    return decoder.decode(line)


class _RepeatedNameError(ValueError):
    """An object holds one name twice."""


def _object(pairs: list[tuple[str, object]]) -> Row:
    """Build a JSON object, in which a name that comes twice would silently lose the first value."""
    row = dict(pairs)
    if len(row) < len(pairs):
        raise _RepeatedNameError(_repeated([name for name, _ in pairs], "the name", "of an object"))
    return row


def _csv(path: Path, taken: bytearray | None) -> Iterator[Row]:
    csv.field_size_limit(MOST_CHARACTERS)
    delimiter = "\t" if path.suffix == ".tsv" else ","
    reader = csv.reader(_lines(path), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        _check_header(path, header, delimiter)
        rows = (fields for fields in reader if fields)
        for fields in rows if taken is None else compress(rows, taken):
            if len(fields) != len(header):
                raise DataError(
                    f"{path}:{reader.line_num}: this row has {plural(len(fields), 'field')} and the header "
                    f"{len(header)}; quote fields that contain {DELIMITERS[delimiter]}"
                )
            if len(fields) > 1 and not any(fields):
                raise DataError(
                    f"{path}:{reader.line_num}: every field of this row is empty, as where a spreadsheet exports rows "
                    "below its table; delete the row"
                )
            yield dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: {error}; check the quotes") from error


def _check_header(path: Path, header: Sequence[str], delimiter: str) -> None:
    """Refuse a header whose columns cannot be told apart, or that is one field because of another delimiter.

    Raises:
        DataError: with what to change.
    """
    unnamed = sum(not name.strip() for name in header)
    if unnamed > 1:
        raise DataError(f"{path}:1: {unnamed} columns of the header have no name; name them, or delete them")
    if len(set(header)) < len(header):
        raise DataError(f"{path}:1: {_repeated(header, 'the column', 'of the header')}")
    others = [other for other in DELIMITERS if other != delimiter and len(header) == 1 and other in header[0]]
    if others:
        kind = "name it '.tsv'" if others[0] == "\t" else f"save it with {DELIMITERS[delimiter]}"
        raise DataError(
            f"{path}:1: the header is one field, with {DELIMITERS[others[0]]} in it, where {DELIMITERS[delimiter]} are "
            f"expected between fields; {kind}"
        )


def _repeated(names: Sequence[str], what: str, where: str) -> str:
    """Say which name is there several times."""
    name, count = Counter(names).most_common(1)[0]
    return f"{what} {name[:SHOWN_NAME]!r} {where} is there {count} times; give each a name of its own"


def _parquet(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
        if len(set(names)) < len(names):
            raise DataError(f"{path}: {_repeated(names, 'the column', 'of the table')}")
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise DataError(f"{path}: not a readable Parquet file: {error}; write it again") from error
    columns: dict[str, list[object]] = {}
    for name in names:
        try:
            columns[name] = table.column(name).to_pylist()
        except (ValueError, OverflowError, pa.ArrowException) as error:  # such as years outside 1 to 9999
            raise DataError(
                f"{path}: the column {name[:SHOWN_NAME]!r} ({table.column(name).type}) cannot be read: {error}; "
                "write it as text, or leave it out"
            ) from error
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]
