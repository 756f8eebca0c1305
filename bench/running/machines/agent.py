"""The part of bench that works on each machine of a cluster, in a process of its engine.

It runs calls in fresh processes exactly as at home, by the local executor: with its supervisor, its limits and its log.
What comes back to the run is what a worker says (`bench.running.executors.wire`), and the log.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from bench.candidates import fetched
from bench.candidates.kept import Keep
from bench.host import fingerprint, temporary
from bench.host.facts import Facts
from bench.host.software import VARIABLES
from bench.running.executors import wire
from bench.running.executors.base import Call
from bench.running.executors.local import LocalExecutor
from bench.running.machines.parcels import parcel_of

OF_THE_MACHINE = ("CUDA_VISIBLE_DEVICES", "LD_PRELOAD")
"""Variables that the machine sets for itself; the others are as where the run was started."""
CARRIED = tuple(name for name in VARIABLES if name not in OF_THE_MACHINE)


@dataclass(frozen=True, slots=True)
class Request:
    """A call, as it travels."""

    call: Call
    """Its log's path counts only here; it takes no notes of phases."""
    kept: tuple[bytes, bytes] | None = None
    """What the files of the argument `keep` hold."""
    seat: int = 0
    """Which of the machine's seats it has: one call at a time in each."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of it."""

    frame: bytes
    """An answer's, of `wire`."""
    log: bytes | None
    """None where nothing was written."""
    kept: tuple[bytes, bytes] | None = None
    """What the files of `keep` hold now."""


class Agent:
    """Works on one machine, on one call at a time in each of its seats."""

    def __init__(self, variables: Mapping[str, str], measuring: bool) -> None:
        """Prepare to work.

        Args:
            variables: environment variables of the run that decide how fast or exact the arithmetic is.
            measuring: whether anything is measured.
        """
        for name in CARRIED:  # an engine sets some of them by its own book-keeping
            os.environ.pop(name, None)
        os.environ.update(variables)
        self._folder, self._held = temporary.make()
        self._numbers = count()
        self._measuring = measuring
        self._executors: dict[int, LocalExecutor] = {}
        """By seat: each keeps a process of its own for calls that share a load."""

    def describe(self) -> Facts:
        """Describe the machine."""
        return fingerprint()

    def holds(self, path: str, key: str, whole: bool) -> bool:
        """Tell whether a file or folder is on this machine, on the same path and with the same content."""
        place = Path(path)
        with suppress(Exception):  # whatever is wrong with it: it is not what is wanted
            return place.exists() and parcel_of(place, whole=whole).key == key
        return False

    def fetch(self, address: str) -> str:
        """Fetch a checkpoint from an object store, unless it is here, and return its folder.

        Raises:
            BenchError: it cannot be fetched.
        """
        return str(fetched.fetch(address))

    def receive(self, key: str, place: str, start: int, chunk: bytes) -> None:
        """Write a chunk of a parcel that is on its way; the first of a file replaces what an earlier way left of it.

        Args:
            key: of the parcel.
            place: of the file, below the parcel's own place.
            start: where in the file the chunk begins.
            chunk: its bytes.
        """
        path = self._parcels / f"{key}.partial" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if start else "wb") as stream:
            stream.seek(start)
            stream.write(chunk)

    def received(self, key: str, name: str) -> str | None:
        """Put a parcel, all of which has come, in its place, and return that; None where what came is something else.

        Args:
            key: of the parcel.
            name: of its file or folder.
        """
        whole, partial = self._parcels / key, self._parcels / f"{key}.partial"
        if not whole.exists():
            if parcel_of(partial / name).key != key:
                shutil.rmtree(partial)
                return None
            partial.rename(whole)
        return str(whole / name)

    @property
    def _parcels(self) -> Path:
        return self._folder / "parcels"

    def attempt(self, request: Request) -> Reply:
        """Make a call, and return its outcome."""
        number = next(self._numbers)
        log = self._folder / "logs" / f"{number}.log"
        arguments = dict(request.call.arguments)
        keep = self._keep(number, request.kept) if request.kept is not None else None
        if keep is not None:
            arguments["keep"] = keep
        executor = self._executors.get(request.seat) or LocalExecutor.open(measuring=self._measuring)
        self._executors[request.seat] = executor  # only calls of this seat look there
        answer = executor.attempt(replace(request.call, arguments=arguments, log_path=log))
        content = log.read_bytes() if log.is_file() else None
        log.unlink(missing_ok=True)
        return Reply(wire.answer_frame(answer), content, None if keep is None else kept_by(keep))

    def _keep(self, number: int, kept: tuple[bytes, bytes]) -> Keep:
        """Lay out what was kept of earlier goes."""
        folder = self._folder / "kept" / str(number)
        folder.mkdir(parents=True)
        keep = Keep(folder / "answers.jsonl", folder / "spending.txt")
        for path, content in zip((keep.answers, keep.spending), kept, strict=True):
            path.write_bytes(content)
        return keep

    def close(self) -> None:
        """End what waits for further calls, and remove what lies here."""
        for executor in list(self._executors.values()):
            executor.close()
        temporary.remove(self._folder)


def kept_by(keep: Keep) -> tuple[bytes, bytes]:
    """Read what the files of a cell hold; nothing of one that is not there."""
    answers, spending = (path.read_bytes() if path.is_file() else b"" for path in (keep.answers, keep.spending))
    return answers, spending


def add_kept(keep: Keep, before: tuple[bytes, bytes], after: tuple[bytes, bytes]) -> None:
    """Add to the files of a cell what another machine has added to its copies; they are appended to, and never
    shorten."""
    for path, old, new in zip((keep.answers, keep.spending), before, after, strict=True):
        added = new[len(old) :] if new.startswith(old) else b""
        if added:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as stream:
                stream.write(added)
