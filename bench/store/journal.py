"""What an unfinished run has finished, a second time: plain files beside the rows, until the run is complete.

    results/rows/RUN/run.json         what the run is
    results/rows/RUN/*.record.json    the database's rows of one record

A record is written here before the database is asked to take it. So a database that is damaged, read-only or gone
half way through a night loses nothing that was measured: `bench.store.rescue` puts it back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import StoreError
from bench.store.durable import sync_folder
from bench.store.encoding import to_json
from bench.store.older_cells import id_of, is_older, renewed
from bench.store.runs import RunInfo

RUN = "run.json"
SUFFIX = ".record.json"


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """One record as the database would hold it."""

    path: Path
    row: Mapping[str, Any]
    """Of the table `records`, without the columns that only the database knows."""
    environment: Mapping[str, Any]
    """Of the table `environments`."""
    facts: tuple[Mapping[str, Any], ...]
    """Of the table `facts`."""


class Journal:
    """The files of all runs of a results folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, info: RunInfo) -> None:
        """Writes what a run is."""
        _write(self._folder / info.id / RUN, asdict(info))

    def keep(
        self, run_id: str, stem: str, row: Mapping[str, Any], environment: Mapping[str, Any], facts: list[Any]
    ) -> Path:
        """Writes a record of a run; returns the file."""
        path = self._folder / run_id / f"{stem}{SUFFIX}"
        _write(path, {"row": row, "environment": environment, "facts": facts})
        return path

    def runs(self) -> list[str]:
        """Returns the ids of the runs that have files here, the oldest first."""
        return sorted({path.parent.name for path in self.files()})

    def files(self) -> Iterator[Path]:
        """Yields every record's file."""
        yield from sorted(self._folder.glob(f"*/*{SUFFIX}"))

    def info(self, run_id: str) -> RunInfo:
        """Returns what a run is.

        Raises:
            StoreError: its file is missing or damaged.
        """
        fields = _read(self._folder / run_id / RUN)
        plan = tuple((cell_id, label) for cell_id, label in fields.pop("plan"))
        return RunInfo(**fields, plan=plan)

    def records(self, run_id: str) -> list[KeptRecord]:
        """Returns the records of a run in the order of their measuring.

        Raises:
            StoreError: a file is damaged.
        """
        found = []
        for path in sorted((self._folder / run_id).glob(f"*{SUFFIX}")):
            held = _read(path)
            row = held["row"]
            if is_older(row["cell"]):  # kept by a bench of before, and never taken by a database
                cell = renewed(row["cell"])
                row |= {"cell": cell, "cell_id": id_of(cell)}
            found.append(KeptRecord(path, row, held["environment"], tuple(held["facts"])))
        return sorted(found, key=lambda kept: str(kept.row["started_at"]))

    def forget(self, run_id: str) -> None:
        """Removes the files of a run, which the database holds whole."""
        folder = self._folder / run_id
        for path in [*folder.glob(f"*{SUFFIX}"), folder / RUN]:
            path.unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(to_json(value))
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def _read(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}; move it away, and run the suite again") from error
    return value
