"""What travels to a machine for a job: data, checkpoints, exported networks, and the folder of a suite with factories.

A folder up to `TRAVELS_BYTES` travels, in chunks, once to each machine, and lies there under its hash. A larger one
must lie on the same path of every machine already, with the same content: that is checked before anything runs. What
was fetched from an object store is fetched from there by each machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.candidates.checkpoint import locate
from bench.candidates.fetched import address_of
from bench.errors import InputError
from bench.record import Cell
from bench.units import format_quantity

TRAVELS_BYTES = 512 * 2**20
"""Of one folder: a minute at 10 MB/s, and what a small object store can pass on."""
CHUNK_BYTES = 8 * 2**20
DATABASE = "bench.db"
"""Marks a results folder, which is nothing that a suite brings."""
NOT_OURS = ("__pycache__", "node_modules")
"""Folders, beside hidden ones, that hold nothing a factory reads."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file, or a folder with its files."""

    path: Path
    key: str
    """SHA-256 (hex) of the names and the contents."""
    size_bytes: int
    files: tuple[str, ...]
    """Relative to the folder; empty for a file."""
    whole: bool = True
    """Whether it has all files of its folder."""
    address: str | None = None
    """Where in an object store it is from; then each machine fetches it for itself."""

    @property
    def travels(self) -> bool:
        """Tell whether it is small enough, or need not travel."""
        return self.address is not None or self.size_bytes <= TRAVELS_BYTES

    @property
    def size(self) -> str:
        """The size for a person."""
        return format_quantity(float(self.size_bytes), "B")

    def chunks(self) -> Iterator[tuple[str, int, bytes]]:
        """Read the content: of each chunk the file's place below the parcel's own place, where in the file the chunk
        begins, and its bytes.

        Raises:
            InputError: it cannot be read any more.
        """
        for name in self.files or ("",):
            place = f"{self.path.name}/{name}" if name else self.path.name
            with _readable(self.path), (self.path / name if name else self.path).open("rb") as stream:
                start, chunk = 0, stream.read(CHUNK_BYTES)
                yield place, start, chunk
                while chunk:
                    start, chunk = start + len(chunk), stream.read(CHUNK_BYTES)
                    if chunk:
                        yield place, start, chunk


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: it is wanted on other machines and cannot be read: {error.strerror}") from error


def parcel_of(path: Path, *, whole: bool = True) -> Parcel:
    """Hash a file or a folder.

    Args:
        path: where it is.
        whole: of a folder all files; else without hidden ones, caches and results, which a suite does not bring.

    Raises:
        InputError: it is not there, or cannot be read.
    """
    with _readable(path):
        names = () if path.is_file() else tuple(_names(path, whole))
        places = [path / name for name in names] or [path]
        size = sum(place.stat().st_size for place in places)
        digest = hashlib.sha256()
        for name, place in zip(names or (path.name,), places, strict=True):
            digest.update(f"{name}\0{place.stat().st_size}\0".encode())
            with place.open("rb") as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    digest.update(chunk)
    return Parcel(path, digest.hexdigest(), size, names, whole, address_of(path))


def _names(folder: Path, whole: bool) -> Iterator[str]:
    if not folder.is_dir():
        raise FileNotFoundError(2, "it is not there")
    pending = [folder]
    names = []
    while pending:
        place = pending.pop()
        for entry in place.iterdir():
            if not whole and (entry.name.startswith(".") or entry.name in NOT_OURS):
                continue
            if entry.is_dir():
                if whole or not (entry / DATABASE).exists():
                    pending.append(entry)
            elif entry.is_file():
                names.append(entry.relative_to(folder).as_posix())
    yield from sorted(names)


def wanted(cell: Cell) -> dict[str, Path]:
    """List the files and folders of this machine that a cell's job names, by the key that names each."""
    job = cell.to_run()
    paths = {"data_path": job.data_path, "train_path": job.train_path, "artifact": job.artifact}
    model = job.model
    paths["checkpoint"] = _local(model.checkpoint)
    if model.adapter is not None:
        paths["base"] = _local(model.adapter.base)
    if model.factory is not None or model.server is not None:
        paths["suite_folder"] = job.suite_folder
    return {name: Path(path) for name, path in paths.items() if path is not None}


def _local(checkpoint: str | None) -> str | None:
    """Find the folder of a checkpoint; None for one on the Hub, which each machine fetches for itself."""
    if checkpoint is None:
        return None
    folder = locate(checkpoint, Path()).folder
    return None if folder is None else str(folder)


def moved(cell: Cell, places: Mapping[str, str]) -> Cell:
    """Point a cell's job to where its files are on another machine.

    Args:
        cell: as it is here.
        places: path there, by the keys of `wanted`.
    """
    job = cell.to_run()
    of_model: dict[str, object] = {"checkpoint": places["checkpoint"]} if "checkpoint" in places else {}
    if "base" in places and job.model.adapter is not None:
        of_model["adapter"] = job.model.adapter.model_copy(update={"base": places["base"]})
    own = {name: place for name, place in places.items() if name not in ("checkpoint", "base")}
    return replace(cell, job=job.model_copy(update={**own, "model": job.model.model_copy(update=of_model)}))
