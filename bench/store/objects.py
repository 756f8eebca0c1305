"""Blobs in an object store: whatever fsspec speaks, `s3://BUCKET/PATH` above all.

Objects are put whole: a store of objects shows an upload when it is complete, and never a part of it. What is not such
a store is written under a temporary name and renamed. Rows are written once under a name of their own, so that what
was read once is kept on this machine. Credentials come from where the store's own tools take them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.digest import content_hash
from bench.errors import EnvironmentLackError
from bench.host import caches
from bench.store.addresses import redact
from bench.store.blobs import Blob
from bench.store.files import PARTIAL, write_file

WHOLE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory")
"""Stores that show an object when all of it is there."""
PACKAGES = {"s3": "'bench[s3]'", "s3a": "'bench[s3]'", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
"""What to install for a scheme."""
CONNECT_S, ANSWER_S = 5.0, 30.0
"""In which S3 must take a connection and answer a request."""
AGAIN = {"total_max_attempts": 2, "mode": "standard"}
"""Of botocore, which tries a connection that breaks once more; what is throttled s3fs tries again, five times in
all."""
WRITTEN_ONCE = "rows/"
"""Blobs with this beginning never change, and are kept here once they were read."""
MOST_KEPT_BYTES = 2 * 2**30
"""Of the copies on this machine; the oldest go first."""


def speaks(scheme: str) -> bool:
    """Tell whether fsspec knows a scheme."""
    try:
        from fsspec import available_protocols
    except ImportError:
        return False
    return scheme in available_protocols()


def open_blobs(address: str) -> ObjectBlobs:
    """Open the store that an address names.

    Raises:
        EnvironmentLackError: the package for its scheme is not installed, or it refuses to be opened.
    """
    return ObjectBlobs(address, caches.folder() / "blobs" / content_hash(address)[:16])


def _options(scheme: str) -> dict[str, object]:
    """Say how a store is to be asked, where its driver's own ways are not fit for a night that nobody watches."""
    if scheme not in ("s3", "s3a"):
        return {}
    times = {"connect_timeout": CONNECT_S, "read_timeout": ANSWER_S, "retries": AGAIN}
    return {"use_listings_cache": False, "skip_instance_cache": True, "config_kwargs": times}


class ObjectBlobs:
    """Blobs below one place of an object store."""

    def __init__(self, address: str, copies: Path) -> None:
        """Open it; nothing is asked of it yet.

        Args:
            address: of the place.
            copies: where blobs that were read are kept.

        Raises:
            EnvironmentLackError: the package for its scheme is not installed.
        """
        import fsspec

        self.address, self._copies = address, copies
        scheme = address.partition("://")[0]
        self._is_whole = scheme in WHOLE
        try:
            self._store: Any
            self._store, self._top = fsspec.core.url_to_fs(address, **_options(scheme))
        except ImportError as error:
            package = PACKAGES.get(scheme, f"what fsspec names for it ({error})")
            raise EnvironmentLackError(f"{address}: its package is missing; pip install {package}") from error

    def probe(self) -> None:
        """Ask the store whether its place can be used.

        Raises:
            OSError: it cannot, with the reason and what to do.
        """
        with self._told():
            self._store.ls(self._top.partition("/")[0] or self._top)

    def put(self, name: str, content: bytes) -> None:
        """Upload a blob whole."""
        place = self._place(name)
        with self._told():
            if self._is_whole:
                self._store.pipe_file(place, content)
            else:
                self._store.makedirs(place.rpartition("/")[0], exist_ok=True)
                self._store.pipe_file(place + PARTIAL, content)
                self._store.mv(place + PARTIAL, place)
        self._forget(name)

    def get(self, name: str) -> bytes:
        """Read a blob: the copy on this machine where there is one, and it cannot have changed."""
        copy = self._copies / name
        if name.startswith(WRITTEN_ONCE) and copy.is_file():
            return copy.read_bytes()
        with self._told():
            content: bytes = self._store.cat_file(self._place(name))
        if name.startswith(WRITTEN_ONCE):
            with suppress(OSError):  # no room for a copy
                write_file(copy, content)
                self._make_room()
        return content

    def exists(self, name: str) -> bool:
        """Ask whether there is such a blob."""
        with self._told():
            return bool(self._store.exists(self._place(name)))

    def delete(self, name: str) -> None:
        """Remove a blob, and its copy."""
        self._forget(name)
        with suppress(FileNotFoundError), self._told():
            self._store.rm_file(self._place(name))

    def list(self, prefix: str = "") -> Iterator[Blob]:
        """List the blobs whose names begin with `prefix`."""
        folder = prefix.rpartition("/")[0]
        try:
            with self._told():
                details = self._store.find(self._place(folder) if folder else self._top, detail=True)
        except FileNotFoundError:
            return
        start = len(self._top.rstrip("/")) + 1
        for path in sorted(details):
            name = path[start:]
            if name.startswith(prefix) and not name.endswith(PARTIAL):
                yield Blob(name, int(details[path]["size"] or 0))

    def _place(self, name: str) -> str:
        if not name or name.startswith("/") or ".." in name.split("/") or "\0" in name:
            raise FileNotFoundError(f"'{name}' is not the name of a blob: it leads out of the store")
        return f"{self._top.rstrip('/')}/{name}"

    def _forget(self, name: str) -> None:
        with suppress(OSError):
            (self._copies / name).unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Remove the oldest copies when they are too many bytes."""
        sizes = [(path.stat().st_mtime, path.stat().st_size, path) for path in self._copies.rglob("*.parquet")]
        above = sum(size for _, size, _ in sizes) - MOST_KEPT_BYTES
        for _, size, path in sorted(sizes):
            if above <= 0:
                return
            path.unlink(missing_ok=True)
            above -= size

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn whatever the store's driver raises into an `OSError` of one line that says what to do."""
        try:
            yield
        except FileNotFoundError as error:
            bucket = self._top.partition("/")[0]
            if "bucket" in str(error).lower():
                raise OSError(None, f"there is no bucket '{bucket}'; create it, or correct the address") from error
            raise FileNotFoundError(str(error)) from error
        except Exception as error:
            raise OSError(None, _explained(error)) from error


REMEDIES = (
    (("NoCredentials", "Unable to locate credentials"), "put credentials into the environment or ~/.aws/credentials"),
    (("ExpiredToken", "token has expired", "expired"), "the credentials have expired; renew them, and try again"),
    (("InvalidAccessKeyId", "SignatureDoesNotMatch"), "the credentials are not valid there; correct them"),
    (("AccessDenied", "Forbidden", "Access Denied"), "these credentials may not do that; grant them the right"),
    (("SlowDown", "Throttl", "Please reduce", "503"), "the store throttles; try again later"),
    (("NoSuchBucket", "bucket does not exist"), "there is no such bucket; create it, or correct the address"),
    (("timed out", "Timeout", "timeout"), "the store does not answer in time; check the network, and try again"),
    (("Could not connect", "Cannot connect", "Connection"), "the store cannot be reached; check address and network"),
)
"""Pieces of what a driver says → what to do."""
SHOWN = 200
"""Characters of a driver's own message."""


def _explained(error: Exception) -> str:
    """Say in one line what a driver's error means, without secrets."""
    own = f"{type(error).__name__}: {' '.join(str(error).split())}"
    remedy = next((what for pieces, what in REMEDIES if any(piece in own for piece in pieces)), None)
    shown = redact(own)[:SHOWN]
    return shown if remedy is None else f"{remedy} ({shown})"
