"""Lazy tables from a name to `module:attribute`, open to third parties through entry points.

Nothing is imported until a name is loaded, so that `bench --help` stays fast. An entry point in the group of a table
(`bench.candidates`, `bench.metrics`, `bench.meters`, …) adds a name; it cannot replace a built-in one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from bench.errors import InputError, UsageError, nearest


def load_object(target: str) -> Any:
    """Returns the object that `package.module:attribute` names.

    Raises:
        UsageError: the target is not of that form, or the module or the attribute does not exist.

    >>> load_object("math:sqrt")(4.0)
    2.0
    """
    module_name, _, attribute = target.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), *attribute.split("."))):
        raise UsageError(f"'{target}' is not of the form 'package.module:name'")
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"'{target}': no module named '{error.name}'; install the package that has it, or put its "
            "folder on PYTHONPATH"
        ) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise UsageError(f"'{target}': '{module_name}' has no '{part}'; {nearest(part, vars(found))}")
        found = getattr(found, part)
    return found


def look_beside(folder: Path) -> None:
    """Has modules found in a folder, such as a suite's, after all that are installed; and files, by `beside`."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    if folder not in _folders:
        _folders.append(folder)


_folders: list[Path] = []


def beside(path: str) -> Path | None:
    """Returns what a relative path means: in a folder that `look_beside` names, the latest first, else from where this
    process was started; None where there is nothing."""
    return next((found for folder in (*reversed(_folders), Path()) if (found := folder / path).exists()), None)


class Table(Mapping[str, str]):
    """Names of one kind of thing, each with the `module:attribute` that implements it."""

    def __init__(self, kind: str, group: str, built_in: Mapping[str, str]) -> None:
        self.kind = kind
        self.group = group
        self._built_in = dict(built_in)

    @cached_property
    def _targets(self) -> dict[str, str]:
        plug_ins = {point.name: point.value for point in entry_points(group=self.group)}
        return plug_ins | self._built_in

    def __getitem__(self, name: str) -> str:
        return self._targets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._targets))

    def __len__(self) -> int:
        return len(self._targets)

    def check(self, name: str) -> None:
        """Raises `InputError` with the nearest valid name when `name` is not in the table."""
        if name not in self._targets:
            raise InputError(f"no {self.kind} is named '{name}'; {nearest(name, self._targets)}")

    def load(self, name: str) -> Any:
        """Returns the object behind `name`, imported now.

        Raises:
            InputError: no such name.
        """
        self.check(name)
        return load_object(self._targets[name])
