"""Blobs in an object store: whatever fsspec speaks, `s3://BUCKET/PATH` above all.

Objects are put whole: a store of objects shows an upload when it is complete, and never a part of it. What is not such
a store is written under a temporary name and renamed. Rows are written once under a name of their own, so that what
was written or read here is kept on this machine. Credentials come from where the store's own tools take them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
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
S3 = ("s3", "s3a")
PACKAGES = {"s3": "'bench[s3]'", "s3a": "'bench[s3]'", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
"""What to install for a scheme."""
CONNECT_S, ANSWER_S = 5.0, 30.0
"""In which S3 must take a connection and answer a request."""
AGAIN = {"total_max_attempts": 2, "mode": "standard"}
"""Of botocore, which tries what may pass once more; s3fs above it does that five times in all."""
UPLOAD_TRIES = 2
SLOWEST_BYTES_PER_S = 64 * 2**10
"""Of an upload that is still taken for one: aiohttp waits for ever for a server that does not take what is sent."""
PART_BYTES = 50 * 2**20
"""Of an upload to S3 that goes in parts, as all do of twice that size: s3fs's own."""
WRITTEN_ONCE = "rows/"
"""Blobs with this beginning never change, and are kept here once they were read."""
CHANGING = ("size", "ETag", "etag", "content_md5", "LastModified", "last_modified", "updated", "mtime", "created")
"""What stores say of an object that is another one once it is written again."""
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
    if scheme not in S3:
        return {}
    times = {"connect_timeout": CONNECT_S, "read_timeout": ANSWER_S, "retries": AGAIN}
    return {"use_listings_cache": False, "skip_instance_cache": True, "config_kwargs": times}


@cache
def _try_cut_connections_again() -> None:
    """Have s3fs try again whatever way a connection was cut: of a reset while it sends it would do so once alone.

    aiobotocore calls that an `EndpointConnectionError`, as it does a server that is not there, which is told at once.
    """
    from aiohttp import ClientConnectorError
    from botocore.exceptions import EndpointConnectionError
    from s3fs.core import set_custom_error_handler

    def was_cut(error: Exception) -> bool:
        return isinstance(error, EndpointConnectionError) and not isinstance(
            error.kwargs.get("error"), ClientConnectorError
        )

    set_custom_error_handler(was_cut)


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
        self._is_whole, self._is_s3 = scheme in WHOLE, scheme in S3
        self._kept_bytes: int | None = None
        """Of all copies; None until they are counted."""
        try:
            self._store: Any
            self._store, self._top = fsspec.core.url_to_fs(address, **_options(scheme))
            if self._is_s3:
                _try_cut_connections_again()
        except ImportError as error:
            package = PACKAGES.get(scheme, f"what fsspec names for it ({error})")
            raise EnvironmentLackError(f"{address}: its package is missing; pip install {package}") from error

    def probe(self) -> None:
        """Ask the store whether its place can be used.

        Raises:
            OSError: it cannot, with the reason and what to do.
        """
        with suppress(FileNotFoundError), self._told():
            self._store.ls(self._top)
            return
        if self._is_s3:
            return  # nothing lies there yet; it would have said so were there no such bucket
        try:
            with self._told():
                self._store.ls(self._top.partition("/")[0] or self._top)
        except FileNotFoundError as error:
            raise OSError(None, self._no_bucket) from error

    def put(self, name: str, content: bytes) -> None:
        """Upload a blob whole."""
        place = self._place(name)
        self._forget(name)
        with self._told():
            if self._is_whole:
                self._upload(place, content)
            else:
                self._store.makedirs(place.rpartition("/")[0], exist_ok=True)
                self._upload(place + PARTIAL, content)
                self._store.mv(place + PARTIAL, place)
        self._keep(name, content)

    def _upload(self, place: str, content: bytes) -> None:
        """Send a blob, once more where the store took nothing of it for too long.

        Raises:
            TimeoutError: it did so again.
        """
        from fsspec.asyn import AsyncFileSystem
        from fsspec.exceptions import FSTimeoutError

        options: dict[str, object] = {"chunksize": PART_BYTES} if self._is_s3 else {}
        if not isinstance(self._store, AsyncFileSystem):
            self._store.pipe_file(place, content, **options)
            return
        within_s = 2 * ANSWER_S + len(content) / SLOWEST_BYTES_PER_S
        for _ in range(UPLOAD_TRIES):
            with suppress(FSTimeoutError):
                self._store.pipe_file(place, content, timeout=within_s, **options)
                return
        raise TimeoutError(f"an upload was not over within {within_s:.0f} s, {UPLOAD_TRIES} times")

    def get(self, name: str) -> bytes:
        """Read a blob: the copy on this machine where there is one, and it cannot have changed."""
        copy = self._copies / name
        if name.startswith(WRITTEN_ONCE) and copy.is_file():
            return copy.read_bytes()
        at_once = {"max_concurrency": 1} if self._is_s3 else {}  # with more s3fs asks for the size before it reads
        with self._told():
            content: bytes = self._store.cat_file(self._place(name), **at_once)
        self._keep(name, content)
        return content

    def stamps(self) -> dict[str, str]:
        """Name all that is there, each with a hash of what changes when it does: size, tag and time."""
        with self._told():
            details = self._store.find(self._top, detail=True)
        start = len(self._top.rstrip("/")) + 1
        stamps = {path[start:]: {key: str(about.get(key)) for key in CHANGING} for path, about in details.items()}
        return {name: content_hash(stamps[name]) for name in sorted(stamps) if name}

    def download(self, name: str, path: Path) -> None:
        """Copy a blob to a file, piece by piece."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._told():
            self._store.get_file(self._place(name), str(path))

    def exists(self, name: str) -> bool:
        """Ask whether there is such a blob."""
        with self._told():
            return bool(self._store.exists(self._place(name)))

    def delete(self, name: str) -> None:
        """Remove a blob, and its copy."""
        self._forget(name)
        with suppress(FileNotFoundError), self._told():
            self._store.rm_file(self._place(name))

    def drop_uploads(self, prefix: str) -> None:
        """Discard the parts of uploads that a killed process began below `prefix`: nobody sees them, and they cost.

        Whoever may not, or finds the store away, leaves them: a rule of the bucket's is to remove them in the end.
        """
        if not self._is_s3:
            return
        bucket, key, _ = self._store.split_path(self._place(prefix))
        with suppress(OSError), self._told():
            for upload in self._store.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=key).get("Uploads", []):
                named = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                self._store.call_s3("abort_multipart_upload", Bucket=bucket, **named)

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

    def _keep(self, name: str, content: bytes) -> None:
        """Keep a copy of a blob that cannot change."""
        if name.startswith(WRITTEN_ONCE):
            with suppress(OSError):  # no room for it
                write_file(self._copies / name, content)
                self._make_room(len(content))

    def _make_room(self, more_bytes: int) -> None:
        """Remove the oldest copies when they are too many bytes."""
        if self._kept_bytes is not None:
            self._kept_bytes += more_bytes
            if self._kept_bytes <= MOST_KEPT_BYTES:
                return
        sizes = [(path.stat().st_mtime, path.stat().st_size, path) for path in self._copies.rglob("*.parquet")]
        self._kept_bytes = sum(size for _, size, _ in sizes)
        for _, size, path in sorted(sizes):
            if self._kept_bytes <= MOST_KEPT_BYTES:
                return
            path.unlink(missing_ok=True)
            self._kept_bytes -= size

    @property
    def _no_bucket(self) -> str:
        bucket = self._top.partition("/")[0]
        place = f"bucket '{bucket}'" if bucket else f"'{self._top}'"
        return f"there is no {place}; create it, or correct the address"

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn whatever the store's driver raises into an `OSError` of one line that says what to do."""
        try:
            yield
        except FileNotFoundError as error:
            if NO_BUCKET in _names(error):
                raise OSError(None, self._no_bucket) from error
            raise FileNotFoundError(str(error)) from error
        except Exception as error:
            raise OSError(None, _explained(error)) from error


NO_BUCKET = "NoSuchBucket"
"""S3's code for it. Other drivers only say that something is not there."""
REMEDIES = (
    (
        {"NoCredentialsError", "PartialCredentialsError", "NoAuthTokenError", "CredentialRetrievalError"},
        "put credentials into the environment or ~/.aws/credentials",
    ),
    (
        {
            "ExpiredToken",
            "ExpiredTokenException",
            "RequestExpired",
            "TokenRefreshRequired",
            "UnauthorizedSSOTokenError",
        },
        "the credentials have expired; renew them, and try again",
    ),
    (
        {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "401"},
        "the credentials are not valid there; correct them",
    ),
    (
        {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable", "429", "503"},
        "the store throttles; try again later",
    ),
    (
        {"AccessDenied", "AllAccessDisabled", "403", "PermissionError"},
        "these credentials may not do that; grant them the right",
    ),
    (
        {"RequestTimeout", "ConnectTimeoutError", "ReadTimeoutError", "TimeoutError"},
        "the store does not answer in time; check the network, and try again",
    ),
    (
        {"HTTPClientError", "ConnectionError", "ClientConnectionError", "ClientPayloadError"},
        "the store cannot be reached; check address and network",
    ),
)
"""Codes of stores and classes of drivers' errors → what to do; the first that fits."""
SHOWN = 200
"""Characters of a driver's own message."""


def _names(error: BaseException | None) -> set[str]:
    """Collect what an error is called: its classes, the store's own code and HTTP's, and those of what caused it."""
    names: set[str] = set()
    looked_at: list[BaseException] = []
    while error is not None and error not in looked_at:
        looked_at.append(error)
        names.update(kind.__name__ for kind in type(error).__mro__)
        response = getattr(error, "response", None)  # botocore's
        answer = response.get("Error") if isinstance(response, Mapping) else None
        codes = answer.get("Code") if isinstance(answer, Mapping) else None, getattr(error, "code", None)
        names.update(str(code) for code in codes if isinstance(code, int | str))
        error = error.__cause__
    return names


def _explained(error: Exception) -> str:
    """Say in one line what a driver's error means, without secrets."""
    names = _names(error)
    remedy = next((what for called, what in REMEDIES if called & names), None)
    shown = redact(f"{type(error).__name__}: {' '.join(str(error).split())}")[:SHOWN]
    return shown if remedy is None else f"{remedy} ({shown})"
