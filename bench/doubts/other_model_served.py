"""The doubt that a server answers by another model than the one that was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage

RELEASE = re.compile(
    r"(?:[-@:_](?:\d{4}-\d{2}(?:-\d{2})?|\d{2}-\d{2}(?:-\d{4})?|\d{3,8}|v\d+(?:\.\d+)*(?::\d+)?))*(?:@[\w.-]+)?"
)
"""What may stand behind the name of a model: dates, numbers of three digits or more, and versions (`-2024-08-06`,
`-0613`, `@20240620`, `-v1:0`), and the revision that a server of transformers adds (`@main`). One or two digits are of
a size or of another model."""
LATEST = re.compile(r"[-:]latest$")
"""What asks for the newest release."""


@dataclass(frozen=True, kw_only=True)
class OtherModelServed(DoubtKind):
    """The answers carry the name of another model, or of several."""

    code: ClassVar[str] = "other_model_served"
    title: ClassVar[str] = "Another model answered"
    advice: ClassVar[str] = (
        "see which model the server has loaded (`GET …/models`); where it is the right one under another name, give "
        "that name as 'server.model'"
    )
    stage: ClassVar[Stage | None] = "scored"
    told: ClassVar[bool] = True

    asked: str
    names: tuple[str, ...]

    @property
    def message(self) -> str:
        """Give the names."""
        return f"the model '{self.asked}' was asked for, and the answers name {', '.join(map(repr, self.names))}"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Compare the names that the model noted; a release behind the name, or a publisher before it, is the same."""
        noted = evidence.notes.get("server")
        if not isinstance(noted, dict):
            return
        asked, served = str(noted.get("asked_model", "")), noted.get("served_models")
        names = [str(name) for name in served] if isinstance(served, list) else []
        others = [name for name in names if not is_same(asked, name)]
        if others or len({_bare(name) for name in names}) > 1:
            yield cls(asked=asked, names=tuple(others or names))


def is_same(asked: str, served: str) -> bool:
    """Tell whether two names are of one model: alike, or one is a release of the other.

    >>> is_same("gpt-4o", "gpt-4o-2024-08-06"), is_same("Qwen/Qwen3-8B", "qwen3-8b"), is_same("llama", "mistral")
    (True, True, False)
    >>> is_same("gpt-4", "gpt-4-0613"), is_same("gpt-4", "gpt-4-mini"), is_same("llama-3", "llama-3.1")
    (True, False, False)
    >>> is_same("./gpt2-small", "./gpt2-small@main"), is_same("m@v1", "m@v2")
    (True, False)
    """
    short, long = sorted((_bare(asked), _bare(served)), key=len)
    return long.startswith(short) and RELEASE.fullmatch(long[len(short) :]) is not None


def _bare(name: str) -> str:
    path = PurePath(name.lower().replace("\\", "/"))
    return LATEST.sub("", path.stem if path.suffix == ".gguf" else path.name)
