"""Blobs as files of a folder: `file:///PATH`, and the results folder when no address is given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from bench.errors import UsageError
from bench.store.blobs import Blob
from bench.store.files import PARTIAL, sync_folder, write_file


def open_blobs(address: str) -> FolderBlobs:
    """Open the folder of a `file://` address."""
    parts = urlsplit(address)
    if parts.netloc or not parts.path.startswith("/"):
        raise UsageError(f"'{address}': name an absolute folder with three slashes, such as file:///mnt/rows")
    return FolderBlobs(Path(unquote(parts.path)))


class FolderBlobs:
    """Blobs in a folder of this machine. A name never leads out of it, and a listing follows no link."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, content: bytes) -> None:
        """Write a file under a temporary name, sync it, and rename it."""
        write_file(self._path(name), content)

    def get(self, name: str) -> bytes:
        """Read a file."""
        return self._path(name).read_bytes()

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return self._path(name).is_file()

    def delete(self, name: str) -> None:
        """Remove a file, and its folder when it was the last one."""
        path = self._path(name)
        path.unlink(missing_ok=True)
        if path.parent == self.folder or not path.parent.is_dir():
            return
        with os.scandir(path.parent) as entries:
            is_empty = next(entries, None) is None
        if is_empty:
            path.parent.rmdir()
        else:
            sync_folder(path.parent)

    def list(self, prefix: str = "") -> Iterator[Blob]:
        """List the files below the folder; half-written ones and links do not count."""
        top = self.folder / prefix.rpartition("/")[0]
        for folder, folders, names in os.walk(top):
            folders.sort()
            for file in sorted(names):
                path = Path(folder, file)
                name = path.relative_to(self.folder).as_posix()
                if name.startswith(prefix) and not name.endswith(PARTIAL) and not path.is_symlink():
                    yield Blob(name, path.stat().st_size)

    def _path(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or "\0" in name:
            raise FileNotFoundError(f"'{name}' is not the name of a blob: it leads out of the store")
        return self.folder.joinpath(*parts)
