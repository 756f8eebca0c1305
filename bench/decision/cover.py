"""The cheapest set of models that covers all tasks, where no single model need do everything.

A model covers a task where the rule may pick it (it meets every limit, and has what the rule looks at) and is not shown
to be worse than the task's leader in what is preferred, by more than the margin and at the decision's confidence. That
is judged by the draws by which the leader is picked, which know that it was chosen for being ahead
(`bench.decision.shrink`). A baseline covers a task only where it leads.

What a set costs is said on one scale, of the first objective that every covered task has and that can be added up:

* memory: the sum over the set's models, each at its highest on the tasks that it serves, as if all were loaded at once;
  the search takes the highest on the tasks that it covers, so that a set is never dearer than it was taken to be;
* seconds, joules, money: the sum over the tasks, each served by its model;
* without such an objective, the number of models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.decision import stages
from bench.decision.across import SUMMABLE
from bench.decision.board import Board, Column
from bench.decision.case import Recommendation
from bench.decision.charge import charged_rule
from bench.decision.fronts import Front
from bench.decision.question import Question
from bench.decision.recommend import undecided_rows
from bench.decision.rule import Stage
from bench.decision.shrink import shrunk
from bench.stats.resample import seeded

Floats = NDArray[np.float64]

MOST_EXACT = 12
"""Tasks up to which every set is looked at: 2¹² of them for each model take a tenth of a second."""
MEMORY_UNIT = "bytes"


class Decided(Protocol):
    """What is read of the decision on a task, `bench.decision.decision.TaskDecision`."""

    @property
    def board(self) -> Board:
        """Return the candidates."""

    @property
    def front(self) -> Front:
        """Return who is eligible."""

    @property
    def recommendation(self) -> Recommendation:
        """Return what to ship."""

    @property
    def question(self) -> Question:
        """Return what was asked."""


class Scale(Enum):
    """How the cost of a set is added up."""

    MEMORY = "memory"
    """Over the models, all loaded at once."""
    TASKS = "tasks"
    """Over the tasks, each served by its model."""
    COUNT = "count"
    """The number of models."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Models for tasks, and what they cost together."""

    serves: Mapping[str, str]
    """Task → model."""
    cost: float

    @property
    def models(self) -> dict[str, list[str]]:
        """List the tasks of each model."""
        models: dict[str, list[str]] = {}
        for task, model in self.serves.items():
            models.setdefault(model, []).append(task)
        return models


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A task on which a model is not the leader."""

    task: str
    best: str
    """The task's leader."""
    column: Column
    """What is preferred."""
    behind: float | None
    """By how much it is worse than the leader there; None where it is not eligible on the task."""


@dataclass(frozen=True, slots=True)
class Cover:
    """The cheapest set, and what else could be shipped."""

    cheapest: Choice
    best: Choice
    """The leader of each task."""
    single: Choice | None
    """The cheapest model that covers every task alone; None where there is none."""
    scale: Scale
    column: Column | None
    """Of the cost; None where models are counted."""
    confidence: float
    uncovered: tuple[str, ...] = ()
    """Tasks for which nobody is eligible."""
    pick: str | None = None
    """The one model to ship for all tasks together; None where there is none."""
    shortfalls: tuple[Shortfall, ...] = ()
    """Where the pick does not cover a task."""
    behind: tuple[Shortfall, ...] = ()
    """Where the set's model is worse than the task's leader, for all that was measured."""
    exact: bool = True
    """Whether every set was looked at; else models were added one by one, each the cheapest for each further task."""


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One task and who covers it, as the rule would pick them."""

    board: Board
    ranked: tuple[str, ...]
    """Names; the leader first."""


def find_cover(parts: Sequence[Decided], pick: str | None = None) -> Cover | None:
    """Find the cheapest set over the decisions on each task; None where nobody is eligible for any.

    Args:
        parts: the decisions.
        pick: the one model to ship for all tasks together.
    """
    tasks = [_Task(part.board, _covering(part)) for part in parts]
    covered = list(zip(parts, [task.ranked for task in tasks], strict=True))
    gaps = [] if pick is None else [_shortfall(part, names, pick) for part, names in covered if pick not in names]
    uncovered = tuple(task.board.task for task in tasks if not task.ranked)
    tasks = [task for task in tasks if task.ranked]
    if not tasks:
        return None
    scale, column = _scale(tasks)
    names = list(dict.fromkeys(name for task in tasks for name in task.ranked))
    price = _Price(tasks, scale, column)
    sets = [price.choice([name]) for name in names if price.covers_all(name)]
    best = price.choice(None)
    exact = scale is Scale.TASKS or len(tasks) <= MOST_EXACT
    found = price.choice(_cheapest_set(price, names, exact=exact))
    cheapest = min(found, best, *sets, key=lambda choice: choice.cost)
    serves = cheapest.serves
    apart = [_shortfall(part, ranked, serves[part.board.task]) for part, ranked in covered if ranked]
    return Cover(
        cheapest=cheapest,
        best=best,
        single=min(sets, key=lambda choice: choice.cost, default=None) if not uncovered else None,
        scale=scale,
        column=column,
        confidence=parts[0].question.rule.confidence,
        uncovered=uncovered,
        pick=pick,
        shortfalls=tuple(gap for gap in gaps if gap is not None),
        behind=tuple(gap for gap in apart if gap is not None and gap.behind is not None and gap.behind > 0),
        exact=exact,
    )


def _shortfall(part: Decided, covering: Sequence[str], name: str) -> Shortfall | None:
    """Tell what is given up on a task with a model that is not its leader; None where it is, or nobody covers it."""
    board = part.board
    if not covering or name == covering[0]:
        return None
    c = stages.preferred(board, part.question.rule)
    row = board.names.index(name) if name in board.names else None
    behind = None
    if row is not None and row in part.front.feasible:
        behind = float(board.oriented[board.names.index(covering[0]), c] - board.oriented[row, c])
    return Shortfall(board.task, covering[0], board.columns[c], behind)


def _covering(part: Decided) -> tuple[str, ...]:
    """List who covers a task, as the rule would pick them: the leader first; nobody where nobody is eligible."""
    board, spec = part.board, part.question.rule
    name = part.recommendation.leader
    if name is None:
        return ()
    leader = board.names.index(name)
    rule = charged_rule(board, [standing.checks for standing in part.front.standings], spec)
    rows = stages.pickable(board, rule, part.front.feasible)
    column = stages.preferred(board, spec)
    draws = _draws(part, column, [*rows, *undecided_rows(board, part.front, rule)], leader)
    good = [
        row
        for row in rows
        if row == leader or (not _is_floor(board, row) and _is_as_good(part, draws, row, leader, column))
    ]
    return tuple(board.names[row] for row in _ranked(rule, good))


def _is_floor(board: Board, row: int) -> bool:
    return board.is_baseline(board.names[row])


def _draws(part: Decided, column: int, rows: Sequence[int], leader: int) -> Floats:
    """Draw what is preferred as the pick's draws are, shape `(B, M)`: the leader's lead is partly luck."""
    board = part.board
    draws = board.oriented_draws[:, :, column]
    stage = Stage(board.columns[column].name, column, board.columns[column].sign * board.values[:, column], draws)
    return shrunk(stage, rows, leader, seeded(part.question.rule.seed, "shrink", board.task)).draws


def _is_as_good(part: Decided, draws: Floats, row: int, leader: int, column: int) -> bool:
    """Tell whether a candidate is not shown to be worse than the leader, by more than the margin."""
    board, best = part.board, float(part.board.values[leader, column])
    behind = draws[:, leader] - draws[:, row]
    worse = ~(behind <= board.columns[column].margin_at(best))  # an undefined resample speaks against it
    return float(worse.mean()) < part.question.rule.confidence


def _ranked(rule: Sequence[Stage], rows: Sequence[int]) -> list[int]:
    remaining, ranked = list(rows), []
    while (best := stages.pick(rule, remaining)) is not None:
        ranked.append(best)
        remaining.remove(best)
    return ranked


def _scale(tasks: Sequence[_Task]) -> tuple[Scale, Column | None]:
    """Choose by which objective sets are compared: the first of memory, else the first that adds up over tasks."""
    first = tasks[0].board
    shared = [
        column
        for column in first.columns[: first.objectives]
        if not column.is_quality
        and all(column.name in [own.name for own in t.board.columns[: t.board.objectives]] for t in tasks)
    ]
    for scale, units in ((Scale.MEMORY, {MEMORY_UNIT}), (Scale.TASKS, SUMMABLE)):
        column = next((c for c in shared if c.unit in units and not c.higher_is_better), None)
        if column is not None:
            return scale, column
    return Scale.COUNT, None


@dataclass(frozen=True, slots=True, eq=False)
class _Price:
    """Prices sets of models."""

    tasks: Sequence[_Task]
    scale: Scale
    column: Column | None

    def covers_all(self, name: str) -> bool:
        """Tell whether a model covers every task."""
        return all(name in task.ranked for task in self.tasks)

    def mask(self, name: str) -> int:
        """Tell which tasks a model covers, as bits."""
        return sum(1 << place for place, task in enumerate(self.tasks) if name in task.ranked)

    def of_model(self, name: str) -> float:
        """Price one model of a set whose cost is added up over its models."""
        if self.scale is Scale.COUNT:
            return 1.0
        return max(self.on_task(task, name) for task in self.tasks if name in task.ranked)

    def choice(self, names: Sequence[str] | None) -> Choice:
        """Let each task be served by the best of some models that cover it, and add up; the leaders for None."""
        serves = {task.board.task: self._server(task, names) for task in self.tasks}
        return Choice(serves, float(len(set(serves.values())) if self.scale is Scale.COUNT else self._cost(serves)))

    def _cost(self, serves: Mapping[str, str]) -> float:
        """Add up what the tasks cost that each model serves; of memory its highest alone."""
        costs: dict[str, list[float]] = {}
        for task in self.tasks:
            name = serves[task.board.task]
            costs.setdefault(name, []).append(self.on_task(task, name))
        return sum(map(max if self.scale is Scale.MEMORY else sum, costs.values()))

    def _server(self, task: _Task, names: Sequence[str] | None) -> str:
        if names is None:
            return task.ranked[0]
        able = [name for name in task.ranked if name in names]
        return min(able, key=lambda name: self.on_task(task, name)) if self.scale is Scale.TASKS else able[0]

    def on_task(self, task: _Task, name: str) -> float:
        """Read the cost of a model on one task; infinite where it is not known."""
        assert self.column is not None
        column = [own.name for own in task.board.columns].index(self.column.name)
        value = float(task.board.values[task.board.names.index(name), column])
        return value if np.isfinite(value) else float("inf")


def _cheapest_set(price: _Price, names: Sequence[str], *, exact: bool) -> list[str]:
    """Find the cheapest models that together cover every task; of equally cheap ones the fewest, then the first."""
    if price.scale is Scale.TASKS:  # each task by itself
        return [min(task.ranked, key=lambda name: price.on_task(task, name)) for task in price.tasks]
    return _by_every_set(price, names) if exact else _one_by_one(price, names)


def _by_every_set(price: _Price, names: Sequence[str]) -> list[str]:
    reached: dict[int, tuple[float, int, tuple[int, ...]]] = {0: (0.0, 0, ())}
    for place, name in enumerate(names):
        mask, cost = price.mask(name), price.of_model(name)
        for before, (spent, count, members) in list(reached.items()):
            found = (spent + cost, count + 1, (*members, place))
            if before | mask != before and found < reached.get(before | mask, (float("inf"), 0, ())):
                reached[before | mask] = found
    everything = (1 << len(price.tasks)) - 1
    return [names[place] for place in reached[everything][2]] if everything in reached else list(names)


def _one_by_one(price: _Price, names: Sequence[str]) -> list[str]:
    everything, covered, chosen = (1 << len(price.tasks)) - 1, 0, []
    while covered != everything:
        further = [name for name in names if price.mask(name) & ~covered]
        cheapest = min(further, key=lambda name: price.of_model(name) / (price.mask(name) & ~covered).bit_count())
        chosen.append(cheapest)
        covered |= price.mask(cheapest)
    return chosen
