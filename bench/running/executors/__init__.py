"""How a cell is run: each file of this folder that declares an executor, and whatever third parties add.

An executor is found by its `name`, which is looked for in the classes of this folder's modules and in the entry points
of the group `bench.executors`; a suite names it as `defaults.executor`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from importlib.metadata import entry_points

from bench.errors import InputError, nearest
from bench.plugins import load_object
from bench.running.executors.base import Executor
from bench.suite import Suite
from bench.suite.yaml_file import Located

GROUP = "bench.executors"
"""Entry points of third parties: `name = "module:Class"`."""


def executors() -> dict[str, type[Executor]]:
    """Find every executor by its name; those of this folder come before those of third parties."""
    own: dict[str, type[Executor]] = {}
    for place in pkgutil.iter_modules(__path__, f"{__name__}."):
        module = import_module(place.name)
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Executor) and thing.__module__ == place.name:
                own[thing.name] = thing
    own.pop("", None)
    return {point.name: load_object(point.value) for point in entry_points(group=GROUP)} | own


def find_executor(name: str) -> type[Executor]:
    """Find the executor of a name.

    Raises:
        InputError: there is none.
    """
    known = executors()
    if name not in known:
        raise InputError(f"no executor is named '{name}'; {nearest(name, known)}")
    return known[name]


def executor_of(suite: Located[Suite], override: str | None = None) -> type[Executor]:
    """Find the executor that a suite asks for, or the command line in its place.

    Raises:
        SuiteError: the suite names one that is not there, with its line and column.
        InputError: the command line does.
    """
    if override is not None:
        return find_executor(override)
    try:
        return find_executor(suite.value.defaults.executor)
    except InputError as error:
        raise suite.error(("defaults", "executor"), str(error)) from error
