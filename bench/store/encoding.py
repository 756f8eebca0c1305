"""Records to rows of the database and back, with everything a database would refuse made harmless.

SQLite turns NaN into NULL without a word, and PostgreSQL refuses NUL characters and JSON's NaN: this is done
here once, the same for both, and said in the row.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Any, TypeVar, cast, get_args

from bench.digest import content_hash
from bench.errors import UnreadableError
from bench.record import Cell, Doubt, Fact, Record, Status
from bench.store.addresses import redact
from bench.suite import CellJob

Values = dict[str, object]
"""A row to be written, by column."""
Document = Mapping[str, Any]
"""A JSON object: whoever reads it knows what it holds."""
Row = Document
"""A row as read, by column; what came from outside is looked at with `expect`."""
T = TypeVar("T")

NOT_FINITE = "the reading was not a finite number"


def to_json(value: object) -> str:
    """Write JSON text in which every non-finite number is null.

    >>> to_json({"a": (1, float("nan"))})
    '{"a": [1, null]}'
    """
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if isinstance(value, PurePath):
        return str(value)
    return value.item() if hasattr(value, "item") else value


def clean_text(text: str) -> str:
    r"""Write lone surrogates and NUL, which databases and Parquet cannot hold, as escapes.

    >>> clean_text("a\ud800b\0")
    'a\\ud800b\\x00'
    """
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def clean_fact(fact: Fact) -> Fact:
    """Replace a value that is not finite by None with the reason."""
    fact = replace(fact, low=_finite(fact.low), high=_finite(fact.high))
    if fact.value is None or math.isfinite(fact.value):
        return fact
    reason = f"{NOT_FINITE} ({fact.value})" + (f"; {fact.reason}" if fact.reason else "")
    return replace(fact, value=None, reason=reason)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def environment_row(environment: Mapping[str, object]) -> Values:
    """Make the row of an environment, addressed by its content."""
    body = json.loads(to_json(environment))
    return {"hash": content_hash(body), "body": body}


def record_row(record: Record) -> Values:
    """Make the row of a record, without the columns that only the store knows."""
    cell = record.cell
    return {
        "model": cell.model,
        "variant": cell.variant,
        "task": cell.task,
        "process": record.process,
        "cell_id": cell.id,
        "family": cell.family,
        "kind": cell.kind,
        "cell": {
            "job": None if cell.job is None else cell.job.to_json(),
            "identity": cell.identity,
            "unsupported": cell.unsupported,
            **({} if cell.drawn_as is None else {"drawn_as": cell.drawn_as}),
        },
        "status": record.status,
        "reason": None if record.reason is None else redact(clean_text(record.reason)),
        "started_at": record.started_at,
        "wall_s": record.wall_s,
        "doubts": [asdict(doubt) for doubt in record.doubts],
        "notes": record.notes,
        "log_path": record.log_path,
        "schema_version": record.schema_version,
    }


def fact_row(fact: Fact) -> Values:
    """Make the row of a fact, without its record's number."""
    row = asdict(clean_fact(fact))
    row["reason"] = None if row["reason"] is None else clean_text(row["reason"])
    return row


@contextmanager
def decoding(place: str) -> Iterator[None]:
    """Turn whatever goes wrong with rows that no bench wrote into an `UnreadableError` that names them."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) and error.args else str(error)
        raise UnreadableError(unreadable(place, why)) from error


def unreadable(place: str, why: str) -> str:
    """Say that something stored is not what bench writes."""
    return (
        f"{place}: what is stored is not what bench writes ({why}); restore it from a copy, or move it away and run "
        "the suite again; `bench store check` names all that is wrong"
    )


def expect(row: Row, name: str, kind: type[T]) -> T:
    """Check the type of a value of a row, and return it; a whole number is a `float`, too.

    Raises:
        KeyError: it is not there.
        TypeError: it is something else than a `kind`.
    """
    value = row[name]
    if kind is float and isinstance(value, int):
        value = float(value)
    if not isinstance(value, kind):
        raise TypeError(f"'{name}' is {type(value).__name__} instead of {kind.__name__}")
    return value


def cell_from(row: Row) -> Cell:
    """Read the cell of a record's row."""
    model, family, variant, task, kind = (
        expect(row, name, str) for name in ("model", "family", "variant", "task", "kind")
    )
    cell = expect(row, "cell", dict)
    job = None if cell["job"] is None else CellJob.from_json(expect(cell, "job", dict))
    unsupported = None if cell["unsupported"] is None else expect(cell, "unsupported", str)
    drawn_as = None if cell.get("drawn_as") is None else expect(cell, "drawn_as", str)
    return Cell(model, family, variant, task, kind, job, expect(cell, "identity", dict), unsupported, drawn_as)


def record_from(row: Row, environment: Mapping[str, object], facts: tuple[Fact, ...]) -> Record:
    """Read the record of a row, without its samples and timings."""
    status = row["status"]
    if status not in get_args(Status):
        raise ValueError(f"'status' is '{status}'")
    reason, log_path = (None if row[name] is None else expect(row, name, str) for name in ("reason", "log_path"))
    return Record(
        cell=cell_from(row),
        status=cast(Status, status),
        reason=reason,
        process=expect(row, "process", int),
        started_at=expect(row, "started_at", str),
        wall_s=expect(row, "wall_s", float),
        facts=facts,
        doubts=tuple(_doubt_from(item) for item in expect(row, "doubts", list)),
        environment=environment,
        notes=expect(row, "notes", dict),
        log_path=log_path,
        schema_version=expect(row, "schema_version", int),
    )


def _doubt_from(item: Row) -> Doubt:
    code, message, remedy = (expect(item, name, str) for name in ("code", "message", "remedy"))
    return Doubt(code, message, remedy, tuple(expect(item, "readings", list)), expect(item, "process", int))


def fact_from(row: Row) -> Fact:
    """Read the fact of a row."""
    value, low, high = (None if row[name] is None else expect(row, name, float) for name in ("value", "low", "high"))
    reason = None if row["reason"] is None else expect(row, "reason", str)
    name, unit, source = (expect(row, column, str) for column in ("name", "unit", "source"))
    return Fact(name, value, unit, source, reason, low, high, expect(row, "process", int))
