"""What would change the answer: each limit's break points, each objective left out, and random weights
(SMAA)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.decision import rules
from bench.decision.board import Board, Column
from bench.decision.constraints import Check, state_of
from bench.decision.fronts import Front
from bench.decision.pareto import nondominated
from bench.decision.question import Question
from bench.stats.resample import seeded
from bench.suite.limits import Limit
from bench.words.advice import where
from bench.words.wording import amount, listed, percent, spoken

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BreakPoint:
    """A value of a limit at which the pick changes."""

    limit: str
    """Name and text of the limit as it stands."""
    at: float
    """In the limit's unit; a ratio for `% of best`."""
    below: str | None
    """The pick with the limit below this value; None when nobody is eligible."""
    above: str | None
    """The pick with the limit above this value, up to the next break point."""
    sentence: str
    shown: str = ""
    """`at` with its unit."""
    at_is_above: bool = True
    """Whether a limit of exactly `at` belongs to what is above: for `<=` and `>`, not for `<` and `>=`."""


@dataclass(frozen=True, slots=True)
class WithoutObjective:
    """What leaving one objective out changes."""

    objective: str
    lost: tuple[str, ...]
    """Members that leave the front as observed."""
    pick: str | None
    """The leader by the rule without it."""
    changes: bool
    """Whether the leader or the front changes."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What would change the answer on one board."""

    break_points: tuple[BreakPoint, ...]
    without: tuple[WithoutObjective, ...]
    acceptability: dict[str, tuple[float, ...]]
    """By candidate: share of random weights and replicates that put it first, second, …"""


def explore(board: Board, front: Front, question: Question) -> Sensitivity:
    """Returns everything on one board."""
    rule = rules.stages(board, question.rule)
    points: list[BreakPoint] = []
    for limit in question.limits:
        points.extend(break_points(board, front, rule, limit))
    rows = [] if front.relaxed else list(front.feasible)
    return Sensitivity(tuple(points), tuple(leave_out(board, front, question)), smaa(board, rows, question))


def break_points(board: Board, front: Front, rule: Sequence[rules.Stage], limit: Limit) -> list[BreakPoint]:
    """Returns the values of one limit at which the pick changes, rising; exact, as only the candidates'
    bounds can be one."""
    bounds: dict[int, float] = {}
    column: Column | None = None
    for row, standing in enumerate(front.standings):
        check = _of(standing.checks, limit)
        others = [other for other in standing.checks if other.limit != limit]
        if check is None or check.bound is None or board.missing(row) is not None or state_of(others) != "inside":
            continue
        bounds[row], column = check.bound, check.column
    rows = rules.pickable(board, rule, sorted(bounds))
    ends = sorted({bounds[row] for row in rows})

    def pick(admitted: Sequence[int]) -> str | None:
        found = rules.pick(rule, admitted)
        return None if found is None else board.names[found]

    out = []
    for index, end in enumerate(ends):
        if limit.is_upper:
            below = pick([row for row in rows if bounds[row] < end])
            above = pick([row for row in rows if bounds[row] <= end])
        else:
            below = pick([row for row in rows if bounds[row] >= end])
            above = pick([row for row in rows if index + 1 < len(ends) and bounds[row] >= ends[index + 1]])
        if below != above:
            out.append(
                BreakPoint(
                    f"{limit.name} {limit.text}",
                    end,
                    below,
                    above,
                    _words(column, limit, end, below, above),
                    _at(column, limit, end),
                    _at_is_above(limit),
                )
            )
    return out


def _of(checks: Sequence[Check], limit: Limit) -> Check | None:
    return next((check for check in checks if check.limit == limit), None)


def _at_is_above(limit: Limit) -> bool:
    return limit.operator in ("<=", ">")


def _words(column: Column | None, limit: Limit, at: float, below: str | None, above: str | None) -> str:
    value = _at(column, limit, at)
    first, second = (f"the rule favours {name}" if name else "nobody is eligible" for name in (below, above))
    until, then = ("below", "from there on") if _at_is_above(limit) else ("up to", "above it")
    return f"With the limit on {spoken(limit.name)} {until} {value} {first}; {then} {second}."


def _at(column: Column | None, limit: Limit, at: float) -> str:
    return f"{100 * at:.2f} % of best" if limit.of_best or column is None else amount(column, at)


def leave_out(board: Board, front: Front, question: Question) -> list[WithoutObjective]:
    """Returns what changes when each objective in turn is left out, the limits staying as they are."""
    if board.objectives < 2 or front.evidence is None:
        return []
    rows = list(front.evidence.rows)
    before = {board.names[row] for row in rows if front.standings[row].on_observed_front}
    usual = _leader(board, front, question)
    out = []
    for c in range(board.objectives):
        kept = [k for k in range(board.objectives) if k != c]
        mask = nondominated(board.oriented[rows][:, kept])
        after = {board.names[row] for row, on in zip(rows, mask, strict=True) if on}
        preferred = c == rules.preferred(board, question.rule)
        pick = _leader(_without(board, c), front, question, left_out=preferred)
        lost, name = tuple(sorted(before - after)), board.columns[c].name
        changes = bool(lost) or pick != usual
        out.append(WithoutObjective(name, lost, pick, changes, _effect(name, lost, usual, pick)))
    return out


def _leader(board: Board, front: Front, question: Question, *, left_out: bool = False) -> str | None:
    rule = rules.stages(board, question.rule, left_out=left_out)
    found = rules.pick(rule, [] if front.relaxed else rules.pickable(board, rule, front.feasible))
    return None if found is None else board.names[found]


def _without(board: Board, c: int) -> Board:
    """Returns the board with one objective removed altogether."""
    kept = [k for k in range(len(board.columns)) if k != c]
    return replace(
        board,
        columns=tuple(board.columns[k] for k in kept),
        objectives=board.objectives - 1,
        quantities=tuple(tuple(row[k] for k in kept) for row in board.quantities),
        values=board.values[:, kept],
        draws=board.draws[:, :, kept],
        better={kept.index(k): p for k, p in board.better.items() if k != c},
    )


def _effect(name: str, lost: tuple[str, ...], usual: str | None, pick: str | None) -> str:
    stays = "the choice stays" if usual else "still nobody is eligible"
    choice = stays if pick == usual else f"the choice would be {pick or 'nobody'}"
    return f"Without {spoken(name)}, {choice}" + (f", and {listed(list(lost))} would leave the front." if lost else ".")


def smaa(board: Board, rows: Sequence[int], question: Question) -> dict[str, tuple[float, ...]]:
    """Returns rank acceptability: how often each candidate is first, second, … under uniformly random
    weights.

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


def _by_limit(points: Sequence[BreakPoint]) -> list[str]:
    """Returns one sentence for each limit: whom the rule favours as the limit rises."""
    limits = list(dict.fromkeys(point.limit for point in points))
    lines = []
    for limit in limits:
        own = [point for point in points if point.limit == limit]
        until, then = ("below", "from") if own[0].at_is_above else ("up to", "above")
        steps = [f"{_name(own[0].below)} {until} {own[0].shown}", *(f"{_name(p.above)} {then} {p.shown}" for p in own)]
        lines.append(
            f"As the limit {limit} moves, the rule favours {listed(steps)} (each counted by the end of its interval)."
        )
    return lines


def _name(pick: str | None) -> str:
    return pick or "nobody"


def sentences(board: Board, found: Sensitivity) -> list[str]:
    """Returns what an engineer would want to know of it: break points, and the candidate that most priorities
    favour."""
    lines = _by_limit(found.break_points)
    changing = [without.sentence for without in found.without if without.changes]
    lines += changing
    if found.without and not changing:
        lines.append(f"Leaving out any one objective changes neither the choice nor the front on {where(board)}.")
    if len(found.acceptability) > 1:
        name, shares = max(found.acceptability.items(), key=lambda item: item[1][0])
        share = percent(shares[0])
        lines.append(
            f"If the objectives of {where(board)} were weighted at random, {name} would come first in {share} of cases."
        )
    return lines
