"""How a cell is run: each file of this folder that declares an executor, and whatever third parties add.

An executor is found by its `name`, which is looked for in the classes of this folder's modules and in the entry points
of the group `bench.executors`; a suite names it as `defaults.executor`. One with machines of its own takes an address
that begins with its name, such as `ray://head:10001`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.errors import InputError, UsageError
from bench.plugins import Classes, Declared
from bench.running.executors.base import Executor, Place, Tell, ignore
from bench.suite import Suite
from bench.suite.machines import MachinesSpec
from bench.suite.yaml_file import Located

EXECUTORS: Declared[type[Executor]] = Declared("executor", "bench.executors", Classes(__name__, Executor))
"""Every executor by name."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An executor, and where its machines are."""

    kind: type[Executor]
    address: str | None = None
    machines: MachinesSpec | None = None

    def open(self, *, measuring: bool = True, tell: Tell = ignore) -> Executor:
        """Make it as a run needs it.

        Args:
            measuring: whether anything is measured.
            tell: takes a line about each of its machines.

        Raises:
            BenchError: its machines cannot be used.
        """
        if not self.kind.takes_address:
            return self.kind.open(measuring=measuring)
        return self.kind.open(measuring=measuring, place=Place(self.address, self.machines or MachinesSpec(), tell))


def executor_of(suite: Located[Suite], override: str | None = None) -> Chosen:
    """Find the executor that a suite asks for, or the command line in its place.

    Raises:
        SuiteError: the suite names one that is not there, or machines for one that has none, with line and column.
        InputError: the command line does.
    """
    if override is not None:
        chosen = chosen_executor(override, suite.value.machines)
    else:
        try:
            chosen = chosen_executor(suite.value.defaults.executor, suite.value.machines)
        except InputError as error:
            raise suite.error(("defaults", "executor"), str(error)) from error
    if suite.value.machines is not None and not chosen.kind.takes_address:
        raise suite.error(
            ("machines",),
            f"the executor '{chosen.kind.name}' has this machine alone; run it with `--on ray` or `--on "
            "ray://HOST:10001`, or leave 'machines' out",
        )
    return chosen


def chosen_executor(text: str, machines: MachinesSpec | None = None) -> Chosen:
    """Find the executor of a name, or of an address that begins with one.

    Raises:
        InputError: there is none of that name, or it takes no address.
    """
    name, separator, _ = text.partition("://")
    kind = EXECUTORS.find(name)
    if separator and not kind.takes_address:
        raise UsageError(f"the executor '{name}' takes no address; write '{name}' alone")
    return Chosen(kind, text if separator else None, machines)
