"""The rows of records: samples and timings, as Parquet in a blob store.

The database names each file: by its path when it is in the results folder, else by the address of its blob store, a
`#`, and the path (`s3://bucket#rows/RUN/x.parquet`). So whoever reads the database finds the rows, wherever they were
put; only who writes must say where to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from bench.errors import InputError, StoreError, UnreadableError
from bench.record import Sample, Timing
from bench.store.blobs import Blobs, drop_uploads, open_blobs
from bench.store.blobs.file import FolderBlobs
from bench.units import plural

Row = TypeVar("Row", Sample, Timing)

ROW_PATHS: tuple[Literal["samples_path"], Literal["timings_path"]] = ("samples_path", "timings_path")
"""Columns of the table `records` that name a file of rows."""


class RowsAwayError(UnreadableError):
    """Rows are not where this bench can find them."""


class RowFiles:
    """The files of a results folder, and of the blob stores that its database names."""

    def __init__(self, results: Path, address: str | None = None) -> None:
        """Keep new rows in the blob store at `address`; in the results folder when it is None.

        Raises:
            InputError: there is no such blob store.
        """
        self.results = results
        self.home: Blobs = FolderBlobs(results)
        self.address = address
        self.refused: dict[str, str] = {}
        """Why the blob store did not take a file, by its path in the results folder, which has it now."""
        self._opened = cache(open_blobs)
        self.target = self.home if address is None else self._opened(address)

    def probe(self) -> None:
        """Find out whether the blob store for new rows can be used.

        Raises:
            StoreError: it cannot.
        """
        probe = getattr(self.target, "probe", None)
        if callable(probe):
            try:
                probe()
            except OSError as error:
                raise StoreError(f"{self.address}: {error.strerror or error}") from error

    def write(self, path: str, rows: Sequence[Row], kind: type[Row]) -> str | None:
        """Store rows, and return what names them; None when there are none to store."""
        if not rows:
            return None
        from bench.store.parquet import to_bytes

        return self.put(path, to_bytes(rows, kind))

    def put(self, path: str, content: bytes) -> str:
        """Store a file, and return what names it.

        A blob store elsewhere that does not take it loses nothing: the file is then kept in the results folder.

        Raises:
            OSError: the results folder does not take it.
        """
        if self.address is not None:
            try:
                self.target.put(path, content)
            except OSError as error:
                self.refused.setdefault(path, str(error.strerror or error))
            else:
                return f"{self.address}#{path}"
        self.home.put(path, content)
        return path

    def drop_uploads(self, run_id: str) -> None:
        """Discard what a killed process had uploaded in part of a run's rows and logs."""
        for kind in ("rows", "logs"):
            drop_uploads(self.target, f"{kind}/{run_id}/")

    def told(self) -> str | None:
        """Say what the blob store did not take; None where it took everything."""
        if not self.refused:
            return None
        count, why = len(self.refused), next(iter(self.refused.values()))
        return (
            f"{self.address} did not take {plural(count, 'file')}, kept in {self.results} instead: {why}; mend it, and "
            "run the same command with --rerun for the rows to be there"
        )

    def read(self, named: str, kind: type[Row]) -> tuple[Row, ...]:
        """Read rows back.

        Raises:
            StoreError: the file is missing, damaged, or holds other rows.
        """
        from bench.store.parquet import from_bytes

        return from_bytes(self.get(named), kind, self._shown(named))

    def get(self, named: str) -> bytes:
        """Read the content of a file.

        Raises:
            RowsAwayError: it is missing.
            StoreError: it cannot be read.
        """
        blobs, path = self.place(named)
        try:
            return blobs.get(path)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise RowsAwayError(
                f"{self._shown(named)} is missing: it was removed, or written on another machine into another "
                "results folder; copy it there, or run the suite again with --rerun"
            ) from error
        except OSError as error:
            why = error.strerror or error
            raise StoreError(f"{self._shown(named)} cannot be read: {why}; check its store and its rights") from error

    def are_here(self, record: Mapping[str, object]) -> bool:
        """Tell whether all files that a record names can be found."""
        return all(self.exists(str(record[name])) for name in ROW_PATHS if record[name] is not None)

    def exists(self, named: str) -> bool:
        """Tell whether a file can be found."""
        try:
            blobs, path = self.place(named)
            return blobs.exists(path)
        except (OSError, StoreError):
            return False

    def found(self, names: Iterable[str]) -> set[str]:
        """Choose the files that can be found; a blob store elsewhere is asked once for all files of a folder.

        Raises:
            StoreError: a blob store cannot be asked.
        """
        folders: dict[str, set[str]] = defaultdict(set)
        for named in names:
            folders[named.rpartition("/")[0]].add(named)
        return {named for folder, inside in folders.items() for named in self._found(folder, inside)}

    def _found(self, folder: str, names: set[str]) -> set[str]:
        try:
            blobs, prefix = self.place(f"{folder}/")
            if isinstance(blobs, FolderBlobs) or ".." in prefix.split("/"):
                return {named for named in names if self.exists(named)}
            there = {f"{folder}/{blob.name.removeprefix(prefix)}" for blob in blobs.list(prefix)}
        except RowsAwayError:
            return set()
        except OSError as error:
            raise StoreError(f"{self._shown(folder)} cannot be read: {error.strerror or error}") from error
        return names & there

    def elsewhere(self, names: Iterable[str]) -> list[str]:
        """List all files of rows in the blob stores that some files are in, and in that for new rows.

        One that this bench cannot open is left out.

        Raises:
            StoreError: a blob store cannot be asked.
        """
        addresses = {named.rpartition("#")[0] for named in names} | {self.address or ""}
        listed = []
        for address in sorted(address for address in addresses if "://" in address):
            try:
                blobs, prefix = self.place(f"{address}#rows/")
                listed += [f"{address}#{blob.name}" for blob in blobs.list(prefix)]
            except RowsAwayError:
                continue
            except OSError as error:
                raise StoreError(f"{address} cannot be listed: {error.strerror or error}") from error
        return listed

    def place(self, named: str) -> tuple[Blobs, str]:
        """Find the blob store of a file, and its path there.

        Raises:
            RowsAwayError: this bench has no such blob store.
        """
        address, separator, path = named.rpartition("#")
        if not separator or "://" not in address:
            return self.home, named
        try:
            return self._opened(address), path
        except InputError as error:
            raise RowsAwayError(f"{named}: {error}; install the package that brings it") from error

    def _shown(self, named: str) -> str:
        return named if "://" in named else str(self.results / named)
