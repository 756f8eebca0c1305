"""Answers that an earlier run scored, written once beside the data, so that a worker need not score them again.

JSON and not the store's Parquet: reading that would add its library to the memory of a process that is measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.data.stored import FOLDER
from bench.record import Sample


def write(samples: Sequence[Sample], results: Path, key: str) -> Path:
    """Writes the rows under `key`, over what is there; returns the absolute path."""
    path = results.resolve() / FOLDER / f"scored-{key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps([asdict(sample) for sample in samples], ensure_ascii=False), encoding="utf-8")
    fresh.replace(path)
    return path


def read(path: Path) -> list[Sample]:
    """Returns what `write` wrote, bit for bit."""
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return [Sample(**{key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}) for row in rows]
