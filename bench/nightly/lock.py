"""One night at a time in a results folder: a lock that the kernel frees when its holder ends, however it ends.

Two nights at once would measure each other. The lock is the folder's, not the suite's.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from bench.errors import BusyError, StoreError

LOCK = "locks/nightly.lock"


@contextmanager
def night_lock(results: Path, suite: str, now: datetime) -> Iterator[None]:
    """Holds the results folder for a night.

    Raises:
        BusyError: another night holds it; says which suite, process and machine, and since when.
        StoreError: the folder cannot be written.
    """
    path = results / LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{path}: the night's lock cannot be made: {error.strerror}") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(_who(stream, results)) from None
        _sign(stream, suite, now)
        try:
            yield
        finally:
            stream.truncate(0)


def _sign(stream: IO[str], suite: str, now: datetime) -> None:
    """Writes who holds the lock."""
    stream.truncate(0)
    holder = {"suite": suite, "pid": os.getpid(), "host": socket.gethostname(), "since": f"{now:%Y-%m-%d %H:%M %Z}"}
    stream.write(json.dumps(holder))
    stream.flush()


def _who(stream: IO[str], results: Path) -> str:
    stream.seek(0)
    try:
        held = json.loads(stream.read())
        who = f"process {held['pid']} on {held['host']} runs '{held['suite']}' since {held['since']}"
    except (ValueError, KeyError, TypeError):  # taken a moment ago, and not yet signed
        who = "another process has just begun one"
    return f"{results}: a night is running here: {who}; wait for its end, or give this one another --results folder"
