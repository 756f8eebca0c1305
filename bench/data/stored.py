"""A data set as the run used it, written once beside the run, so that every worker reads the very same rows."""

from __future__ import annotations

import json
from pathlib import Path

from bench.data.base import Dataset, Example
from bench.store.files import write_file

FOLDER = "data"
"""Under the results folder."""


def write(data: Dataset, results: Path) -> Path:
    """Write `data` under its hash unless it is there; give the absolute path."""
    path = results.resolve() / FOLDER / f"{data.hash[:32]}.json"
    if path.is_file():
        return path
    rows = [[example.id, example.group, dict(example.columns)] for example in data.examples]
    stored = {"hash": data.hash, "origin": data.origin, "notes": dict(data.notes), "rows": rows}
    write_file(path, json.dumps(stored, ensure_ascii=False))
    return path


def read(path: Path) -> Dataset:
    """Read what `write` wrote."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    examples = tuple(
        Example(index, identity, columns, group) for index, (identity, group, columns) in enumerate(stored["rows"])
    )
    return Dataset(examples, stored["hash"], stored["origin"], stored["notes"])
