"""A folder for the temporary files of one process and all that it starts, which is gone when the last of them is.

Whoever works in it holds a shared lock on a file inside. A folder whose lock nobody holds was left by processes that
were killed all at once; the next one to make a folder removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PREFIX = "bench-run-"
LOCK = "lock"
LASTING = "BENCH_LASTING_TMPDIR"
"""Environment variable of processes that work in such a folder: where temporary files are that outlive it."""
YOUNG_S = 60.0
"""A folder without a lock may be one that is being made, up to this age."""
LONGEST_BASE = 50
"""Bytes of a path in which such a folder may hold sockets: their own paths have 107 at most (unix(7)), and 104 outside
Linux, with 50 for the names below."""
SHORT_BASE = Path("/tmp")  # where the usual place is too deep for sockets


def make() -> tuple[Path, int]:
    """Make a folder, after removing those that nobody holds; return it and the descriptor that holds it.

    Raises:
        OSError: there is no place for temporary files.
    """
    base = Path(tempfile.gettempdir())
    if len(os.fsencode(base)) > LONGEST_BASE and os.access(SHORT_BASE, os.W_OK):
        base = SHORT_BASE
    tidy(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    return folder, hold(folder)


def hold(folder: Path) -> int:
    """Hold a folder until the returned descriptor is closed, here and in every process forked from here."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def tidy(base: Path) -> None:
    """Remove the folders of this user that nobody holds."""
    for folder in base.glob(f"{PREFIX}*"):
        with suppress(OSError):  # somebody else's, or another process removes it now
            if not folder.is_symlink() and folder.stat().st_uid == os.getuid() and _is_abandoned(folder):
                remove(folder)


def _is_abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > YOUNG_S
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, as far as that goes."""
    shutil.rmtree(folder, ignore_errors=True)


def lasting() -> Path:
    """Return the folder for temporary files that outlive the process, such as what a compiler keeps."""
    return Path(os.environ.get(LASTING) or tempfile.gettempdir())
