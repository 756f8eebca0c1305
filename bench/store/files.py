"""Files and folders that are there whole or not at all, whatever is killed when.

Everything is written under a temporary name beside its place, synced, and renamed. The temporary name is the same every
time, so that the next write of a file replaces what a killed one left behind.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial"
"""Ends the name of what is not finished yet."""
REPLACED = ".replaced"
"""Ends the name of a folder that a newer one is taking the place of."""


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file, text as UTF-8 and as it is, and make it survive a loss of power.

    What is there and is no file (`/dev/stdout`, a pipe) is written to as it is.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    with replacing(path) as partial, partial.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Open a temporary path to write to, and move it to `path` when the block ends without an error.

    Of a link, the file that it leads to is replaced.
    """
    path = path.resolve() if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_folder(place: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill an empty folder, then put it in the place of `place`; a kill leaves the old or the new one.

    A kill between the two renames leaves the old one beside its place: `restore_folder` brings it back.
    """
    fresh, old = place.with_name(f".{place.name}{PARTIAL}"), _aside(place)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        write(fresh)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def restore_folder(place: Path) -> None:
    """Bring a folder back that was moved aside by a `write_folder` that was killed before it put the new one there."""
    old = _aside(place)
    if not place.exists() and old.is_dir():
        old.rename(place)


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}{REPLACED}")


def sync_folder(folder: Path) -> None:
    """Make a rename inside a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
