"""Results in an object store: `--results s3://bucket/path`.

An object store keeps files and no database. So such results have three places: the database, which must be named; the
rows, timings, logs and reports, which are blobs below the address; and a folder of this machine for all that only it
needs (locks, the journal of a run under way, data, logs as they are written). That folder holds a file with the
address, so that whoever opens it knows where its blobs are.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench.digest import content_hash
from bench.errors import StoreError, UsageError
from bench.host import caches
from bench.store.addresses import has_secret, shown_address
from bench.store.blobs import open_blobs
from bench.store.files import write_file
from bench.store.objects import speaks

ADDRESS = "address"
"""File of a results folder with the address of its blobs."""


def results_folder(text: str) -> Path:
    """Find the folder of this machine for results at a path, or at the address of an object store.

    Raises:
        UsageError: it is an address that bench does not know, or one with a password.
    """
    scheme, separator, place = text.partition("://")
    if not separator:
        return Path(text)
    if scheme == "file":
        return Path(unquote(urlsplit(text).path))
    if has_secret(text):
        raise UsageError(f"'{shown_address(text)}': leave the password out; it is read from the environment")
    if not speaks(scheme) or not place.strip("/"):
        raise UsageError(f"'{text}' is no place for results; write a folder, or an address such as s3://bucket/path")
    address = text.rstrip("/")
    folder = caches.folder() / "results" / content_hash(address)[:16]
    if address_of(folder) != address:
        try:
            write_file(folder / ADDRESS, address)
        except OSError as error:
            raise StoreError(f"{folder}: nothing can be written there: {error.strerror}; set XDG_CACHE_HOME") from error
    return folder


def publish(results: Path, *paths: Path) -> str | None:
    """Upload files of a results folder, such as a report, to where its blobs are.

    Returns:
        The address of the last; None where the results are in the folder itself, or the file is not in it.

    Raises:
        StoreError: the store does not take it; the file is in the folder all the same.
    """
    address = address_of(results)
    inside = [path for path in paths if path.resolve().is_relative_to(results.resolve())]
    if address is None or not inside:
        return None
    blobs, name = open_blobs(address), ""
    for path in inside:
        name = path.resolve().relative_to(results.resolve()).as_posix()
        try:
            blobs.put(name, path.read_bytes())
        except OSError as error:
            raise StoreError(f"{address}/{name}: {error.strerror or error}; it is kept in {path}") from error
    return f"{address}/{name}"


def address_of(results: Path) -> str | None:
    """Read where the blobs of a results folder are; None where they are in the folder itself."""
    try:
        return (results / ADDRESS).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
