"""Where a run keeps what it has done of a cell that is scored in parts, until all parts are there.

    results/answers/RUN/parts/*.json    one file a part

A run that is complete has them in its records, and removes them; those of one that nobody resumes go with its rows, by
`bench.store.retention`.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

KEPT_ANSWERS = "answers"
"""Folder below the results folder with the answers of cells that are not finished, one file each, and with what runs
have spent."""
PARTS = "parts"


def parts_of(run_id: str) -> str:
    """Name the folder of a run's parts, relative to the results folder."""
    return f"{KEPT_ANSWERS}/{run_id}/{PARTS}"


def forget_parts(results: Path, run_id: str) -> None:
    """Remove the parts of a run whose records are stored."""
    folder = results / parts_of(run_id)
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # what the run has spent stays there
        folder.parent.rmdir()
