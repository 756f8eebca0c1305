"""One night at a time in a results folder: two at once would measure each other. The lock is the folder's, not the
suite's."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bench.errors import BusyError, StoreError
from bench.store.locks import FileLock

LOCK = "locks/nightly.lock"


@contextmanager
def night_lock(results: Path, suite: str, now: datetime) -> Iterator[None]:
    """Hold the lock of a results folder for a night.

    Raises:
        BusyError: another night holds it; says which suite, process and machine, and since when.
        StoreError: the folder cannot be written.
    """
    lock = FileLock(results / LOCK, keep_file=True)
    holder = {"suite": suite, "pid": os.getpid(), "host": socket.gethostname(), "since": f"{now:%Y-%m-%d %H:%M %Z}"}
    try:
        is_held = lock.take(holder=json.dumps(holder))
    except OSError as error:
        raise StoreError(
            f"{lock.path}: the night's lock cannot be made: {error.strerror}; check the folder and its permissions, "
            "or use another one with --results"
        ) from error
    if not is_held:
        raise BusyError(
            f"{results}: a night is already running here: {_who(lock)}; wait until it ends, or give this one "
            "another --results folder"
        )
    try:
        yield
    finally:
        lock.release()


def _who(lock: FileLock) -> str:
    try:
        holder = json.loads(lock.holder())
        return (
            f"process {holder['pid']} on {holder['host']} has been running '{holder['suite']}' since {holder['since']}"
        )
    except (ValueError, KeyError, TypeError):  # taken a moment ago, and not yet signed
        return "another process has just started one"
