"""A folder of results, such as a suite's nights, and its counterpart in the object store that results lie in.

Several machines add to the counterpart, each files of its own names, so that what one has put there is never taken away
by another. A machine uploads what is new or has changed since its own last upload.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import StoreError
from bench.store.blobs import Blobs, drop_uploads, open_blobs
from bench.store.elsewhere import address_of
from bench.store.files import write_file

UPLOADED = ".uploaded.json"
"""File of the folder with the size in bytes and the time (ns) of each file as it was uploaded from here."""


class Mirror:
    """A folder and its counterpart; where results are in the folder itself there is none, and nothing is done."""

    def __init__(self, results: Path, folder: Path) -> None:
        """Open it; nothing is asked of the object store yet.

        Args:
            results: the results folder.
            folder: one inside it.
        """
        self._results, self._folder = results, folder
        self._address = address_of(results)
        self._blobs: Blobs | None = None if self._address is None else open_blobs(self._address)

    def place_of(self, path: Path) -> str:
        """Write where a file of the folder is read: its address, or its path where there is no counterpart."""
        return str(path.resolve()) if self._address is None else f"{self._address}/{self._name(path)}"

    def names(self) -> set[str]:
        """List the files of the counterpart, relative to it.

        Raises:
            StoreError: the object store does not answer.
        """
        if self._blobs is None:
            return set()
        prefix = f"{self._name(self._folder)}/"
        with self._told(prefix):
            return {blob.name.removeprefix(prefix) for blob in self._blobs.list(prefix)}

    def get(self, name: str) -> bytes:
        """Read a file of the counterpart.

        Raises:
            StoreError: it is not there, or the object store does not answer.
        """
        path = self._folder / name
        if self._blobs is None:
            raise StoreError(f"{path}: there is no such file")
        with self._told(self._name(path)):
            return self._blobs.get(self._name(path))

    def keep(self, name: str, content: bytes) -> None:
        """Write a file of the counterpart into the folder; it is not uploaded again from here."""
        path = self._folder / name
        write_file(path, content)
        write_file(self._folder / UPLOADED, json.dumps(self._uploaded() | {name: _stamp(path)}))

    def upload(self, *paths: Path) -> None:
        """Upload what is new or has changed, and what the counterpart has not; or some files of the folder alone.

        Raises:
            StoreError: the object store does not take it; the next upload goes on where this one ended.
        """
        if self._blobs is None:
            return
        there, before = set() if paths else self.names(), self._uploaded()
        now = dict(before)
        try:
            for path in paths or self._files():
                name, stamp = path.relative_to(self._folder).as_posix(), _stamp(path)
                if name not in there or before.get(name) != stamp:
                    with self._told(self._name(path), f"; it is kept in {path}"):
                        self._blobs.put(self._name(path), path.read_bytes())
                    now[name] = stamp
        finally:
            if now != before:
                write_file(self._folder / UPLOADED, json.dumps(now))

    def drop_uploads(self, name: str) -> None:
        """Discard what a killed process had uploaded in part of a folder in this one, into which nobody uploads now."""
        if self._blobs is not None:
            drop_uploads(self._blobs, f"{self._name(self._folder / name)}/")

    def _files(self) -> list[Path]:
        """List the folder's files, without hidden ones: those are half written, or this machine's alone."""
        return [
            path
            for path in sorted(self._folder.rglob("*"))
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(self._folder).parts)
        ]

    def _uploaded(self) -> dict[str, list[int]]:
        try:
            read = json.loads((self._folder / UPLOADED).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) else {}

    def _name(self, path: Path) -> str:
        return path.relative_to(self._results).as_posix()

    @contextmanager
    def _told(self, name: str, remark: str = "") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"{self._address}/{name}: {error.strerror or error}{remark}") from error


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
