"""Blocks of work: which jobs are run one after another on one machine, and in which order.

A block is one task in one of its fresh processes. All candidates are measured in it in random order, on the same
machine, so that they are compared with one another within a machine and within a stretch of time; process k+1 of a
task begins when its process k is done, whose answers it is compared with.

Cells that share a load of their model span tasks. Tasks that any shared load joins are one block, in which the cells
of a load follow one another: the loads are in random order, and so are the tasks of each.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bench.record import Asked, Cell

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Block:
    """Some cells in one of their fresh processes."""

    tasks: tuple[str, ...]
    process: int
    cells: tuple[Cell, ...]
    """In the order in which they run."""
    asked: Mapping[str, Asked] = field(default_factory=dict)
    """What is asked of a cell, by its label, where a run goes round by round; the usual where it is not named."""

    part: str = ""
    """Which part of the tasks' cells it has, where they are spread finely; empty for all of them."""

    @property
    def name(self) -> str:
        """The name that tells it from the other blocks of a run: `status #0`."""
        return f"{'+'.join(self.tasks)}{self.part and f' {self.part}'} #{self.process}"

    @property
    def lane(self) -> tuple[tuple[str, ...], str]:
        """What it has in common with the blocks that follow it: of these no two are done at once."""
        return self.tasks, self.part


def a_round(plan: Sequence[Cell], process: int, seed: int, asked: Mapping[str, Asked]) -> list[Block]:
    """Order the jobs of one round: the cells of which something is asked, in an order of the round's own."""
    wanted = [cell for cell in plan if cell.label in asked]
    blocks = schedule(wanted, 1, seed + process)
    return [replace(block, process=process, asked={c.label: asked[c.label] for c in block.cells}) for block in blocks]


def schedule(plan: Sequence[Cell], processes: int, seed: int, *, finely: bool = False) -> list[Block]:
    """Order all jobs: process 0 of all tasks in random order, then process 1 in another one, ….

    A slow drift of the machine then falls on all candidates alike instead of on the last ones.

    Args:
        plan: the cells.
        processes: fresh processes of each.
        seed: of the orders.
        finely: make a block of each load of a model, where nothing is timed.
    """
    order = random.Random(seed)
    joined = _joined(plan)
    blocks = []
    for process in range(processes):
        for tasks in _shuffled(joined, order):
            groups: dict[object, list[Cell]] = {}
            for place, cell in enumerate(plan):
                if cell.task in tasks:
                    groups.setdefault(share_of(cell) or place, []).append(cell)
            loads = [_shuffled(group, order) for group in _shuffled(list(groups.values()), order)]
            if finely:
                blocks += [
                    Block(tasks, process, tuple(cells), part=f"({number})") for number, cells in enumerate(loads)
                ]
            else:
                blocks.append(Block(tasks, process, tuple(cell for cells in loads for cell in cells)))
    return blocks


def share_of(cell: Cell) -> str | None:
    """Choose the name under which cells share one load of their model, or None for a cell that shares none."""
    return f"{cell.model}[{cell.variant}]" if cell.job is not None and cell.job.share_load else None


def _joined(plan: Sequence[Cell]) -> list[tuple[str, ...]]:
    """List the tasks of each block, in the plan's order: those that a shared load joins are together."""
    blocks: list[tuple[str, ...]] = []
    shares: dict[str, set[str]] = {}
    for cell in plan:
        share = share_of(cell)
        shares.setdefault(f"task {cell.task}" if share is None else share, set()).add(cell.task)
    for tasks in shares.values():
        touched = [block for block in blocks if tasks & set(block)]
        apart = [block for block in blocks if block not in touched]
        together = tasks.union(*touched)
        blocks = [*apart, tuple(dict.fromkeys(cell.task for cell in plan if cell.task in together))]
    first = {block: next(i for i, cell in enumerate(plan) if cell.task in block) for block in blocks}
    return sorted(blocks, key=first.__getitem__)


def _shuffled(things: Sequence[T], order: random.Random) -> list[T]:
    return order.sample(things, len(things)) if len(things) > 1 else list(things)
