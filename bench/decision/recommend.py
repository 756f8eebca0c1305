"""The recommendation: one thing to ship now, what it risks, what binds it, and what further measuring could gain.

Eligible is who breaks a limit with at most the chance that the suite takes (`decision.risk`). Among the eligible the
rule picks by the observed values, from which the chance of breaking a limit is taken off at the price of a broken limit
(`decision.broken_limit`): for a rule that takes the best of something this is the least expected loss, as the loss of
each candidate is that of the best one less its own value. There is a pick wherever somebody is eligible; how sure it is
stands beside it. A baseline is no pick where it is eligible for want of any model that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.decision import next_step, stages
from bench.decision.board import Board
from bench.decision.case import (
    Barred,
    BaselineLeads,
    BaselineNear,
    Binding,
    Case,
    Caution,
    Exclusion,
    FewExamples,
    Gain,
    Hopefuls,
    Incomparable,
    Nearest,
    Nobody,
    Outcome,
    Recommendation,
    Risk,
)
from bench.decision.charge import charged_rule
from bench.decision.constraints import Check, chance_broken, state_of
from bench.decision.fronts import Front
from bench.decision.next_step import NextStep
from bench.decision.question import Question
from bench.decision.rule import Stage
from bench.decision.shrink import shrunk
from bench.stats.resample import seeded

TINY = 1e-300
"""In place of 0 in a ratio."""
NOT_SHOWN = 0.025
"""One-sided p-value over which a difference may be chance: that of a two-sided test at 5 %."""
UPSIDE = 0.95
"""Quantile of what a rival may be ahead that is told as what further measuring could gain."""
KNEE_MEMBERS = 3
"""Fewest members of a front that has a knee."""

FEW_EXAMPLES = 30
"""Examples below which a pick says how few there were: one of them is then over three points of accuracy."""


def recommend(board: Board, front: Front, question: Question) -> Recommendation:
    """Recommend one candidate of a board, or none where nobody is eligible."""
    rule = _after_a_tie(board, charged_rule(board, [standing.checks for standing in front.standings], question.rule))
    rows = [] if front.relaxed else stages.pickable(board, rule, front.feasible)
    excluded = _excluded(board, front, rule, rows)
    leader = board.tied_pick if board.tied_pick in rows else stages.pick(rule, _racing(board, rows))
    if leader is None or _only_floors(board, rows):
        return _nobody(board, front, question, excluded)
    undecided = undecided_rows(board, front, rule)
    racing = _racing(board, rows)
    hopefuls = [row for row in _racing(board, undecided) if stages.pick(rule, [*racing, row]) == row]
    rng = seeded(question.rule.seed, "shrink", board.task)
    rule = [shrunk(rule[0], [*rows, *undecided], leader, rng), *rule[1:]]
    shares = _shares(board, rule, rows, {row: front.standings[row].checks for row in undecided}, leader)
    case = Case(board, front, rule, rows, undecided, hopefuls, leader, shares, question.rule.confidence)
    return _answer(case, question, excluded)


def _only_floors(board: Board, rows: Sequence[int]) -> bool:
    """Tell whether all that are eligible are baselines, while there are models: nothing to ship."""
    floors = [board.is_baseline(name) for name in board.names]
    return all(floors[row] for row in rows) and not all(floors)


def _excluded(board: Board, front: Front, rule: Sequence[Stage], rows: Sequence[int]) -> tuple[Exclusion, ...]:
    """List who is not eligible: first those that their limits or a missing objective keep out, then those that meet
    every limit, but lack something that the rule looks at."""
    kept_out = [Exclusion(name) for row, name in enumerate(board.names) if row not in front.feasible]
    unscored = [row for row in front.feasible if not front.relaxed and row not in rows]
    lacking = {row: [board.columns[c].name for c in stages.unscored(board, rule, row)] for row in unscored}
    return (*kept_out, *(Exclusion(board.names[row], tuple(names)) for row, names in lacking.items()))


def undecided_rows(board: Board, front: Front, rule: Sequence[Stage]) -> list[int]:
    """List the candidates that break no limit for certain, but are not shown to meet every one."""
    standings = enumerate(front.standings)
    rows = [row for row, s in standings if board.missing(row) is None and state_of(s.checks) == "open"]
    return stages.pickable(board, rule, rows)


def _after_a_tie(board: Board, rule: list[Stage]) -> list[Stage]:
    """Widen what the rule gives up at first to what the race took for no difference, where that ended in a tie: the
    cheaper is then the pick."""
    first = rule[0] if rule else None
    if first is None or board.ties_within <= first.slack or first.slack_is_relative:
        return rule
    return [replace(first, slack=board.ties_within), *rule[1:]]


def _racing(board: Board, rows: Sequence[int]) -> list[int]:
    """Leave out the candidates that left the race, unless all did: they are no rivals, whatever their few answers
    say."""
    return [row for row in rows if not board.has_left(row)] or list(rows)


def _admitted(checks: Sequence[Check]) -> NDArray[np.bool_] | bool:
    """Find the replicates in which a candidate meets every open limit; never, where a reading is missing."""
    met: NDArray[np.bool_] | bool = True
    for check in checks:
        if check.state != "inside":
            met = False if check.holds is None else met & check.holds
    return met


def _answer(case: Case, question: Question, excluded: tuple[Exclusion, ...]) -> Recommendation:
    """Make the recommendation where somebody is eligible."""
    board = case.board
    second = stages.pick(case.rule, [row for row in case.rows if row != case.leader])
    return Recommendation(
        task=board.task,
        rule=question.rule.rule,
        outcome=case.outcome,
        needed=case.needed,
        leader=case.name,
        risk=_risk(case),
        gain=_gain(case),
        confidence=case.confidence,
        covers_estimates=bool(case.estimated),
        shares=case.shares,
        rival=None if case.rival is None else board.names[case.rival],
        rival_is_estimated=case.rival in case.estimated,
        runner_up=None if second is None else board.names[second],
        binding=_binding(case),
        tightest=_tightest(case),
        excluded=excluded,
        next_step=_step(case),
        knee=_knee(board, case.front),
        cautions=(*_hopefuls(case), *_baselines(case), *_few_examples(board), *_incomparable(case), *_barred(board)),
    )


def _barred(board: Board) -> list[Barred]:
    """Name each candidate that a doubt bars from being picked."""
    pairs = zip(board.names, board.broken, strict=True)
    return [Barred(name, missing) for name, missing in pairs if missing is not None and missing.doubt]


def _kept(case: Case, row: int) -> NDArray[np.bool_]:
    """Find the draws in which a candidate keeps its limits, shape `(B,)`; none where nothing is known of one."""
    kept = np.ones(len(case.board.draws), dtype=np.bool_)
    for check in case.front.standings[row].checks:
        kept &= False if check.holds is None else check.holds
    return kept


def _risk(case: Case) -> Risk:
    """Compute what shipping the leader risks."""
    stage, checks = case.rule[0], case.front.standings[case.leader].checks
    drawn = np.nan_to_num(stage.draws, nan=-np.inf, neginf=-np.inf)
    rivals = [row for row in (*case.rows, *case.undecided) if row != case.leader]
    own = drawn[:, case.leader]
    best = np.max([own, *(np.where(_kept(case, row), drawn[:, row], -np.inf) for row in rivals)], axis=0)
    allowed = stage.slack * np.abs(best) if stage.slack_is_relative else stage.slack
    known = np.isfinite(own)
    loss = np.maximum(0.0, (best - own - allowed)[known]) if known.any() else np.zeros(1)
    column = None if stage.column is None else case.board.columns[stage.column]
    within = any(check.within for check in checks)
    return Risk(chance_broken(checks) or 0.0, float(loss.mean()), case.confidence, column, within)


def _gain(case: Case) -> Gain | None:
    """Find who may turn out to be a better choice than the leader, and how much better; the likeliest."""
    if case.rival is None:
        return None
    stage, kept = case.rule[0], _kept(case, case.rival)
    name = case.board.names[case.rival]
    with np.errstate(invalid="ignore"):
        ahead = (stage.draws[:, case.rival] - stage.draws[:, case.leader])[kept]
    ahead = ahead[np.isfinite(ahead)]
    most = max(0.0, float(np.quantile(ahead, UPSIDE))) if ahead.size else 0.0
    return Gain(name, case.shares[name], most, case.rival in case.rows)


def _few_examples(board: Board) -> list[FewExamples]:
    """Warn of each task whose answers are too few for a pick to rest on."""
    return [FewExamples(task, n) for task, n in board.examples().items() if n < FEW_EXAMPLES]


def _hopefuls(case: Case) -> list[Hopefuls]:
    """Warn of candidates that would be the pick, or may well be, were they shown to meet their open limits; the
    likeliest first."""
    rival = [case.rival] if case.rival in case.undecided and case.rival is not None else []
    rows = list(dict.fromkeys([*case.hopefuls, *rival]))
    if not rows:
        return []
    names = case.board.names
    first, *others = sorted(case.ranked(rows), key=lambda row: -case.shares.get(names[row], 0.0))
    is_rival = case.outcome is Outcome.RIVAL_OPEN and case.rival == first
    return [Hopefuls(names[first], tuple(names[row] for row in others), is_rival)]


def _incomparable(case: Case) -> list[Incomparable]:
    """Warn of each candidate that is better in what the rule looks at first, but lacks an objective."""
    stage, board = case.rule[0], case.board
    cautions = []
    for row, standing in enumerate(case.front.standings):
        missing = board.missing(row)
        better = stage.scores[row] > stage.scores[case.leader]  # False for NaN
        if missing is None or board.broken[row] is not None or not better or state_of(standing.checks) == "outside":
            continue
        cautions.append(Incomparable(board.names[row], stage.name, missing))
    return cautions


def _baselines(case: Case) -> list[Caution]:
    """Warn when the leader is a baseline, and else of each task on which a baseline answers better than the leader; on
    the board of one task also where the leader is not shown to answer better than the best baseline."""
    board = case.board
    if board.is_baseline(case.name):
        return [BaselineLeads()]
    tasks = {part.board.task: part.board for part in board.parts} or {board.task: board}
    return [near for task in tasks.values() if (near := _baseline_near(case, task)) is not None]


def _baseline_near(case: Case, task: Board) -> BaselineNear | None:
    c = next((c for c in range(task.objectives) if task.columns[c].is_quality), None)
    if c is None or case.name not in task.names:
        return None
    rows = [r for r, name in enumerate(task.names) if task.is_baseline(name) and not np.isnan(task.values[r, c])]
    if not rows:
        return None
    scores, own = task.oriented[:, c], task.names.index(case.name)
    best = max(rows, key=lambda row: float(scores[row]))
    is_better = bool(scores[own] < scores[best])
    if not is_better and not _may_be_chance(case, task, own, best, c):
        return None
    values = float(task.values[own, c]), float(task.values[best, c])
    return BaselineNear(task.task, task.names[best], task.columns[c].name, *values, is_better)


def _may_be_chance(case: Case, task: Board, own: int, best: int, c: int) -> bool:
    """Tell whether the leader is not shown to be better than a baseline; False where that was not tested."""
    evidence = case.front.evidence
    if case.board.task != task.task or evidence is None or best not in evidence.rows or own not in evidence.rows:
        return False
    return float(evidence.better[evidence.rows.index(own), evidence.rows.index(best), c]) > NOT_SHOWN


def _tightest(case: Case) -> Check | None:
    """Find the leader's check with the least room, as a share of its limit."""
    checks = [check for check in case.front.standings[case.leader].checks if check.slack is not None]
    return min(checks, key=lambda check: (check.slack or 0.0) / (abs(check.limit.value) or 1.0), default=None)


def _shares(
    board: Board,
    rule: Sequence[Stage],
    rows: Sequence[int],
    undecided: Mapping[int, Sequence[Check]],
    leader: int,
) -> dict[str, float]:
    """Compute the share of the replicates in which the rule picks each candidate, largest first.

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
    picked: list[dict[int, float]] = []
    for least in cases:
        within = np.array([row in rows or (r := room[row]) is None or 0.0 < least <= r for row in everyone])
        drawn = stages.pick_each(rule, everyone, admitted & within)
        picked.append({row: float((drawn == row).mean()) for row in everyone})
    worst = min(picked, key=lambda case: case[leader])
    shares = ((board.names[row], share) for row, share in worst.items() if share > 0)
    return dict(sorted(shares, key=lambda item: (-item[1], item[0])))


def _room(checks: Sequence[Check]) -> float | None:
    """Compute how many times an estimate may be off before it leaves its limit, above 0; None where no estimate is
    open."""
    open_ones = [check for check in checks if check.estimated and check.state == "open" and check.value is not None]
    if not open_ones:
        return None
    return min(_ratio_of_room(check) for check in open_ones)


def _ratio_of_room(check: Check) -> float:
    value, limit = max(check.value or 0.0, TINY), max(check.limit.value, TINY)
    return limit / value if check.limit.is_upper else value / limit


def _nobody(board: Board, front: Front, question: Question, excluded: tuple[Exclusion, ...]) -> Recommendation:
    """Make the recommendation where no candidate is eligible, with the one that comes nearest."""
    judged = [row for row in range(len(board.names)) if board.missing(row) is None]
    near = _nearest(board, front, judged)
    step = None
    if near is not None and all(check.state == "open" for check in near.failed):
        row = board.names.index(near.name)
        step = next_step.cheapest([next_step.for_limit(board, row, check) for check in near.failed])
    return Recommendation(
        task=board.task,
        rule=question.rule.rule,
        outcome=Outcome.NOBODY,
        needed=question.rule.confidence,
        excluded=excluded,
        next_step=step,
        cautions=tuple(_barred(board)),
        nobody=_why_nobody(board, front, judged),
        nearest=near,
    )


def _why_nobody(board: Board, front: Front, judged: Sequence[int]) -> Nobody:
    """Tell why there is no candidate at all."""
    if not board.names:
        return Nobody.NOT_RUN
    if all(missing is not None for missing in board.broken):
        return Nobody.BARRED if _barred(board) else Nobody.NOT_FINISHED
    if not board.objectives:
        return Nobody.NOT_MEASURED
    if not judged:
        return Nobody.INCOMPLETE
    if front.feasible and not front.relaxed:
        return Nobody.BASELINES if _only_floors(board, front.feasible) else Nobody.UNSCORED
    return Nobody.LIMITS


def _nearest(board: Board, front: Front, judged: Sequence[int]) -> Nearest | None:
    """Find the model that is the least bad: that breaks its limits with the least chance, and by the least, relative to
    the limit; a baseline only where there is no model."""
    best: tuple[tuple[bool, float, float], Nearest] | None = None
    for row in judged:
        standing = front.standings[row]
        failed = tuple(check for check in standing.checks if check.state != "inside")
        if not failed:
            continue
        breaks = chance_broken(standing.checks)
        worst = max(_overshoot(check) for check in failed)
        is_outside = state_of(standing.checks) == "outside"  # for certain, though draws of few requests have long tails
        rank = (board.is_baseline(standing.name), 1.0 if breaks is None or is_outside else breaks, worst)
        if best is None or rank < best[0]:
            best = (rank, Nearest(standing.name, failed, breaks))
    return None if best is None else best[1]


def _overshoot(check: Check) -> float:
    """Compute how far the value that must be inside is outside, as a share of the limit; infinite when unknown."""
    at = check.bound if check.bound is not None else check.value
    if at is None:
        return float("inf")
    over = at - check.limit.value if check.limit.is_upper else check.limit.value - at
    return max(0.0, over) / (abs(check.limit.value) or 1.0)


def _binding(case: Case) -> tuple[Binding, ...]:
    """Find the limits whose removal would change the pick."""
    binding = []
    for check in case.front.standings[case.leader].checks:
        others = [row for row, s in enumerate(case.front.standings) if _meets(case.board, row, s.checks, check)]
        instead = stages.pick(case.rule, stages.pickable(case.board, case.rule, others))
        if instead is not None and instead != case.leader:
            binding.append(Binding(check, case.board.names[instead]))
    return tuple(binding)


def _meets(board: Board, row: int, checks: Sequence[Check], without: Check) -> bool:
    return board.missing(row) is None and state_of([c for c in checks if c.limit != without.limit]) == "inside"


def _step(case: Case) -> NextStep | None:
    """Plan what to measure next: to tell leader and rival apart, or to admit a candidate whose limit is open."""
    if case.outcome.is_settled:
        return next_step.cheapest([_admission(case, row) for row in case.hopefuls])
    if case.rival is not None and case.outcome is Outcome.RIVAL_OPEN:
        return _admission(case, case.rival)
    return next_step.between(case.board, case.rule, case.leader, _in_the_way(case), case.needed)


def _in_the_way(case: Case) -> list[int]:
    """List the likeliest rivals among the eligible, as many as must be beaten before the pick is settled."""
    rivals: list[int] = []
    won = case.confidence
    for name, share in case.shares.items():
        row = case.board.names.index(name)
        if row != case.leader and row in case.rows and won < case.needed:
            rivals.append(row)
            won += share
    return rivals


def _admission(case: Case, row: int) -> NextStep | None:
    """Plan what would show whether a candidate meets its open limits: the cheapest, as one that fails is enough."""
    checks = [check for check in case.front.standings[row].checks if check.state == "open"]
    return next_step.cheapest([next_step.for_limit(case.board, row, check) for check in checks])


def _knee(board: Board, front: Front) -> str | None:
    """Find the front's member nearest to the best of every objective, each scaled to the front's range."""
    rows = [row for row, standing in enumerate(front.standings) if standing.on_observed_front]
    if len(rows) < KNEE_MEMBERS:
        return None
    points = board.oriented[rows][:, : board.objectives]
    span = points.max(axis=0) - points.min(axis=0)
    away = (points.max(axis=0) - points) / np.where(span > 0, span, 1.0)
    return board.names[rows[int((away**2).sum(axis=1).argmin())]]
