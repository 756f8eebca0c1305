"""Locks between processes: files that the kernel frees when their holder ends, however it ends.

One class, and the rules differ only in what its users do when somebody else holds the lock: a run is left alone, a
night and a fit say who is busy, a migration waits.

Where several machines write to one PostgreSQL server, each with a results folder of its own, a lock of the server's
goes with a run's. The server frees it with the connection, so also when the server itself is restarted: a machine of
the same kind could then take over a run that still goes on elsewhere, and both would measure the rest of it.
Source: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError


class FileLock:
    """A lock that one process at a time holds. Its file may say who holds it, and stays or goes on release."""

    def __init__(self, path: Path, *, keep_file: bool = False) -> None:
        self.path = path
        self._keep_file = keep_file
        self._stream: IO[str] | None = None

    @property
    def is_held(self) -> bool:
        """Tell whether this object holds the lock."""
        return self._stream is not None

    def take(self, *, wait: bool = False, holder: str = "") -> bool:
        """Take the lock, and return whether it is held now.

        Args:
            wait: until the other holder lets go.
            holder: written into the file, for those who come later.

        Raises:
            OSError: the file cannot be made.
        """
        while self._stream is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            stream = self.path.open("a+", encoding="utf-8")
            try:
                fcntl.flock(stream, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stream.close()
                return False
            except BaseException:
                stream.close()
                raise
            if self._is_current(stream):
                stream.truncate(0)
                stream.write(holder)
                stream.flush()
                self._stream = stream
            else:  # its holder removed the file after we had opened it: what is locked is nobody's file any more
                stream.close()
        return True

    def _is_current(self, stream: IO[str]) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(stream.fileno()), self.path.stat())
        return False

    def holder(self) -> str:
        """Read what the holder wrote into the file; empty where there is none, or it has not written yet."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return self.path.read_text(encoding="utf-8")
        return ""

    def release(self) -> None:
        """Let go of the lock, if held."""
        if self._stream is None:
            return
        if self._keep_file:
            self._stream.truncate(0)
        else:
            self.path.unlink(missing_ok=True)
        self._stream.close()
        self._stream = None


class RunLocks:
    """The locks of the runs that this process holds."""

    def __init__(self, folder: Path, engine: Engine | None = None) -> None:
        self._folder = folder
        self._engine = engine if engine is not None and engine.dialect.name == "postgresql" else None
        self._held: dict[str, tuple[FileLock, Connection | None]] = {}

    def hold(self, run_id: str) -> bool:
        """Take a run, and return whether this process holds it now; False when another one does."""
        if run_id in self._held:
            return True
        lock = FileLock(self._folder / f"{run_id}.lock")
        if not lock.take():
            return False
        try:
            connection = self._hold_on_server(run_id)
        except BlockingIOError:
            lock.release()
            return False
        except BaseException:
            lock.release()
            raise
        self._held[run_id] = (lock, connection)
        return True

    def _hold_on_server(self, run_id: str) -> Connection | None:
        """Lock on the server, and return the connection that has the lock; None where there is no server.

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
        """Let go of a run, if held."""
        lock, connection = self._held.pop(run_id, (None, None))
        if lock is not None:
            lock.release()
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):  # a server that is gone has freed it already
                connection.execute(text("SELECT pg_advisory_unlock_all()"))  # closing alone frees it a little later
            with contextlib.suppress(SQLAlchemyError):
                connection.close()

    def release_all(self) -> None:
        """Let go of every run."""
        for run_id in list(self._held):
            self.release(run_id)

    def is_free(self, run_id: str) -> bool:
        """Tell whether nobody holds a run; one that this process holds is not free."""
        if run_id in self._held or not self.hold(run_id):
            return False
        self.release(run_id)
        return True
