"""Checkpoints that lie in an object store: fetched once to each machine, into the user's folder for caches.

What is there is looked at each time a suite is planned; where any of it has changed all of it is fetched anew, into
another folder. Two that want the same one wait for each other, and what was cut short is no checkpoint.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bench.candidates.checkpoint import ADDRESS_MARK
from bench.digest import content_hash
from bench.errors import EnvironmentLackError, InputError
from bench.host import caches
from bench.store.addresses import has_secret, redact, shown_address
from bench.store.files import PARTIAL
from bench.store.objects import ObjectBlobs, open_blobs, speaks

FOLDER = "checkpoints"
ADDRESS = ".address"
"""File beside a fetched folder that says where it is from."""


@cache
def fetch(address: str) -> Path:
    """Fetch a checkpoint, unless it is here, and return its folder; a process looks once whether it has changed.

    Raises:
        InputError: no such kind of address is known, it has a password, or nothing lies there.
        EnvironmentLackError: its store cannot be read, or there is no room for it.
    """
    scheme = address.partition(ADDRESS_MARK)[0]
    if not speaks(scheme):
        raise InputError(
            f"'{redact(address)}': '{scheme}' is no kind of object store that fsspec knows; write s3://BUCKET/PATH, "
            "gs://BUCKET/PATH or the like"
        )
    if has_secret(address):
        raise InputError(f"'{shown_address(address)}': leave the password out; it is read from the environment")
    name = address.rstrip("/").rpartition("/")[2]
    try:
        blobs = open_blobs(address)
        there = blobs.stamps()
        if not there:
            raise InputError(f"there is no checkpoint at '{redact(address)}'; correct the address, or upload it there")
        place = caches.folder() / FOLDER / content_hash([address, there])[:16]
        place.parent.mkdir(parents=True, exist_ok=True)
        from bench.store.locks import FileLock  # slow to import, and wanted here alone

        lock = FileLock(place.with_suffix(".lock"))
        lock.take(wait=True)
        try:
            if not place.is_dir():
                _download(blobs, there, place, name)
                (place.with_suffix(PARTIAL) / ADDRESS).write_text(address, encoding="utf-8")
                place.with_suffix(PARTIAL).rename(place)
        finally:
            lock.release()
    except OSError as error:
        raise EnvironmentLackError(f"'{redact(address)}' cannot be fetched: {error.strerror or error}") from error
    return place / name


def address_of(folder: Path) -> str | None:
    """Look up where a folder was fetched from; None for any other folder."""
    place = folder.parent / ADDRESS
    if folder.parent.parent != caches.folder() / FOLDER or not place.is_file():
        return None
    return place.read_text(encoding="utf-8")


def _download(blobs: ObjectBlobs, there: Iterable[str], place: Path, name: str) -> None:
    partial = place.with_suffix(PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed meanwhile
    for file in there:
        blobs.download(file, partial / name / file)
