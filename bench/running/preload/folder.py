"""Holds the folder of temporary files in the server, and removes it when the server ends, after all cells have."""

from __future__ import annotations

import atexit
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from bench.host import temporary


def _remove(folder: Path) -> None:
    """Wait for the supervisors of cells, which end all that is below them, then remove the folder."""
    with suppress(ChildProcessError):
        while True:
            os.wait()
    temporary.remove(folder)


_folder = Path(tempfile.gettempdir())
if os.environ.get(temporary.LASTING) and _folder.name.startswith(temporary.PREFIX) and _folder.is_dir():
    temporary.hold(_folder)
    atexit.register(_remove, _folder)
