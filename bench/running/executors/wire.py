"""What a worker says to its parent, as bytes: frames of JSON, read as a stranger's.

A worker runs code of candidates, so nothing that comes from it is believed: no byte of it is unpickled, a frame has a
largest size, a stalled frame blocks nobody, and every field of a record is checked for its type and range. Whatever
does not fit is a `WireError`, which fails the one cell. What goes to the worker is bench's own, and is not made here.

    frame    8 bytes, the length of the rest, big-endian; then JSON in UTF-8
    JSON     {"phase": text}, {"value": any JSON}, {"record": {…}} or {"failure": {status, reason, error}}
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from bench import errors
from bench.errors import BenchError, UnsupportedError
from bench.record import SCHEMA_VERSION, Cell, Doubt, Fact, Record, Sample, Timing
from bench.running.executors.outcome import Answer, Failure

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LENGTH_BYTES = 8
MAX_BYTES = 2**30
"""Of one frame: a million rows of a kilobyte each."""
MAX_PHASE = 10_000
"""Characters of a phase's name, or of a line about a training."""
MAX_REASON = 2_000
"""Characters of a failure's reason; bench's own are cut at 500."""
LARGEST = 2**63 - 1
"""The largest whole number that SQLite, PostgreSQL and Parquet hold."""
READ_BYTES = 2**20
ANONYMOUS = Cell("", "", "", "", "")
"""Stands for a record's cell, which the parent knows and no worker may change."""
WHOLE = ("index", "scored_tokens", "scored_bytes", "input_tokens", "output_tokens")
WHOLE_TIMED = ("iteration", "duration_ns", "start_ns", "input_tokens", "output_tokens", "device_ns", "lag_ns")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class WireError(Exception):
    """What came is not what a worker says; `str()` says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """A failure, as it is sent."""

    status: Literal["unsupported", "oom", "timeout", "failed"]
    reason: str
    error: str
    abilities: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Message:
    """One of its fields is there."""

    phase: str | None = None
    record: Record | None = None
    failure: _Failed | None = None
    value: object = None


Heard: TypeAlias = str | Answer
"""A phase that begins, or the answer."""


def phase_frame(name: str) -> bytes:
    """Make the frame that tells a phase."""
    return _frame({"phase": name[:MAX_PHASE]})


def answer_frame(answer: Answer) -> bytes:
    """Make the frame of an answer.

    Raises:
        Exception: the value cannot be written as JSON.
    """
    if answer.failure is not None:
        failure = answer.failure
        known = next(cls.__name__ for cls in failure.error.__mro__ if cls.__name__ in _errors())
        fields = {"reason": failure.reason[:MAX_REASON], "error": known, "abilities": failure.abilities}
        return _frame({"failure": {"status": failure.status} | fields})
    if isinstance(answer.value, Record):
        return _frame({"record": replace(answer.value, cell=ANONYMOUS)})
    return _frame({"value": answer.value})


def _frame(message: Mapping[str, object]) -> bytes:
    text = json.dumps(message, ensure_ascii=False, default=_plain)
    # What no database holds is written as the store would write it.
    content = LONE_SURROGATE.sub(lambda match: f"\\\\u{ord(match[0]):04x}", text).encode()
    if len(content) > MAX_BYTES:
        raise ValueError(f"it has {len(content):,} bytes, and may have {MAX_BYTES:,}; lower max_examples")
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


def _plain(value: object) -> object:
    """Write what JSON does not know as something that it does."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in _names(type(value))}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, PurePath):
        return str(value)
    item = getattr(value, "item", None)  # numpy's and torch's scalars
    if callable(item):
        return item()
    raise TypeError(f"a {type(value).__name__} is neither text nor a number nor made of such")


def send(descriptor: int, frame: bytes) -> None:
    """Write a frame whole."""
    view = memoryview(frame)
    while view:
        view = view[os.write(descriptor, view[:READ_BYTES]) :]


@dataclass(slots=True)
class Inbox:
    """Puts frames together from what a descriptor has, and never waits for the rest of one."""

    descriptor: int
    _buffer: bytearray = field(default_factory=bytearray)

    def receive(self) -> list[Heard]:
        """Read what is there, and return what it completes.

        Raises:
            EOFError: nothing more can come.
            OSError: the same.
            WireError: it is not what a worker says.
        """
        chunk = os.read(self.descriptor, READ_BYTES)
        if not chunk:
            raise EOFError
        self._buffer += chunk
        heard: list[Heard] = []
        while len(self._buffer) >= LENGTH_BYTES:
            size = int.from_bytes(self._buffer[:LENGTH_BYTES], "big")
            if size > MAX_BYTES:
                raise WireError(f"it begins with {bytes(self._buffer[:LENGTH_BYTES])!r}")
            if len(self._buffer) < LENGTH_BYTES + size:
                break
            content = bytes(memoryview(self._buffer)[LENGTH_BYTES : LENGTH_BYTES + size])
            del self._buffer[: LENGTH_BYTES + size]
            heard.append(parse(content))
        return heard


def parse(content: bytes) -> Heard:
    """Read the JSON of a frame.

    Raises:
        WireError: it is not what a worker says.
    """
    try:
        message = _adapter().validate_json(content, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise WireError(f"{place}: {problem['msg']}" if place else problem["msg"]) from error
    if message.phase is not None:
        return message.phase[:MAX_PHASE]
    if message.failure is not None:
        failed = message.failure
        kind = _errors().get(failed.error, BenchError)
        return Answer(failure=Failure(failed.status, failed.reason[:MAX_REASON], kind, failed.abilities))
    if message.record is not None:
        return Answer(checked(message.record), checked=True)
    return Answer(message.value)


def checked(record: Record) -> Record:
    """Return a record whose types are right, if all its numbers can be.

    Raises:
        WireError: a count is negative or too large to be kept, or a status is not a worker's to give.
    """
    if record.status == "skipped":
        raise WireError("a worker cannot skip its cell")
    for sample in record.samples:
        _check_counts(f"samples[{sample.index}]", sample, WHOLE)
    for place, timing in enumerate(record.timings):
        _check_counts(f"timings[{place}]", timing, WHOLE_TIMED)
        if not all(0 <= number <= LARGEST for number in (*timing.examples, *timing.token_ns)):
            raise WireError(f"timings[{place}]: a number is negative or above 2^63 - 1")
    parts: tuple[Record | Timing | Fact | Doubt, ...] = (record, *record.timings, *record.facts, *record.doubts)
    for part in parts:
        if not 0 <= part.process <= LARGEST:
            raise WireError("a number of a process is negative or above 2^63 - 1")
    if not (math.isfinite(record.wall_s) and record.wall_s >= 0):
        raise WireError(f"wall_s is {record.wall_s}")
    if record.schema_version != SCHEMA_VERSION:
        raise WireError(f"schema_version is {record.schema_version}, and must be {SCHEMA_VERSION}")
    try:
        datetime.fromisoformat(record.started_at or "2026-01-01")
    except ValueError as error:
        raise WireError(f"started_at is no time: {error}") from error
    return record


def recoded(record: Record) -> Record:
    """Send a record to ourselves: one that came another way is held to the same.

    Raises:
        WireError: it is not what a worker says.
    """
    try:
        frame = answer_frame(Answer(record))
    except Exception as error:  # whatever a stranger's values raise
        raise WireError(f"{type(error).__name__}: {error}") from error
    answer = parse(frame[LENGTH_BYTES:])
    assert isinstance(answer, Answer)
    assert isinstance(answer.value, Record)
    return answer.value


def _check_counts(place: str, row: Sample | Timing, names: tuple[str, ...]) -> None:
    for name in names:
        number = getattr(row, name)
        if number is not None and not 0 <= number <= LARGEST:
            shown = f"{number}" if abs(number) < 10**24 else "a number of more than 24 digits"
            raise WireError(f"{place}.{name} is {shown}, and must be from 0 to 2^63 - 1")


@cache
def _names(kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


@cache
def _adapter() -> TypeAdapter[_Message]:
    return TypeAdapter(_Message)


@cache
def _errors() -> Mapping[str, type[BenchError]]:
    """Return the errors that can be made of a message alone, by name."""
    classes = [thing for thing in vars(errors).values() if isinstance(thing, type) and issubclass(thing, BenchError)]
    return {each.__name__: each for each in classes if "__init__" not in vars(each)} | {
        UnsupportedError.__name__: UnsupportedError
    }
