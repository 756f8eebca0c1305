"""Bounds on a YAML file, checked on its events before any value of it is built.

A suite is written by hand and holds some hundred values. Aliases that multiply, nesting without end, tags that ask for
other types and keys that are no names are refused here, each with its line and column, so that nothing later has to
expect them. Knows nothing of suites.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.errors import SuiteError

MAX_BYTES = 256 * 1024
"""Of a file: the largest suite that we know has 20 KiB, and a quarter of a mebibyte is parsed in three seconds."""
MAX_DEPTH = 32
"""Nesting of lists and mappings; a suite needs seven levels."""
MAX_NODES = 50_000
"""Values after every alias is written out."""
MAX_DIGITS = 300
"""Digits of a whole number; the largest double has 309, and Python refuses to read more than 4,300."""
_NUMBER = re.compile(r"[-+]?\d[\d_a-fA-FxX]*")
WORDS_FOR_TRUTH = frozenset({"true", "false", "null", "~", ""})
"""Plain keys that YAML 1.2 reads as a truth value or as nothing, in lower case."""


class _Mark(Protocol):
    line: int
    column: int


class Event(Protocol):
    """One event of ruamel's parser."""

    start_mark: _Mark


def read_text(path: Path) -> str:
    """Read a YAML file's text.

    Raises:
        SuiteError: it is missing, no plain file (a folder, a pipe, a device), too large, or not UTF-8.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise SuiteError(f"{path}:1:1: not a plain file; name a YAML file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except ValueError as error:  # a NUL in the name
        raise SuiteError(f"{str(path)!r} is not the name of a file: {error}") from error
    except OSError as error:
        raise SuiteError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    if len(content) > MAX_BYTES:
        raise SuiteError(
            f"{path}:1:1: larger than {MAX_BYTES // 1024} KiB, which no suite or recipe needs; is it the right file?"
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise SuiteError(f"{path}:{line}:{column}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error


@dataclass(slots=True)
class _Container:
    """A list or mapping that is open at this point of the file."""

    is_mapping: bool
    anchor: str | None
    nodes_before: int
    children: int = 0

    @property
    def expects_key(self) -> bool:
        """Tell whether the next node is the key of a mapping."""
        return self.is_mapping and self.children % 2 == 0


@dataclass(slots=True)
class _Walk:
    """Where the check stands."""

    path: Path
    nodes: int = 0
    """Values so far, aliases written out."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Values under each anchor that is complete."""
    open: list[_Container] = field(default_factory=list)

    def error(self, event: Event, message: str) -> SuiteError:
        """Make an error that points at an event."""
        mark = event.start_mark
        return SuiteError(f"{self.path}:{mark.line + 1}:{mark.column + 1}: {message}")


def check_events(path: Path, events: Iterable[Event]) -> None:
    """Check the events of one file.

    Args:
        path: of the file, for messages.
        events: what `ruamel.yaml.YAML.parse` yields.

    Raises:
        SuiteError: a bound is broken, with its line and column.
    """
    walk = _Walk(path)
    for event in events:
        name = type(event).__name__
        if name in ("SequenceStartEvent", "MappingStartEvent"):
            _enter(walk, event, is_mapping=name.startswith("Mapping"))
        elif name in ("SequenceEndEvent", "MappingEndEvent"):
            container = walk.open.pop()
            if container.anchor is not None:
                walk.sizes[container.anchor] = walk.nodes - container.nodes_before
        elif name == "AliasEvent":
            _follow(walk, event)
        elif name == "ScalarEvent":
            _check_scalar(walk, event)


def _enter(walk: _Walk, event: Event, *, is_mapping: bool) -> None:
    _refuse_tag(walk, event)
    if walk.open and walk.open[-1].expects_key:
        raise walk.error(event, "a key must be a word, not a list or a mapping; see the '? ' or '{' here")
    _count(walk, event, 1)
    if len(walk.open) >= MAX_DEPTH:
        raise walk.error(event, f"nested more than {MAX_DEPTH} levels deep; write it flatter")
    walk.open.append(_Container(is_mapping, getattr(event, "anchor", None), walk.nodes - 1))


def _follow(walk: _Walk, event: Event) -> None:
    anchor = str(getattr(event, "anchor", ""))
    if any(container.anchor == anchor for container in walk.open):
        raise walk.error(event, f"'*{anchor}' is part of what it stands for, without end; write the value out")
    if walk.open and walk.open[-1].expects_key:
        raise walk.error(event, f"'*{anchor}' stands for a key; write the key out")
    _count(walk, event, walk.sizes.get(anchor, 1))


def _check_scalar(walk: _Walk, event: Event) -> None:
    _refuse_tag(walk, event)
    text = str(getattr(event, "value", ""))
    plain = bool(getattr(event, "implicit", (True,))[0])
    if walk.open and walk.open[-1].expects_key and plain and text.lower() in WORDS_FOR_TRUTH:
        shown = text or "nothing"
        raise walk.error(event, f"{shown} is no name for a key; put it in quotes if it is meant as text")
    if (
        plain
        and len(text) > MAX_DIGITS
        and text.lstrip("+-").replace("_", "").isalnum()
        and text.lstrip("+-")[0].isdigit()
    ):
        raise walk.error(event, f"a number of {len(text):,} digits; write at most {MAX_DIGITS}, or put text in quotes")
    anchor = getattr(event, "anchor", None)
    if anchor is not None:
        walk.sizes[anchor] = 1
    _count(walk, event, 1)


def _refuse_tag(walk: _Walk, event: Event) -> None:
    tag = getattr(event, "tag", None)
    if tag is not None:
        short = str(tag).replace("tag:yaml.org,2002:", "!!")
        raise walk.error(event, f"the tag '{short}' asks for another type; leave it out and write the plain value")


def _count(walk: _Walk, event: Event, nodes: int) -> None:
    walk.nodes += nodes
    if walk.open:
        walk.open[-1].children += 1
    if walk.nodes > MAX_NODES:
        raise walk.error(event, f"more than {MAX_NODES:,} values once its aliases ('*name') are written out; use fewer")
