"""Where the files of a store are kept: rows, raw timings and logs, each under a name such as `rows/RUN/x.parquet`.

A blob store is one file in this folder, named after the scheme of its addresses, or an entry point of that name in the
group `bench.blobs`. It has a function `open_blobs(address) -> Blobs`. Without an address the results folder itself
keeps the blobs. An address holds no password: a blob store takes its credentials from its environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeGuard

from bench.errors import UsageError
from bench.plugins import Declared, Files
from bench.store.addresses import has_secret, shown_address


@dataclass(frozen=True, slots=True)
class Blob:
    """One entry of a listing."""

    name: str
    size_bytes: int


class Blobs(Protocol):
    """A flat store of bytes by name. Names are relative paths with `/` between their parts.

    Every method raises `OSError` when the store cannot be reached or refuses.
    """

    def put(self, name: str, content: bytes) -> None:
        """Store a blob, in place of an earlier one; it is there whole or not at all, and durable on return."""

    def get(self, name: str) -> bytes:
        """Read a blob.

        Raises:
            FileNotFoundError: there is none of that name.
        """

    def exists(self, name: str) -> bool:
        """Tell whether there is a blob of that name."""

    def delete(self, name: str) -> None:
        """Remove a blob; it need not be there."""

    def list(self, prefix: str = "") -> Iterator[Blob]:
        """List the blobs whose names begin with `prefix`, in the order of their names."""


def _opens(value: object) -> TypeGuard[Callable[[str], Blobs]]:
    return callable(value)


SCHEMES: Declared[Callable[[str], Blobs]] = Declared(
    "blob store",
    "bench.blobs",
    Files(Path(__file__).parent, __name__, "open_blobs", _opens, "function that opens a blob store by its address"),
)
"""Scheme of an address → what opens the store."""


def open_blobs(address: str) -> Blobs:
    """Open the blob store that an address names by its scheme, such as `file:///mnt/rows`.

    A scheme that no blob store of bench or of a plug-in has is looked for among those of fsspec.

    Raises:
        UsageError: it is no address, or it holds a password.
        InputError: no blob store has that scheme.
        EnvironmentLackError: the package for it is not installed.
    """
    scheme, separator, _ = address.partition("://")
    if not separator:
        raise UsageError(f"'{shown_address(address)}' is not the address of a blob store; write it as SCHEME://PLACE")
    if has_secret(address):
        raise UsageError(
            f"'{shown_address(address)}': leave the password out; blob stores read it from the environment"
        )
    if scheme not in SCHEMES:
        from bench.store import objects

        if objects.speaks(scheme):
            return objects.open_blobs(address)
    return SCHEMES.find(scheme)(address)


def drop_uploads(blobs: Blobs, prefix: str) -> None:
    """Discard what a killed process had uploaded in part below `prefix`, where the blob store has such a thing."""
    drop = getattr(blobs, "drop_uploads", None)
    if callable(drop):
        drop(prefix)
