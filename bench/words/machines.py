"""The machines of a cluster that a run was measured on, in words."""

from __future__ import annotations

from collections.abc import Sequence

from bench.summary.machines import READING, MachineSpeed
from bench.units import plural
from bench.words.wording import are, some, spoken

PAIRED = "candidates are compared within a machine, so that none of it is in their differences"


def line(machines: Sequence[MachineSpeed], divided: Sequence[str] = ()) -> str | None:
    """Say how far the machines differ; None for a run on one machine.

    Args:
        machines: of the run.
        divided: its blocks of which several machines did a part each.
    """
    if len(machines) < 2:
        return None
    lead = f"on {plural(len(machines), 'machine')}"
    compared = [each for each in machines if each.factor is not None]
    paired = _divided(divided) if divided else PAIRED
    more = f"; {paired}" if divided else ""
    if not compared:
        jobs = some([f"{each.name} ({plural(each.jobs, 'job')})" for each in machines])
        return (
            f"{lead}: {jobs}; no task was timed with all its candidates on two of them, so that how far they differ is "
            f"not known{more}"
        )
    speeds = some([f"{each.name} {speed(each)}" for each in compared])
    rest = len(machines) - len(compared)
    left = f"; {rest} {are(rest)} not compared, having no task in common with these" if rest else ""
    return f"{lead}, {spoken(READING)} against their mean: {speeds}{left}; {paired}"


def _divided(blocks: Sequence[str]) -> str:
    """Say which blocks were divided, and what that means."""
    was, what = ("was", "it") if len(blocks) == 1 else ("were", "them")
    return (
        f"candidates are compared within a machine, but {some(blocks)} {was} divided among several: there they are not "
        f"paired, and where nothing else was measured the machines' difference is in theirs; `--rerun` measures {what} "
        "again"
    )


def speed(machine: MachineSpeed) -> str:
    """Say how a machine's latency stands to the mean of all, with its interval.

    >>> speed(MachineSpeed("one", "EPYC", 4, 1.05, 1.01, 1.09)), speed(MachineSpeed("one", "EPYC", 4, 0.98))
    ('+5.0 % (+1.0 to +9.0 %)', '−2.0 % (too few blocks for an interval)')
    """
    if machine.factor is None:
        return "not compared"
    if machine.low is None or machine.high is None:
        return f"{_change(machine.factor)} % (too few blocks for an interval)"
    return f"{_change(machine.factor)} % ({_change(machine.low)} to {_change(machine.high)} %)"


def rows(machines: Sequence[MachineSpeed]) -> list[tuple[str, str]]:
    """Make a row for each machine: its name, and what it is and did."""
    return [(each.name, f"{each.kind}; {plural(each.jobs, 'job')}; {speed(each)}") for each in machines]


def _change(factor: float) -> str:
    return f"{100 * (factor - 1):+.1f}".replace("-", "\N{MINUS SIGN}")
