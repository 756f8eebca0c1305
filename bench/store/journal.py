"""What an unfinished run has finished, a second time: plain files beside the rows, until the run is complete.

    results/rows/RUN/run.json         what the run is
    results/rows/RUN/*.record.json    the database's rows of one record

A record is written here before the database is asked to take it. So a database that is damaged, read-only or gone
half way through a night loses nothing that was measured: `bench.store.rescue` puts it back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import StoreError
from bench.store.encoding import Row, cell_from, decoding, expect, fact_from, to_json
from bench.store.files import write_file
from bench.store.older_cells import id_of, is_older, renewed
from bench.store.runs import RunInfo, run_from, run_row

RUN = "run.json"
SUFFIX = ".record.json"


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """One record as the database would hold it."""

    path: Path
    row: Row
    """Of the table `records`, without the columns that only the database knows."""
    environment: Row
    """Of the table `environments`."""
    facts: tuple[Row, ...]
    """Of the table `facts`."""


class Journal:
    """The files of all runs of a results folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, info: RunInfo) -> None:
        """Write what a run is."""
        write_file(self._folder / info.id / RUN, to_json(run_row(info) | {"environment": info.environment}))

    def keep(self, run_id: str, stem: str, row: Row, environment: Row, facts: Sequence[Row]) -> Path:
        """Write a record of a run, and return the file."""
        path = self._folder / run_id / f"{stem}{SUFFIX}"
        write_file(path, to_json({"row": row, "environment": environment, "facts": facts}))
        return path

    def runs(self) -> list[str]:
        """List the ids of the runs that have records here, the oldest first."""
        return sorted({path.parent.name for path in self.files()})

    def files(self) -> Iterator[Path]:
        """List every record's file."""
        yield from sorted(self._folder.glob(f"*/*{SUFFIX}"))

    def info(self, run_id: str) -> RunInfo:
        """Read what a run is.

        Raises:
            StoreError: its file is missing or damaged.
        """
        path = self._folder / run_id / RUN
        fields = _read(path)
        with decoding(str(path)):
            info = run_from(fields, fields["environment"])
            if info.id != run_id:
                raise ValueError(f"it is of run '{info.id}'")
        return info

    def records(self, run_id: str) -> list[KeptRecord]:
        """Read the records of a run in the order of their measuring.

        Raises:
            StoreError: a file is damaged.
        """
        records = [_record(path) for path in sorted((self._folder / run_id).glob(f"*{SUFFIX}"))]
        return sorted(records, key=lambda kept: str(kept.row["started_at"]))

    def forget(self, run_id: str) -> None:
        """Remove the files of a run, which the database holds whole."""
        folder = self._folder / run_id
        for path in [*folder.glob(f"*{SUFFIX}"), folder / RUN]:
            path.unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _record(path: Path) -> KeptRecord:
    kept = _read(path)
    with decoding(str(path)):
        row, environment, facts = expect(kept, "row", dict), expect(kept, "environment", dict), kept["facts"]
        if is_older(expect(row, "cell", dict)):  # kept by a bench of before, and never taken by a database
            cell = renewed(row["cell"])
            row |= {"cell": cell, "cell_id": id_of(cell)}
        cell_from(row)
        expect(row, "started_at", str), expect(row, "process", int), expect(environment, "hash", str)
        for fact in facts:
            fact_from(fact)
    return KeptRecord(path, row, environment, tuple(facts))


def _read(path: Path) -> Row:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read: {error}; move it away, and run the suite again") from error
    if not isinstance(value, dict):
        raise StoreError(f"{path} cannot be read: it holds no object; move it away, and run the suite again")
    return value
