"""What killed processes leave behind: half-written files, and files of rows that no record names.

Nothing that may be the only copy of something is ever one of them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from sqlalchemy import select

from bench.errors import StoreError
from bench.store import schema
from bench.store.database import Database
from bench.store.files import PARTIAL
from bench.store.journal import Journal
from bench.store.rows import ROW_PATHS, RowFiles

WRITTEN = ("rows", "nightly", "reports", "data")
"""Folders below the results folder in which files are written under a temporary name first."""


def walk(folder: Path) -> Iterator[Path]:
    """Walk every file below a folder, and every link, which is not followed."""
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in links)
        yield from (Path(place, name) for name in sorted([*names, *links]))


def half_written(results: Path, leave: Collection[str] = ()) -> list[Path]:
    """List the files that were being written when their process was killed, but for those of some runs' rows."""
    return [
        path
        for top in WRITTEN
        for path in walk(results / top)
        if path.name.endswith(PARTIAL) and not (top == "rows" and path.parent.name in leave)
    ]


def orphans(database: Database, journal: Journal, files: RowFiles, run_id: str) -> list[str]:
    """List the names of the files in the folder of a run's rows that neither database nor journal names.

    None are returned where the journal cannot be read: they may belong to what it holds.
    """
    prefix = f"rows/{run_id}/"
    table = schema.records
    rows = database.read(select(*(table.c[name] for name in ROW_PATHS)))
    named = {str(row[name]).rpartition("#")[2] for row in rows for name in ROW_PATHS if row[name] is not None}
    try:
        named |= {str(kept.row[name]).rpartition("#")[2] for kept in journal.records(run_id) for name in ROW_PATHS}
    except (StoreError, KeyError):
        return []
    return [blob.name for blob in files.home.list(prefix) if blob.name.endswith(".parquet") and blob.name not in named]


def tidy(database: Database, journal: Journal, files: RowFiles, run_id: str) -> None:
    """Remove what a killed process left of a run, which the caller must hold."""
    for path in (files.results / "rows" / run_id).glob(f"*{PARTIAL}"):
        path.unlink(missing_ok=True)
    for name in orphans(database, journal, files, run_id):
        files.home.delete(name)
