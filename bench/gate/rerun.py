"""The interleaved rerun: both sides of every suspected cell, in fresh processes, in random order, here and now.

Its records are not stored: they belong to no night.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.candidates import FAMILIES, without_torch
from bench.planning.stale import why_gone
from bench.record import WELL, Cell, Record, machine_of
from bench.running.executors.base import Executor, Job
from bench.summary.timings import DERIVATIONS, collect, estimate
from bench.units import plural
from bench.words import gate as words

Say = Callable[[str], None]

MOST_FAILURES = 2
"""Rounds of a duel that may end badly; more would wait for the same timeout again and again."""


@dataclass(slots=True)
class Duel:
    """One suspected cell."""

    candidate: Cell
    baseline: Cell | None
    """None when it cannot be run again, or is the same as the candidate."""
    reason: str | None = None
    """Why there is no baseline to run."""
    same: bool = False
    """Whether both nights ran the very same cell."""
    score: bool = False
    """Whether quality is suspected: the first pair then scores."""
    pairs: list[tuple[Record | None, Record]] = field(default_factory=list)
    """Records of baseline and candidate of each round in which both ended well."""
    failures: list[str] = field(default_factory=list)

    @property
    def can_pair(self) -> bool:
        """Tell whether both sides can be run."""
        return self.baseline is not None

    def values(self, reading: str) -> tuple[list[float], list[float]]:
        """Take a reading of every pair: of the baseline (empty where it was not run), and of the candidate."""
        old, new = [], []
        for first, second in self.pairs:
            value = value_of(second, reading)
            other = None if first is None else value_of(first, reading)
            if value is None or (first is not None and other is None):
                continue
            new.append(value)
            if other is not None:
                old.append(other)
        return old, new


def duel(candidate: Cell, baseline: Cell, *, score: bool) -> Duel:
    """Find what can be run of a suspected cell; a side whose weights or data are gone is left out.

    The same cell on both sides is run once: there is nothing to compare it with but what was stored.
    """
    if candidate.id == baseline.id:
        by_code = candidate.family in FAMILIES and FAMILIES[candidate.family].code_is_weights
        return Duel(candidate, None, words.same_model(by_factory=by_code), True, score)
    gone = why_gone(baseline)
    return Duel(candidate, None if gone else baseline, gone, False, score)


def fight(
    duels: Sequence[Duel], executor: Executor, results: Path, run_id: str, *, rounds: range, seed: int, say: Say
) -> None:
    """Run rounds of the duels and keep their records in them.

    A round runs every duel once, the duels in random order and the two sides of each in random order, one after
    the other, so that a drift of the machine falls on both.
    """
    rng = random.Random(f"{seed}-{rounds.start}")
    for number in rounds:
        fit = [fought for fought in duels if len(fought.failures) < MOST_FAILURES]
        if not fit:
            return
        say(f"rerun {number + 1} of {rounds.stop}: {plural(len(fit), 'cell')}")
        for fought in rng.sample(fit, len(fit)):
            _round(fought, executor, results, run_id, number, rng)


def _round(fought: Duel, executor: Executor, results: Path, run_id: str, number: int, rng: random.Random) -> None:
    process = 0 if fought.score and not fought.pairs else number + 1  # process 0 is the one that scores
    sides = {"candidate": fought.candidate} | ({} if fought.baseline is None else {"baseline": fought.baseline})
    records: dict[str, Record] = {}
    for side in rng.sample(list(sides), len(sides)):
        record = executor.run(_job(sides[side], process, results, run_id, side))
        if record.status not in WELL:
            fought.failures.append(f"{side}: {record.reason or record.status}")
            return
        records[side] = record
    if len({machine_of(record) for record in records.values()}) > 1:  # one was lost between the two
        fought.failures.append("the two sides ran on different machines")
        return
    fought.pairs.append((records.get("baseline"), records["candidate"]))


def once(cell: Cell, executor: Executor, results: Path, run_id: str) -> Record:
    """Run a cell that ended badly once more."""
    return executor.run(_job(cell, 0, results, run_id, "again"))


def _job(cell: Cell, process: int, results: Path, run_id: str, side: str) -> Job:
    log = f"logs/{run_id}/gate-{side}-{cell.id[:12]}-{process}.log"
    job = cell.to_run()
    limits = (job.timeout_s, job.memory_limit_bytes)
    return Job(cell, process, results, log, *limits, light=without_torch(job))


def value_of(record: Record, reading: str) -> float | None:
    """Take a reading of one process; None when it did not read it."""
    if reading in DERIVATIONS:
        how = DERIVATIONS[reading]
        arrays = collect([record]).get(how.timed, ())
        return estimate(how, np.concatenate(arrays)) if arrays else None
    return next((fact.value for fact in record.facts if fact.name == reading), None)
