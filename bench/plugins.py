"""How bench finds its parts, its own and those of third parties: declarations, tables of names, modules beside a suite.

Nothing is imported until it is needed, so that `bench --help` stays fast. An entry point in a group (`bench.families`,
`bench.tasks`, `bench.metrics`, `bench.meters`, …) adds a name; it cannot replace a built-in one.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Generic, Protocol, TypeVar

from bench.errors import InputError, UsageError, nearest

T = TypeVar("T")


def load_object(target: str) -> Any:
    """Load the object that `package.module:attribute` names.

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


def declared_classes(package: str, group: str, base: type[T], key: str) -> dict[str, type[T]]:
    """Collect the classes of one kind of thing that declare themselves, by the attribute `key`, in its order.

    They come from the modules directly in a package, so that a new file is all that a new one takes, and from the entry
    points of third parties.

    Args:
        package: name of the package, which may be the one that is being imported.
        group: of the entry points.
        base: what the classes derive from.
        key: class attribute that names a class; one without an own value is no declaration.

    Raises:
        UsageError: a plug-in cannot be loaded, does not derive from `base`, or takes a name that is in use.
    """
    modules = [import_module(f"{package}.{module.name}") for module in iter_modules(import_module(package).__path__)]
    members = ((module, member) for module in modules for member in vars(module).values() if isinstance(member, type))
    declared = {
        str(vars(member)[key]): member
        for module, member in members
        if issubclass(member, base) and key in vars(member) and member.__module__ == module.__name__
    }
    for point in entry_points(group=group):
        plug_in = load_object(point.value)
        where = f"the entry point '{point.name}' of '{group}' ({point.value})"
        if not isinstance(plug_in, type) or not issubclass(plug_in, base):
            raise UsageError(f"{where} is no class that derives from {base.__module__}.{base.__name__}")
        name = getattr(plug_in, key, None)
        if not isinstance(name, str):
            raise UsageError(f"{where} has no '{key}'; give the class one")
        if declared.setdefault(name, plug_in) is not plug_in:
            raise UsageError(f"{where} declares the {key} '{name}', which is taken; choose another")
    return dict(sorted(declared.items()))


def look_beside(folder: Path) -> None:
    """Let modules be imported from a folder, such as a suite's, and files be found there by `beside`.

    The folder comes after everything that is installed, for metrics and factories alike: a file beside a suite that is
    called `token.py` must not replace the standard library's for all that is measured.
    """
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    if folder not in _folders:
        _folders.append(folder)


_folders: list[Path] = []


def find_beside(module: str, folder: Path) -> ModuleSpec | None:
    """Find a module as an import after `look_beside(folder)` alone would, without running any code.

    Returns None where there is no such module.
    """
    others = {str(other) for other in _folders if other != folder}
    places = [place for place in sys.path if place not in others and place != str(folder)] + [str(folder)]
    spec: ModuleSpec | None = None
    *above, last = module.split(".")
    name = ""
    for part in (*above, last):
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(name, places)
        if spec is None:
            return None
        places = list(spec.submodule_search_locations or ())
    return spec


def beside(path: str) -> Path | None:
    """Resolve a relative path: in a folder that `look_beside` names, the latest first, else from where this
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
        """Raise `InputError` with the nearest valid name when `name` is not in the table."""
        if name not in self._targets:
            raise InputError(f"no {self.kind} is named '{name}'; {nearest(name, self._targets)}")

    def load(self, name: str) -> Any:
        """Import the object behind `name`.

        Raises:
            InputError: no such name.
        """
        self.check(name)
        return load_object(self._targets[name])


class Declaration(Protocol):
    """What every declared thing says of itself."""

    name: str
    """As in suites and records."""


D = TypeVar("D", bound=Declaration)


class Declared(Mapping[str, D], Generic[D]):
    """The declarations of one kind of thing by name: one class per file of a folder, and those of entry points.

    There is no table to keep: a file that is put into the folder is found. Its class derives from the base class. A
    plug-in's entry point has the declaration's name, and its value is `package.module:Class`.
    """

    def __init__(self, noun: str, group: str, package: str, base: type[D]) -> None:
        self.noun = noun
        self.group = group
        self._package = package
        self._base = base
        self._loaded: dict[str, D] = {}

    @cached_property
    def _built_in(self) -> dict[str, D]:
        declared: dict[str, D] = {}
        folder = import_module(self._package)
        for found in pkgutil.iter_modules(folder.__path__, f"{self._package}."):
            module = import_module(found.name)
            for value in vars(module).values():
                if isinstance(value, type) and issubclass(value, self._base) and value.__module__ == module.__name__:
                    declaration = value()
                    if hasattr(declaration, "name"):
                        declared[declaration.name] = declaration
        return declared

    @cached_property
    def _plug_ins(self) -> dict[str, str]:
        return {point.name: point.value for point in entry_points(group=self.group)}

    def _plug_in(self, name: str) -> D:
        target = self._plug_ins[name]
        found: object = load_object(target)
        declaration = found() if isinstance(found, type) else found
        if not isinstance(declaration, self._base):
            raise InputError(
                f"the {self.noun} '{name}': '{target}' is no {self._base.__name__}; derive its class from "
                f"{self._base.__module__}.{self._base.__name__}"
            )
        if declaration.name != name:
            raise InputError(
                f"the {self.noun} '{name}': '{target}' calls itself '{declaration.name}'; give the entry point the "
                "same name"
            )
        return declaration

    def __getitem__(self, name: str) -> D:
        if name in self._built_in:
            return self._built_in[name]
        if name not in self._loaded:
            self._loaded[name] = self._plug_in(name)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._built_in or name in self._plug_ins

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._built_in, *self._plug_ins}))

    def __len__(self) -> int:
        return len({*self._built_in, *self._plug_ins})

    def check(self, name: str) -> None:
        """Raise `InputError` with the nearest valid name when nothing is declared under `name`."""
        if name not in self:
            raise InputError(f"no {self.noun} is named '{name}'; {nearest(name, self)}")

    def find(self, name: str) -> D:
        """Find the declaration called `name`.

        Raises:
            InputError: no such name, or a plug-in whose declaration is not what it should be.
        """
        self.check(name)
        return self[name]
