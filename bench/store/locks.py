"""Which runs are alive: a lock file per run, held by its process and freed by the kernel when that ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


class RunLocks:
    """The locks of the runs that this process holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, IO[str]] = {}

    def hold(self, run_id: str) -> bool:
        """Returns whether this process now holds the run; False when another one does."""
        if run_id in self._held:
            return True
        self._folder.mkdir(parents=True, exist_ok=True)
        stream = self._path(run_id).open("a")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return False
        self._held[run_id] = stream
        return True

    def release(self, run_id: str) -> None:
        """Lets go of a run, if held."""
        stream = self._held.pop(run_id, None)
        if stream is not None:
            self._path(run_id).unlink(missing_ok=True)
            stream.close()

    def release_all(self) -> None:
        """Lets go of every run."""
        for run_id in list(self._held):
            self.release(run_id)

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.lock"
