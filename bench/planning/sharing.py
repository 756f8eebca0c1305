"""Which cells share one process and one load of their model, and why or why not.

A fresh process per cell is what makes peak memory and a cold start a cell's own. Where the suite asks for neither, the
tasks of one model variant may follow one another in one process, which loads the weights once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.candidates import FAMILIES
from bench.catalogue.readings import READINGS, canonical
from bench.record import Cell
from bench.suite import Suite


@dataclass(frozen=True, slots=True)
class Sharing:
    """What is shared."""

    groups: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Model, variant and tasks of each load that serves several cells."""
    reason: str
    """Why loads are shared, or why not."""


def share_loads(suite: Suite, cells: Sequence[Cell], *, measured: bool = True) -> tuple[list[Cell], Sharing]:
    """Mark the cells that share a load in job and identity, and say what was decided.

    Without measuring the identity carries no mark: answers do not depend on what the process did before.
    """
    allowed, reason = _decided(suite, measured)
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        if allowed and cell.unsupported is None and FAMILIES[cell.family].shares(cell.to_run().model):
            groups.setdefault((cell.model, cell.variant), []).append(cell)
    groups = {key: group for key, group in groups.items() if len(group) > 1}
    marked = [_marked(cell, measured) if cell in groups.get((cell.model, cell.variant), ()) else cell for cell in cells]
    shared = tuple((*key, tuple(cell.task for cell in group)) for key, group in groups.items())
    return marked, Sharing(shared, reason)


def _decided(suite: Suite, measured: bool) -> tuple[bool, str]:
    asked = suite.defaults.share_load
    if asked != "auto":
        return asked, f"the suite says 'share_load: {str(asked).lower()}'"
    if not measured:
        return True, "nothing is measured, so that tasks of a model may share a process"
    named = [name for name in (*suite.objectives, *suite.constraints) if _is_blurred(name)]
    if named:
        return False, f"the suite asks for '{named[0]}', which needs a fresh process for every task"
    return True, "the suite asks for no memory and no cold start, so that tasks of a model may share a process"


def _is_blurred(name: str) -> bool:
    reading = READINGS.get(canonical(name))
    return reading is not None and reading.blurred_by_sharing


def _marked(cell: Cell, measured: bool) -> Cell:
    """Mark a cell that shares its load; a measured one is another cell than one with a load of its own."""
    mark = {"share_load": True}
    identity = dict(cell.identity) | (mark if measured else {})
    return replace(cell, job=cell.to_run().model_copy(update=mark), identity=identity)
