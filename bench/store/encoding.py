"""Records to rows of the database and back, with everything a database would refuse made harmless.

SQLite turns NaN into NULL without a word, and PostgreSQL refuses NUL characters and JSON's NaN: this is done
here once, the same for both, and said in the row.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Any

from bench.digest import content_hash
from bench.record import Cell, Doubt, Fact, Record
from bench.suite import CellJob

NOT_FINITE = "the reading was not a finite number"


def to_json(value: Any) -> str:
    """Returns JSON text in which every non-finite number is null.

    >>> to_json({"a": (1, float("nan"))})
    '{"a": [1, null]}'
    """
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: Any) -> Any:
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
    r"""Returns `text` with lone surrogates and NUL, which databases and Parquet cannot hold, as escapes.

    >>> clean_text("a\ud800b\0")
    'a\\ud800b\\x00'
    """
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def clean_fact(fact: Fact) -> Fact:
    """Returns the fact; a value that is not finite becomes None with the reason."""
    fact = replace(fact, low=_finite(fact.low), high=_finite(fact.high))
    if fact.value is None or math.isfinite(fact.value):
        return fact
    reason = f"{NOT_FINITE} ({fact.value})" + (f"; {fact.reason}" if fact.reason else "")
    return replace(fact, value=None, reason=reason)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def environment_row(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the row of an environment, addressed by its content."""
    body = json.loads(to_json(environment))
    return {"hash": content_hash(body), "body": body}


def record_row(record: Record) -> dict[str, Any]:
    """Returns the row of a record, without the columns that only the store knows."""
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
        },
        "status": record.status,
        "reason": None if record.reason is None else clean_text(record.reason),
        "started_at": record.started_at,
        "wall_s": record.wall_s,
        "doubts": [asdict(doubt) for doubt in record.doubts],
        "notes": record.notes,
        "log_path": record.log_path,
        "schema_version": record.schema_version,
    }


def fact_row(fact: Fact) -> dict[str, Any]:
    """Returns the row of a fact, without its record's number."""
    row = asdict(clean_fact(fact))
    row["reason"] = None if row["reason"] is None else clean_text(row["reason"])
    return row


def cell_from(row: Mapping[str, Any]) -> Cell:
    """Returns the cell of a record's row."""
    cell = row["cell"]
    job = None if cell["job"] is None else CellJob.from_json(cell["job"])
    names = {name: row[name] for name in ("model", "family", "variant", "task", "kind")}
    return Cell(**names, job=job, identity=cell["identity"], unsupported=cell["unsupported"])


def record_from(row: Mapping[str, Any], environment: Mapping[str, Any], facts: tuple[Fact, ...]) -> Record:
    """Returns the record of a row, without its samples and timings."""
    return Record(
        cell=cell_from(row),
        facts=facts,
        environment=environment,
        doubts=tuple(_doubt_from(item) for item in row["doubts"]),
        **{name: row[name] for name in _COPIED},
    )


_COPIED = ("status", "reason", "process", "started_at", "wall_s", "notes", "log_path", "schema_version")


def _doubt_from(item: Mapping[str, Any]) -> Doubt:
    return Doubt(**{**item, "readings": tuple(item["readings"])})


def fact_from(row: Mapping[str, Any]) -> Fact:
    """Returns the fact of a row."""
    return Fact(**{name: row[name] for name in Fact.__dataclass_fields__})
