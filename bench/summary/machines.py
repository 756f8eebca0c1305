"""On which machines of a cluster a run was measured, and how far their speeds differ.

A block of work, a task in one of its fresh processes, is done by one machine. What all candidates of a block read
together is one observation of that machine; observations of the same task in other blocks are of the same work.
Comparisons of candidates stay within blocks, so that none of this is in them; a block that was divided among machines
is named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from bench.record import MACHINE, machines_of, round_of
from bench.summary.entry import LEVEL, Entry

READING = "latency_p50_s"
"""By which machines are compared: the typical request, which a single slow one does not move."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MachineSpeed:
    """One machine of a run."""

    name: str
    kind: str
    jobs: int
    """Processes of cells that it did, or a part of."""
    factor: float | None = None
    """Its latency over the geometric mean of all that are compared; None where it did no task that another did."""
    low: float | None = None
    """95 % interval of the factor; None where there are too few blocks to know."""
    high: float | None = None


@dataclass(frozen=True, slots=True)
class _Block:
    task: str
    machine: str
    level: float
    """Mean of the candidates' logarithms."""


def machine_speeds(entries: Sequence[Entry]) -> tuple[MachineSpeed, ...]:
    """Describe the machines of a run by name; empty where none is named, as at home.

    Args:
        entries: all cells of the run.
    """
    kinds: dict[str, str] = {}
    jobs: dict[str, int] = {}
    for entry in entries:
        for machine, kind in (one for record in entry.records for one in machines_of(record).items()):
            kinds.setdefault(machine, kind)
            jobs[machine] = jobs.get(machine, 0) + 1
    factors = _factors(_blocks(entries)) if len(kinds) > 1 else {}
    return tuple(MachineSpeed(name, kinds[name], jobs[name], *factors.get(name, ())) for name in sorted(kinds))


def divided_blocks(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Name the blocks of which several machines timed a part each: one was lost, or the run went on elsewhere.

    >>> divided_blocks([])
    ()
    """
    blocks: dict[tuple[str, int], set[str]] = {}
    for entry in entries:
        if READING in entry.efficiency:
            for (process, _), (machine, _) in _machines(entry).items():
                blocks.setdefault((entry.cell.task, process), set()).add(machine)
    return tuple(f"{task} #{process}" for (task, process), machines in sorted(blocks.items()) if len(machines) > 1)


def _machines(entry: Entry) -> dict[tuple[int, int], tuple[str, Mapping[str, object]]]:
    """Find the machine of each process of a cell, by the number and the round."""
    notes = {(record.process, round_of(record)): record.notes.get(MACHINE) for record in entry.records}
    return {key: (str(note.get("name")), note) for key, note in notes.items() if isinstance(note, Mapping)}


def _blocks(entries: Sequence[Entry]) -> list[_Block]:
    """Average, over the candidates of a task that were measured in the same blocks, what each block read."""
    by_task: dict[str, list[Entry]] = {}
    for entry in entries:
        if READING in entry.levels and entry.ended_well:
            by_task.setdefault(entry.cell.task, []).append(entry)
    blocks = []
    for task, of_task in by_task.items():
        machines = {number: name for e in of_task for (_, number), (name, _) in _machines(e).items()}
        rounds = set.intersection(*(set(entry.levels[READING].processes) for entry in of_task))
        for number in sorted(rounds & machines.keys()):
            read = [_level(entry, number) for entry in of_task]
            blocks.append(_Block(task, machines[number], sum(read) / len(read)))
    return blocks


def _level(entry: Entry, number: int) -> float:
    levels = entry.levels[READING]
    return float(levels.points[levels.processes.index(number)])


def _factors(blocks: Sequence[_Block]) -> dict[str, tuple[float, float | None, float | None]]:
    """Fit `level = task + machine` by least squares, and compute each machine's factor with its interval."""
    machines, blocks = _comparable(blocks)
    if len(machines) < 2:
        return {}
    tasks = sorted({block.task for block in blocks})
    design = np.zeros((len(blocks), len(tasks) + len(machines) - 1))
    for row, block in enumerate(blocks):
        design[row, tasks.index(block.task)] = 1.0
        place = machines.index(block.machine)
        if place:  # the first machine is what the others are measured from
            design[row, len(tasks) + place - 1] = 1.0
    levels = np.array([block.level for block in blocks])
    gram = np.linalg.inv(design.T @ design)
    fitted = gram @ design.T @ levels
    freedom = len(blocks) - design.shape[1]
    variance = float(((levels - design @ fitted) ** 2).sum()) / freedom if freedom else math.nan
    factors = {}
    for place, machine in enumerate(machines):
        contrast = np.zeros(design.shape[1])
        contrast[len(tasks) :] = -1 / len(machines)
        if place:
            contrast[len(tasks) + place - 1] += 1.0
        middle = float(contrast @ fitted)
        factors[machine] = (math.exp(middle), *_ends(middle, variance * float(contrast @ gram @ contrast), freedom))
    return factors


def _ends(middle: float, variance: float, freedom: int) -> tuple[float | None, float | None]:
    if not freedom or variance <= 0:
        return None, None
    half = float(stdtrit(freedom, 0.5 + LEVEL / 2)) * math.sqrt(variance)
    return math.exp(middle - half), math.exp(middle + half)


def _comparable(blocks: Sequence[_Block]) -> tuple[list[str], list[_Block]]:
    """Choose the machines that tasks join, directly or by way of others: of several such groups the largest."""
    groups: list[set[str]] = []
    for task in dict.fromkeys(block.task for block in blocks):
        joined = {block.machine for block in blocks if block.task == task}
        touched = [group for group in groups if group & joined]
        groups = [group for group in groups if group not in touched] + [joined.union(*touched)]
    largest = max(groups, key=len, default=set[str]())
    return sorted(largest), [block for block in blocks if block.machine in largest]
