"""What would change the answer: each limit's break points, each objective left out, and random weights (SMAA)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.decision import stages
from bench.decision.board import Board, Column
from bench.decision.charge import charged_rule
from bench.decision.constraints import Check, state_of
from bench.decision.fronts import Front
from bench.decision.pareto import nondominated
from bench.decision.question import Question
from bench.decision.rule import Stage
from bench.stats.resample import seeded
from bench.suite.limits import Limit

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BreakPoint:
    """A value of a limit at which the pick changes."""

    limit: Limit
    """As it stands."""
    column: Column
    """What it limits on this task."""
    at: float
    """In the limit's unit; a ratio for `% of best`."""
    below: str | None
    """The pick with the limit below this value; None when nobody is eligible."""
    above: str | None
    """The pick with the limit above this value, up to the next break point."""

    @property
    def at_is_above(self) -> bool:
        """Tell whether a limit of exactly `at` belongs to what is above: for `<=` and `>`, not for `<` and `>=`."""
        return self.limit.operator in ("<=", ">")


@dataclass(frozen=True, slots=True)
class WithoutObjective:
    """What leaving one objective out changes."""

    objective: str
    lost: tuple[str, ...]
    """Members that leave the front as observed."""
    pick: str | None
    """The leader by the rule without it."""
    usual: str | None
    """The leader with it."""

    @property
    def changes(self) -> bool:
        """Tell whether the leader or the front changes."""
        return bool(self.lost) or self.pick != self.usual


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What would change the answer on one board."""

    break_points: tuple[BreakPoint, ...]
    without: tuple[WithoutObjective, ...]
    acceptability: dict[str, tuple[float, ...]]
    """By candidate: share of random weights and replicates that put it first, second, …"""


def explore(board: Board, front: Front, question: Question) -> Sensitivity:
    """Explore everything on one board."""
    rule = charged_rule(board, [standing.checks for standing in front.standings], question.rule)
    points: list[BreakPoint] = []
    for limit in question.limits:
        points.extend(break_points(board, front, rule, limit))
    rows = [] if front.relaxed else list(front.feasible)
    return Sensitivity(tuple(points), tuple(leave_out(board, front, question)), smaa(board, rows, question))


def break_points(board: Board, front: Front, rule: Sequence[Stage], limit: Limit) -> list[BreakPoint]:
    """Find the values of one limit at which the pick changes, rising; exact, as only candidates' bounds can be one, and
    what is paid for the chance of breaking a limit stays what it is for the limits as they stand."""
    bounds: dict[int, float] = {}
    column: Column | None = None
    for row, standing in enumerate(front.standings):
        check = _of(standing.checks, limit)
        others = [other for other in standing.checks if other.limit != limit]
        if check is None or check.bound is None or board.missing(row) is not None or state_of(others) != "inside":
            continue
        bounds[row], column = check.bound, check.column
    rows = stages.pickable(board, rule, sorted(bounds))
    ends = sorted({bounds[row] for row in rows})

    def pick(admitted: Sequence[int]) -> str | None:
        row = stages.pick(rule, admitted)
        return None if row is None else board.names[row]

    out = []
    for index, end in enumerate(ends):
        if limit.is_upper:
            below = pick([row for row in rows if bounds[row] < end])
            above = pick([row for row in rows if bounds[row] <= end])
        else:
            below = pick([row for row in rows if bounds[row] >= end])
            above = pick([row for row in rows if index + 1 < len(ends) and bounds[row] >= ends[index + 1]])
        if below != above and column is not None:
            out.append(BreakPoint(limit, column, end, below, above))
    return out


def _of(checks: Sequence[Check], limit: Limit) -> Check | None:
    return next((check for check in checks if check.limit == limit), None)


def leave_out(board: Board, front: Front, question: Question) -> list[WithoutObjective]:
    """Find what changes when each objective in turn is left out, the limits staying as they are."""
    if board.objectives < 2 or front.evidence is None:
        return []
    rows = list(front.evidence.rows)
    before = {board.names[row] for row in rows if front.standings[row].on_observed_front}
    usual = _leader(board, front, question)
    out = []
    for c in range(board.objectives):
        remaining = [k for k in range(board.objectives) if k != c]
        mask = nondominated(board.oriented[rows][:, remaining])
        after = {board.names[row] for row, on in zip(rows, mask, strict=True) if on}
        preferred = c == stages.preferred(board, question.rule)
        pick = _leader(_without(board, c), front, question, left_out=preferred)
        out.append(WithoutObjective(board.columns[c].name, tuple(sorted(before - after)), pick, usual))
    return out


def _leader(board: Board, front: Front, question: Question, *, left_out: bool = False) -> str | None:
    rule = charged_rule(board, [s.checks for s in front.standings], question.rule, left_out=left_out)
    row = stages.pick(rule, [] if front.relaxed else stages.pickable(board, rule, front.feasible))
    return None if row is None else board.names[row]


def _without(board: Board, c: int) -> Board:
    """Remove one objective from a board altogether."""
    remaining = [k for k in range(len(board.columns)) if k != c]
    return replace(
        board,
        columns=tuple(board.columns[k] for k in remaining),
        objectives=board.objectives - 1,
        quantities=tuple(tuple(row[k] for k in remaining) for row in board.quantities),
        values=board.values[:, remaining],
        draws=board.draws[:, :, remaining],
        tests={remaining.index(k): test for k, test in board.tests.items() if k != c},
        unknown=None if board.unknown is None else board.unknown[:, remaining],
    )


def smaa(board: Board, rows: Sequence[int], question: Question) -> dict[str, tuple[float, ...]]:
    """Compute rank acceptability: how often each candidate is first, second, … under uniformly random weights.

    Objectives are scaled to the range of the observed values; each replicate meets one random weight vector.

    Source: Lahdelma and Salminen, SMAA-2 (2001), Operations Research 49, 444-454.
    """
    if not rows or board.objectives == 0:
        return {}
    k, count = board.objectives, len(rows)
    values, draws = board.oriented[list(rows), :k], board.oriented_draws[:, list(rows), :k]
    span = np.ptp(values, axis=0)
    scaled = np.where(span > 0, draws / np.where(span > 0, span, 1.0), 0.0)
    weights = seeded(question.rule.seed, "smaa", board.task).dirichlet(np.ones(k), size=len(draws))
    utility = np.einsum("bmk,bk->bm", scaled, weights)
    ranks = (-utility).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    shares = np.array([(ranks == place).mean(axis=0) for place in range(count)])
    return {board.names[row]: tuple(float(s) for s in shares[:, i]) for i, row in enumerate(rows)}
