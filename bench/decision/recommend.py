"""The recommendation: one pick with its price, what binds it and how sure it is; or no pick, and what would
settle it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.decision import next_step, rules
from bench.decision.board import Board
from bench.decision.case import Binding, Case, Recommendation
from bench.decision.constraints import Check, state_of
from bench.decision.fronts import Front
from bench.decision.next_step import NextStep
from bench.decision.question import Question
from bench.words import advice
from bench.words.wording import differences, listed

TINY = 1e-300
"""In place of 0 in a ratio."""
KNEE_MEMBERS = 3
"""Fewest members of a front that has a knee."""


def recommend(board: Board, front: Front, question: Question) -> Recommendation:
    """Returns the recommendation for one board."""
    rule = rules.stages(board, question.rule)
    rows = [] if front.relaxed else rules.pickable(board, rule, front.feasible)
    excluded = {s.name: s.sentence for row, s in enumerate(front.standings) if row not in front.feasible}
    passed = [] if front.relaxed else [row for row in front.feasible if row not in rows]
    excluded |= {board.names[row]: advice.unscored(board, rule, front.standings[row]) for row in passed}
    leader = rules.pick(rule, rows)
    if leader is None:
        return _nobody(board, front, question, excluded)
    undecided = _undecided(board, front, rule)
    hopefuls = [row for row in undecided if rules.pick(rule, [*rows, row]) == row]
    shares = _shares(board, rule, rows, {row: front.standings[row].checks for row in undecided}, leader)
    case = Case(board, front, rule, rows, hopefuls, leader, shares, question.rule.confidence)
    return _answer(case, question, excluded)


def _undecided(board: Board, front: Front, rule: Sequence[rules.Stage]) -> list[int]:
    """Returns the candidates that break no limit for certain, but are not shown to meet every one."""
    standings = enumerate(front.standings)
    rows = [row for row, s in standings if board.missing(row) is None and state_of(s.checks) == "open"]
    return rules.pickable(board, rule, rows)


def _admitted(checks: Sequence[Check]) -> NDArray[np.bool_] | bool:
    """Returns in which replicates a candidate meets every open limit; never, where a reading is missing."""
    met: NDArray[np.bool_] | bool = True
    for check in checks:
        if check.state != "inside":
            met = False if check.holds is None else met & check.holds
    return met


def _answer(case: Case, question: Question, excluded: dict[str, str]) -> Recommendation:
    board = case.board
    second = rules.pick(case.rule, [row for row in case.rows if row != case.leader])
    binding, step, knee = _binding(case), _step(case), _knee(board, case.front)
    warnings = (*advice.unresolved(case), *advice.unmeasured(case), *advice.baseline(case), *advice.floors(case))
    sentences = (
        advice.headline(case),
        *warnings,
        advice.runner_up(case, second),
        *(found.sentence for found in binding),
        *advice.tightest(case, binding),
        *advice.next_step(case, step),
        *advice.knee(knee, case.name),
        *advice.excluded(excluded),
    )
    return Recommendation(
        task=board.task,
        rule=question.rule.rule,
        pick=case.name if case.sure else None,
        leader=case.name,
        confidence=case.confidence,
        shares=case.shares,
        runner_up=None if second is None else board.names[second],
        price=None if second is None else differences(board, second, case.leader),
        binding=binding,
        excluded=excluded,
        next_step=step,
        knee=knee,
        warnings=warnings,
        sentences=sentences,
    )


def _shares(
    board: Board,
    rule: Sequence[rules.Stage],
    rows: Sequence[int],
    undecided: Mapping[int, Sequence[Check]],
    leader: int,
) -> dict[str, float]:
    """Returns the share of the replicates in which the rule picks each candidate, largest first.

    An undecided candidate takes part in the replicates in which it meets its limits, so that a better one that may
    well be feasible lowers the confidence in the leader. One whose limit lies between the bounds of an estimate meets
    it or does not, in all replicates alike: estimates on one machine share their error, so that those with more room
    are within the limit first. Of these cases the one that is worst for the leader is returned.
    """
    everyone = [*rows, *undecided]
    admitted = np.ones((len(board.draws), len(everyone)), dtype=np.bool_)
    for place, row in enumerate(undecided, start=len(rows)):
        admitted[:, place] = _admitted(undecided[row])
    room = {row: _room(checks) for row, checks in undecided.items()}
    cases = sorted({0.0, *(r for r in room.values() if r is not None)})  # nobody, then all, then ever fewer of them
    found: list[dict[int, float]] = []
    for least in cases:
        within = np.array([row in rows or (r := room[row]) is None or 0.0 < least <= r for row in everyone])
        drawn = rules.pick_each(rule, everyone, admitted & within)
        found.append({row: float((drawn == row).mean()) for row in everyone})
    worst = min(found, key=lambda case: case[leader])
    shares = ((board.names[row], share) for row, share in worst.items() if share > 0)
    return dict(sorted(shares, key=lambda item: (-item[1], item[0])))


def _room(checks: Sequence[Check]) -> float | None:
    """Returns how many times an estimate may be off before it leaves its limit, above 0; None where no estimate is
    open."""
    open_ones = [check for check in checks if check.estimated and check.state == "open" and check.value is not None]
    if not open_ones:
        return None
    ratios = [(c.limit.value, float(c.value or 0.0)) if c.limit.is_upper else (float(c.value or 0.0), c.limit.value)
              for c in open_ones]  # fmt: skip
    return min(max(top, TINY) / max(bottom, TINY) for top, bottom in ratios)


def _nobody(board: Board, front: Front, question: Question, excluded: dict[str, str]) -> Recommendation:
    """Returns the recommendation where no candidate is eligible, with the one that comes nearest."""
    judged = [row for row in range(len(board.names)) if board.missing(row) is None]
    sentences, step = [advice.nobody(board, judged, met=bool(front.feasible))], None
    near = None if front.feasible else _nearest(front, judged)
    if near is not None:
        row, checks = near
        sentences.append(f"Nearest is {board.names[row]}: {listed([check.sentence for check in checks])}.")
        if all(check.state == "open" for check in checks):
            step = next_step.cheapest([next_step.for_limit(board, row, check) for check in checks])
        if step is not None:
            sentences.append(f"The cheapest measurement that may show whether it meets them: {step.sentence}.")
    return Recommendation(
        task=board.task,
        rule=question.rule.rule,
        pick=None,
        leader=None,
        confidence=None,
        shares={},
        runner_up=None,
        price=None,
        binding=(),
        excluded=excluded,
        next_step=step,
        knee=None,
        warnings=(),
        sentences=(*sentences, *advice.excluded(excluded)),
    )


def _nearest(front: Front, judged: Sequence[int]) -> tuple[int, list[Check]] | None:
    """Returns the candidate whose worst overshoot, relative to its limit, is smallest, with the limits it
    fails."""
    best: tuple[float, int, list[Check]] | None = None
    for row in judged:
        failed = [check for check in front.standings[row].checks if check.state != "inside"]
        if not failed:
            continue
        worst = max(_overshoot(check) for check in failed)
        if best is None or worst < best[0]:
            best = (worst, row, failed)
    return None if best is None else (best[1], best[2])


def _overshoot(check: Check) -> float:
    """Returns how far the value that must be inside is outside, as a share of the limit; infinite when
    unknown."""
    at = check.bound if check.bound is not None else check.value
    if at is None:
        return float("inf")
    over = at - check.limit.value if check.limit.is_upper else check.limit.value - at
    return max(0.0, over) / (abs(check.limit.value) or 1.0)


def _binding(case: Case) -> tuple[Binding, ...]:
    """Returns the limits whose removal would change the pick."""
    found = []
    for check in case.front.standings[case.leader].checks:
        others = [row for row, s in enumerate(case.front.standings) if _meets(case.board, row, s.checks, check)]
        instead = rules.pick(case.rule, rules.pickable(case.board, case.rule, others))
        if instead is not None and instead != case.leader:
            text = advice.binding(case, check, instead)
            limit = f"{check.limit.name} {check.limit.text}"
            found.append(Binding(limit, case.board.names[instead], check.slack, text))
    return tuple(found)


def _meets(board: Board, row: int, checks: Sequence[Check], without: Check) -> bool:
    return board.missing(row) is None and state_of([c for c in checks if c.limit != without.limit]) == "inside"


def _step(case: Case) -> NextStep | None:
    """Returns what to measure next: to tell leader and rival apart, or to admit a candidate whose limit is
    open."""
    if case.sure:
        return next_step.cheapest([_admission(case, row) for row in case.hopefuls])
    if case.rival is not None and case.rival_is_open:
        return _admission(case, case.rival)
    return next_step.between(case.board, case.rule, case.leader, _in_the_way(case), case.needed)


def _in_the_way(case: Case) -> list[int]:
    """Returns the likeliest rivals among the eligible, as many as must be beaten for the leader to be a pick."""
    found: list[int] = []
    won = case.confidence
    for name, share in case.shares.items():
        row = case.board.names.index(name)
        if row != case.leader and row in case.rows and won < case.needed:
            found.append(row)
            won += share
    return found


def _admission(case: Case, row: int) -> NextStep | None:
    """Returns what would show whether a candidate meets its open limits: the cheapest, as one that fails is enough."""
    checks = [check for check in case.front.standings[row].checks if check.state == "open"]
    return next_step.cheapest([next_step.for_limit(case.board, row, check) for check in checks])


def _knee(board: Board, front: Front) -> str | None:
    """Returns the front's member nearest to the best of every objective, each scaled to the front's range."""
    rows = [row for row, standing in enumerate(front.standings) if standing.on_observed_front]
    if len(rows) < KNEE_MEMBERS:
        return None
    points = board.oriented[rows][:, : board.objectives]
    span = points.max(axis=0) - points.min(axis=0)
    away = (points.max(axis=0) - points) / np.where(span > 0, span, 1.0)
    return board.names[rows[int((away**2).sum(axis=1).argmin())]]
