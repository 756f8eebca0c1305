"""Collects the mistakes of many checks, so that a suite's are told all at once, each on a line of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bench.errors import EnvironmentLackError, InputError, SuiteError

Check = Callable[[], object]
"""Raises where something is wrong; what it returns is dropped."""


@dataclass
class Mistakes:
    """What checks have found so far."""

    lines: dict[str, None] = field(default_factory=dict)
    """Each mistake once, in the order found: a later check may stumble over the same one."""
    lack: EnvironmentLackError | None = None
    """The first thing that this machine or the network lacks."""

    def gather(self, checks: Iterable[Check]) -> bool:
        """Make all checks; return whether every one of them went well."""
        went_well = True
        for check in checks:
            try:
                check()
            except InputError as error:
                self.lines |= dict.fromkeys(str(error).splitlines())
                went_well = False
            except EnvironmentLackError as error:
                self.lack = self.lack or error
                went_well = False
        return went_well

    def tell(self) -> None:
        """Raise what was found.

        Raises:
            SuiteError: all mistakes; what the files can tell comes before what the network lacks.
            EnvironmentLackError: there is no mistake, but something is lacking.
        """
        if self.lines:
            raise SuiteError("\n".join(self.lines))
        if self.lack is not None:
            raise self.lack
