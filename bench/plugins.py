"""How bench finds its parts, its own and those of third parties: declarations, and modules beside a suite.

Nothing is imported until it is needed, so that `bench --help` stays fast. An entry point in a group (`bench.families`,
`bench.tasks`, `bench.metrics`, `bench.meters`, …) adds a name; it cannot replace a built-in one.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Generic, TypeGuard, TypeVar

from bench.errors import InputError, UsageError, nearest

B = TypeVar("B")
D = TypeVar("D")


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
        value: object = import_module(module_name)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"'{target}': no module named '{error.name}'; install the package that has it, or put its "
            "folder on PYTHONPATH"
        ) from error
    for part in attribute.split("."):
        if not hasattr(value, part):
            raise UsageError(f"'{target}': '{module_name}' has no '{part}'; {nearest(part, vars(value))}")
        value = getattr(value, part)
    return value


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
    return next((place for folder in (*reversed(_folders), Path()) if (place := folder / path).exists()), None)


class Source(ABC, Generic[D]):
    """Where declarations of one kind come from: the files of a folder, and what entry points name."""

    @abstractmethod
    def built_in(self) -> Mapping[str, Callable[[], D]]:
        """Find the declarations of bench itself: how to obtain each, by its name."""

    @abstractmethod
    def read(self, value: object, name: str) -> D:
        """Take an object that an entry point called `name` loads as a declaration.

        Raises:
            UsageError: it is none; the message goes on after the name of the object: `is no …`.
        """


class Classes(Source[type[B]]):
    """Classes that declare themselves, by a class attribute that names each: any number in a file.

    A class without an own value of that attribute is no declaration.
    """

    def __init__(self, package: str, base: type[B], *, key: str = "name", required: Sequence[str] = ()) -> None:
        """Describe the classes.

        Args:
            package: name of the package whose modules hold them.
            base: what they derive from.
            key: class attribute that names a class.
            required: further attributes that no class may leave out.
        """
        self._package, self._base = package, base
        self._key, self._required = key, required

    def built_in(self) -> Mapping[str, Callable[[], type[B]]]:
        """Import the modules of the package, and collect their declarations."""
        package = import_module(self._package)
        declared: dict[str, Callable[[], type[B]]] = {}
        for place in iter_modules(package.__path__, f"{self._package}."):
            module = import_module(place.name)
            for member in vars(module).values():
                if isinstance(member, type) and member.__module__ == module.__name__ and self._declares(member):
                    declared[str(vars(member)[self._key])] = partial(_itself, member)
        return declared

    def _declares(self, member: type) -> TypeGuard[type[B]]:
        own_name = vars(member).get(self._key)
        return issubclass(member, self._base) and isinstance(own_name, str) and bool(own_name)

    def read(self, value: object, name: str) -> type[B]:
        """Check that an object is a class that declares itself under `name`."""
        if not isinstance(value, type) or not issubclass(value, self._base):
            base = self._base
            raise UsageError(
                f"is no {base.__name__}; name a class that derives from {base.__module__}.{base.__qualname__}"
            )
        missing = [attribute for attribute in (self._key, *self._required) if not hasattr(value, attribute)]
        if missing:
            raise UsageError(f"does not declare {', '.join(missing)}; set them on the class")
        own_name = getattr(value, self._key)
        if own_name != name:
            raise UsageError(f"has the own {self._key} '{own_name}'; give the class and the entry point the same one")
        return value


def _itself(member: type[B]) -> type[B]:
    return member


class Instances(Source[B]):
    """Declarations that are instances of classes, each made once and without arguments."""

    def __init__(self, classes: Classes[B]) -> None:
        self._classes = classes

    def built_in(self) -> Mapping[str, Callable[[], B]]:
        """Find the classes; each is made when it is asked for."""
        return {name: obtain() for name, obtain in self._classes.built_in().items()}

    def read(self, value: object, name: str) -> B:
        """Check that an object is a class that declares itself under `name`, and make its instance."""
        return self._classes.read(value, name)()


class Files(Source[D]):
    """Attributes of files, one a file, which are named after their files, with `-` for `_`.

    The names are known without importing anything; a file is imported when its declaration is asked for.
    """

    def __init__(
        self, folder: Path, package: str, attribute: str, accepts: Callable[[object], TypeGuard[D]], noun: str
    ) -> None:
        """Describe the files.

        Args:
            folder: where they are.
            package: its name as a package.
            attribute: what each file declares.
            accepts: tells whether an object is such a declaration.
            noun: what a declaration is, for messages.
        """
        self._folder, self._package, self._attribute = folder, package, attribute
        self._accepts, self._noun = accepts, noun

    def built_in(self) -> Mapping[str, Callable[[], D]]:
        """List the files; nothing is imported."""
        stems = sorted(path.stem for path in self._folder.glob("*.py") if path.stem != "__init__")
        return {stem.replace("_", "-"): partial(self._load, stem) for stem in stems}

    def _load(self, stem: str) -> D:
        return self.read(load_object(f"{self._package}.{stem}:{self._attribute}"), stem)

    def read(self, value: object, name: str) -> D:
        """Check that an object is such a declaration."""
        if not self._accepts(value):
            raise UsageError(f"is no {self._noun}")
        return value


class Declared(Mapping[str, D]):
    """The declarations of one kind of thing by name: those of bench's own files, and those of entry points.

    There is no table to keep: a file that is put into the folder is found. An entry point has the declaration's name,
    and its value is `package.module:object`. It is loaded when its declaration is asked for, and cannot replace a
    declaration of bench.
    """

    def __init__(self, noun: str, group: str, source: Source[D]) -> None:
        """Describe a kind of thing.

        Args:
            noun: what one of them is, for messages.
            group: of the entry points.
            source: of the declarations.
        """
        self.noun = noun
        self.group = group
        self._source = source
        self._loaded: dict[str, D] = {}
        self._obtain: Mapping[str, Callable[[], D]] | None = None
        self._points: Mapping[str, str] | None = None

    @property
    def built_in(self) -> Mapping[str, Callable[[], D]]:
        """How to obtain each declaration of bench's own, by name."""
        if self._obtain is None:
            self._obtain = self._source.built_in()
        return self._obtain

    @property
    def _plug_ins(self) -> Mapping[str, str]:
        if self._points is None:
            self._points = {point.name: point.value for point in entry_points(group=self.group)}
        return self._points

    def forget(self) -> None:
        """Forget what is declared, so that files and entry points are looked for again."""
        self._loaded.clear()
        self._obtain = self._points = None

    def _plug_in(self, name: str) -> D:
        target = self._plug_ins[name]
        try:
            return self._source.read(load_object(target), name)
        except UsageError as error:
            message = str(error) if str(error).startswith(f"'{target}'") else f"'{target}' {error}"
            raise UsageError(f"the {self.noun} '{name}' of the entry points '{self.group}': {message}") from error

    def prepare(self) -> None:
        """Load the declarations of bench's own, and look for the names of the others, without loading those.

        Processes that are forked afterwards have both.
        """
        for name in self.built_in:
            self[name]
        self._plug_ins  # noqa: B018  looked up, and kept

    def __getitem__(self, name: str) -> D:
        """Load a declaration, once.

        Raises:
            KeyError: nothing is declared under that name.
            UsageError: a plug-in cannot be loaded, or is not what it should be.
        """
        if name not in self._loaded:
            self._loaded[name] = self.built_in[name]() if name in self.built_in else self._plug_in(name)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a declaration, without loading a plug-in."""
        return name in self.built_in or name in self._plug_ins

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in alphabetical order.

        Raises:
            UsageError: a plug-in takes the name of a declaration of bench.
        """
        for name in self._plug_ins:
            if name in self.built_in:
                self._plug_in(name)  # what is wrong with it in itself comes first
                raise UsageError(
                    f"the {self.noun} '{name}' of the entry points '{self.group}' has the name of one of bench's own; "
                    "choose another"
                )
        return iter(sorted({*self.built_in, *self._plug_ins}))

    def __len__(self) -> int:
        """Count the declarations."""
        return len({*self.built_in, *self._plug_ins})

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
