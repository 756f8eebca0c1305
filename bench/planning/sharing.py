"""Which cells share one process and one load of their model, and why or why not.

A fresh process per cell is what makes peak memory and a cold start a cell's own. Where the suite asks for neither, the
tasks of one model variant may follow one another in one process, which loads the weights once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.record import Cell
from bench.suite import Suite

SHAREABLE = ("causal-lm", "encoder", "seq2seq", "transformer")
"""Families whose weights serve every task. What a `torch-module` factory returns may keep a state; a baseline has
nothing to load."""

BLURRED = ("peak_memory_bytes", "peak_rss_bytes", "added_rss_bytes", "first_request_s")
"""Readings that mean less in a process that ran another task before: the allocator keeps what that one left, and
nothing is cold."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What is shared."""

    groups: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Model, variant and tasks of each load that serves several cells."""
    reason: str
    """Why loads are shared, or why not."""


def share_loads(suite: Suite, cells: Sequence[Cell], *, measured: bool = True) -> tuple[list[Cell], Sharing]:
    """Returns the cells, those that share a load marked in job and identity, and what was decided.

    Without measuring the identity carries no mark: answers do not depend on what the process did before.
    """
    allowed, reason = _decided(suite, measured)
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        if allowed and cell.unsupported is None and cell.family in SHAREABLE:
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
    named = [name for name in (*suite.objectives, *suite.constraints) if name in BLURRED]
    if named:
        return False, f"the suite asks for '{named[0]}', which needs a fresh process for every task"
    return True, "the suite asks for no memory and no cold start, so that tasks of a model may share a process"


def _marked(cell: Cell, measured: bool) -> Cell:
    """Return a cell that shares its load; a measured one is another cell than one with a load of its own."""
    mark = {"share_load": True}
    identity = dict(cell.identity) | (mark if measured else {})
    return replace(cell, job=cell.to_run().model_copy(update=mark), identity=identity)
