"""Which runs are alive: a lock file per run, held by its process and freed by the kernel when that ends.

Where several machines write to one PostgreSQL server, each with a results folder of its own, a lock of the server's
goes with it. The server frees it with the connection, so also when the server itself is restarted: a machine of the
same kind could then take over a run that still goes on elsewhere, and both would measure the rest of it.
Source: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError


class RunLocks:
    """The locks of the runs that this process holds."""

    def __init__(self, folder: Path, engine: Engine | None = None) -> None:
        self._folder = folder
        self._engine = engine if engine is not None and engine.dialect.name == "postgresql" else None
        self._held: dict[str, tuple[IO[str], Connection | None]] = {}

    def hold(self, run_id: str) -> bool:
        """Returns whether this process now holds the run; False when another one does."""
        if run_id in self._held:
            return True
        self._folder.mkdir(parents=True, exist_ok=True)
        stream = self._path(run_id).open("a")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            connection = self._hold_on_server(run_id)
        except BlockingIOError:
            stream.close()
            return False
        except BaseException:
            stream.close()
            raise
        self._held[run_id] = (stream, connection)
        return True

    def _hold_on_server(self, run_id: str) -> Connection | None:
        """Returns the connection that has the server's lock; None where there is no server.

        Raises:
            BlockingIOError: another machine holds the run.
        """
        if self._engine is None:
            return None
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        query = text("SELECT pg_try_advisory_lock(hashtextextended(:run, 0))")
        if connection.execute(query, {"run": run_id}).scalar():
            return connection
        connection.close()
        raise BlockingIOError(f"another machine holds {run_id}")

    def release(self, run_id: str) -> None:
        """Lets go of a run, if held."""
        stream, connection = self._held.pop(run_id, (None, None))
        if stream is not None:
            self._path(run_id).unlink(missing_ok=True)
            stream.close()
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):  # a server that is gone has freed it already
                connection.detach()
                connection.close()

    def release_all(self) -> None:
        """Lets go of every run."""
        for run_id in list(self._held):
            self.release(run_id)

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.lock"
