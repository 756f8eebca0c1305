"""Holds the folders of temporary files and sockets in the server; removes them when it ends, after all cells."""

from __future__ import annotations

import atexit
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from bench.host import temporary


def _remove(folders: set[Path]) -> None:
    """Wait for the supervisors of cells, which end all that is below them, then remove the folders."""
    with suppress(ChildProcessError):
        while True:
            os.wait()
    for folder in folders:
        temporary.remove(folder)


def _folders() -> set[Path]:
    """Find the folders of temporary files and of sockets that were made for this server."""
    places = {tempfile.gettempdir(), os.environ.get(temporary.SOCKETS)} if os.environ.get(temporary.LASTING) else set()
    folders = {Path(place) for place in places if place}
    return {folder for folder in folders if folder.name.startswith(temporary.PREFIX) and folder.is_dir()}


_held = _folders()
if _held:
    for _folder in _held:
        temporary.hold(_folder)
    atexit.register(_remove, _held)
