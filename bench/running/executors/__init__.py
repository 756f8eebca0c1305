"""How a cell is run: each file of this folder that declares an executor, and whatever third parties add.

An executor is found by its `name`, which is looked for in the classes of this folder's modules and in the entry points
of the group `bench.executors`; a suite names it as `defaults.executor`.
"""

from __future__ import annotations

from bench.errors import InputError
from bench.plugins import Classes, Declared
from bench.running.executors.base import Executor
from bench.suite import Suite
from bench.suite.yaml_file import Located

EXECUTORS: Declared[type[Executor]] = Declared("executor", "bench.executors", Classes(__name__, Executor))
"""Every executor by name."""


def executor_of(suite: Located[Suite], override: str | None = None) -> type[Executor]:
    """Find the executor that a suite asks for, or the command line in its place.

    Raises:
        SuiteError: the suite names one that is not there, with its line and column.
        InputError: the command line does.
    """
    if override is not None:
        return EXECUTORS.find(override)
    try:
        return EXECUTORS.find(suite.value.defaults.executor)
    except InputError as error:
        raise suite.error(("defaults", "executor"), str(error)) from error
