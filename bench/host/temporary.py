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
SOCKETS = "BENCH_SOCKETS_TMPDIR"
"""Environment variable of the same processes: the folder for their sockets."""
LONGEST_BASE = 50
"""Bytes of a path in which such a folder may hold sockets: their own paths have 107 at most (unix(7)), and 104 outside
Linux, with 50 for the names below."""
SHORT_BASE = Path("/tmp")  # where the usual place is too deep for sockets


def make() -> tuple[Path, int]:
    """Make a folder where the user has temporary files, after removing those that nobody holds; return it and the
    descriptor that holds it.

    Raises:
        OSError: there is no place for temporary files.
    """
    return _make(Path(tempfile.gettempdir()))


def make_for_sockets(folder: Path) -> Path:
    """Make a folder for the sockets of whoever works in `folder`, held as long as this process lives, in a place that
    is not too deep for them; it is `folder` itself where that is not.

    Raises:
        OSError: nothing can be made in the place.
    """
    if len(os.fsencode(folder.parent)) <= LONGEST_BASE or not os.access(SHORT_BASE, os.W_OK):
        return folder
    return _make(SHORT_BASE)[0]


def _make(base: Path) -> tuple[Path, int]:
    tidy(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    held = folder / f"{LOCK}.held"
    descriptor = os.open(held, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    held.rename(folder / LOCK)  # only now: nobody finds a lock that is not held yet
    return folder, descriptor


def hold(folder: Path) -> int:
    """Hold a folder that somebody has made until the returned descriptor is closed, here and in every process forked
    from here.

    Raises:
        FileNotFoundError: it was removed, since nobody held it any more.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        (folder / LOCK).stat()
    except FileNotFoundError:
        os.close(descriptor)
        raise
    return descriptor


def tidy(base: Path) -> None:
    """Remove the folders of this user that nobody holds."""
    for folder in base.glob(f"{PREFIX}*"):
        with suppress(OSError):  # somebody else's, or another process removes it now
            if not folder.is_symlink() and folder.stat().st_uid == os.getuid():
                _remove_abandoned(folder)


def _remove_abandoned(folder: Path) -> None:
    """Remove a folder unless somebody holds it, and let nobody take it meanwhile."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        if time.time() - folder.stat().st_mtime > YOUNG_S:
            remove(folder)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where it is held
        remove(folder)
    finally:
        os.close(descriptor)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, as far as that goes."""
    shutil.rmtree(folder, ignore_errors=True)


def lasting() -> Path:
    """Return the folder for temporary files that outlive the process, such as what a compiler keeps."""
    return Path(os.environ.get(LASTING) or tempfile.gettempdir())
