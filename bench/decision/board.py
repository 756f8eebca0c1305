"""The board of one task: candidates × columns, as values, intervals and replicates; what every rule reads.

The first columns are the objectives of the front; the rest are there because a limit or a rule names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import READINGS
from bench.catalogue.reasons import sentence_of
from bench.decision.remarks import Remark
from bench.summary import Quantity, Raced

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Column:
    """One thing that candidates are compared by."""

    asked: str
    """As the suite calls it: `quality`, `peak_memory_bytes`, …"""
    name: str
    """What that is on this task: a metric or a reading."""
    unit: str
    higher_is_better: bool
    margin: float = 0.0
    """The difference that does not matter, in `unit`, or as a share of the value."""
    margin_is_relative: bool = False
    also: tuple[str, ...] = ()
    """Other names by which it was asked for."""

    @property
    def sign(self) -> float:
        """Return 1 when more is better, else −1: a value times this sign is better when larger."""
        return 1.0 if self.higher_is_better else -1.0

    @property
    def is_quality(self) -> bool:
        """Tell whether this is a quality metric rather than an efficiency reading."""
        return self.name not in READINGS

    def margin_at(self, value: Floats | float) -> Floats | float:
        """Compute the margin in `unit` beside a value."""
        return self.margin * np.abs(value) if self.margin_is_relative else self.margin + 0.0 * np.abs(value)


class Absence(Enum):
    """What a candidate lacks to have a place on a front."""

    UNSUPPORTED = "unsupported"
    """It cannot do the task."""
    ENDED = "ended"
    """Its cell ended otherwise than well."""
    NOT_RUN = "not run"
    """It was not run on one of the tasks."""
    VALUE = "value"
    """A value of an objective."""
    BARRED = "barred"
    """Nothing, but a doubt bars it from being picked; its values are still shown."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a candidate cannot be placed on the front."""

    kind: Absence
    task: str = ""
    """Across tasks: the task on which it is missing."""
    status: str = ""
    """Of the cell, where that ended otherwise than well."""
    column: str = ""
    """The objective without a value."""
    reason: str | None = None
    """What the record says of it."""
    doubt: str = ""
    """The code of the doubt that bars it."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """A doubt about values of a candidate."""

    code: str
    columns: tuple[str, ...]
    """Those whose values it touches, in the board's order."""


class PairedTest(Protocol):
    """Tests of all pairs of candidates in one column."""

    def p_values(self, rows: Sequence[int], margins: Floats, smaller: Floats) -> tuple[Floats, Floats]:
        """Compute p-values of each pair of `rows`, shape `(m, m)`, NaN where the pair is not covered: against "row is
        not better than column by more than the margin", and against "row is worse by the margin or more".

        Args:
            rows: candidates of the board.
            margins: of each pair, in the column's unit, shape `(m, m)`.
            smaller: the smaller of the two values, shape `(m, m)`.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """Everything known of the candidates of one task (or of all tasks together), M candidates × C columns."""

    task: str
    names: tuple[str, ...]
    columns: tuple[Column, ...]
    objectives: int
    """The first so many columns are the objectives."""
    quantities: tuple[tuple[Quantity | None, ...], ...]
    """Shape `(M, C)`."""
    values: Floats
    """Shape `(M, C)`, NaN where missing."""
    draws: Floats
    """Replicates, shape `(B, M, C)`."""
    tests: dict[int, PairedTest]
    """By column, where candidates can be compared pair by pair."""
    broken: tuple[Missing | None, ...]
    """Why a candidate cannot be judged at all (its cell failed, …); None when it can."""
    remarks: tuple[Remark, ...] = ()
    seconds: Floats | None = None
    """Mean seconds per example at batch size 1, shape `(M,)`, NaN where unknown: what more examples would
    take."""

    available: int | None = None
    """Examples that the task's data set has, used or not; None where it is not known, and across tasks."""

    baselines: tuple[bool, ...] = ()
    """Which candidates are baselines, the floor that a model should beat."""

    raced: tuple[Raced | None, ...] = ()
    """What the race of the task came to for each candidate; empty, or None, where there was none."""

    doubts: tuple[tuple[Doubted, ...], ...] = ()
    """Doubts about a value of each candidate here, in order; none where nothing is said."""
    unknown: Floats | None = None
    """How far another process may read each value off from this one beyond what the replicates show, shape `(M, C)`, in
    the column's unit: a difference within makes no statement certain. Infinite where nothing is known, as of a timing
    of one process; None for no value."""
    parts: tuple[TaskColumn, ...] = ()
    """Across tasks: what each task adds to each column."""

    def part(self, task: str) -> Board:
        """Look up the board of a task that this one is made of; itself on a board of one task."""
        return next((part.board for part in self.parts if part.board.task == task), self)

    def parts_of(self, column: int) -> list[tuple[Board, int, Floats]]:
        """List the boards and their columns that add up to a column, each with its draws in the order of this board's
        names, shape `(B, M)`."""
        if not self.parts:
            return [(self, column, self.draws[:, :, column])]
        return [(part.board, part.source, part.draws) for part in self.parts if part.column == column]

    def has_left(self, row: int) -> bool:
        """Tell whether a candidate left the race of the task, so that it cannot be the pick."""
        raced = self.raced[row] if self.raced else None
        return raced is not None and raced.left

    @property
    def race(self) -> Raced | None:
        """Return what the race of the task came to, as far as it is the same for all; None where there was none."""
        return next((raced for raced in self.raced if raced is not None), None)

    @property
    def tied_pick(self) -> int | None:
        """Find whom a race took that ended in a tie: a cheaper candidate within the margin; None where none did."""
        rows = (row for row, raced in enumerate(self.raced) if raced is not None and raced.is_pick)
        return next(rows, None) if self.ties_within > 0 else None

    @property
    def ties_within(self) -> float:
        """Return what the race of the task took for no difference of quality, where it ended in a tie; else 0."""
        return max((raced.ties_within for raced in self.raced if raced is not None), default=0.0)

    def is_baseline(self, name: str) -> bool:
        """Tell whether the candidate of this name is a baseline; False for one that is not on the board."""
        return any(flag and own == name for own, flag in zip(self.names, self.baselines, strict=False))

    def doubts_of(self, name: str) -> tuple[Doubted, ...]:
        """List the doubts about a candidate's values here, each code once."""
        return next((own for other, own in zip(self.names, self.doubts, strict=False) if other == name), ())

    def examples(self) -> dict[str, int]:
        """Count by task the examples behind the quality of its candidates, the fewest where they differ; those that
        left a race aside."""
        counts: dict[str, int] = {}
        for board in dict.fromkeys(part.board for part in self.parts) or [self]:
            numbers = [
                quantity.n
                for place, row in enumerate(board.quantities)
                if not board.has_left(place)
                for column, quantity in zip(board.columns, row, strict=True)
                if column.is_quality and quantity is not None and quantity.n > 0
            ]
            if numbers:
                counts[board.task] = min(numbers)
        return counts

    def column(self, name: str) -> int | None:
        """Find the column that was asked for by this name, or that has it; None when there is none."""
        for index, column in enumerate(self.columns):
            if name in (column.asked, column.name, *column.also):
                return index
        return None

    @property
    def oriented(self) -> Floats:
        """Return the values with larger better, shape `(M, C)`."""
        return np.asarray(self.values * np.array([column.sign for column in self.columns]), dtype=np.float64)

    @property
    def oriented_draws(self) -> Floats:
        """Return the replicates with larger better, shape `(B, M, C)`."""
        return np.asarray(self.draws * np.array([column.sign for column in self.columns]), dtype=np.float64)

    def missing(self, row: int) -> Missing | None:
        """Tell why a candidate cannot be placed on the front; None when it has every objective."""
        if self.broken[row] is not None:
            return self.broken[row]
        for index in range(self.objectives):
            if np.isnan(self.values[row, index]):
                quantity = self.quantities[row][index]
                reason = None if quantity is None else sentence_of(quantity.reason)
                return Missing(Absence.VALUE, column=self.columns[index].name, reason=reason)
        return None

    def missing_on(self, name: str) -> Missing | None:
        """Tell why a candidate has no place on a board of which this one is a part; None when it has one."""
        if name not in self.names:
            return Missing(Absence.NOT_RUN, self.task)
        missing = self.missing(self.names.index(name))
        return None if missing is None else replace(missing, task=self.task)


@dataclass(frozen=True, slots=True, eq=False)
class TaskColumn:
    """What one task adds to one column of the board across tasks."""

    column: int
    """Of the board across tasks."""
    board: Board
    """Of the task."""
    source: int
    """The column of the task's board that it comes from."""
    draws: Floats
    """In the order of the names across tasks, shape `(B, M)`; 0 where another task decides."""
