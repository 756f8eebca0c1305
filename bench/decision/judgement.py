"""From the entries of a run to its decision: each task by itself, all together, and all but each one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.decision import across, cost, fronts, sensitivity, stages
from bench.decision.board import Board
from bench.decision.build import build
from bench.decision.charge import charged_rule
from bench.decision.constraints import Check, check_all, inapplicable
from bench.decision.cover import find_cover
from bench.decision.decision import Decision, TaskDecision, TaskLeftOut
from bench.decision.question import Question
from bench.decision.recommend import recommend
from bench.decision.remarks import StoodIn
from bench.decision.stand_ins import with_stand_ins
from bench.summary import Entry

FEWEST_TO_LEAVE_ONE_OUT = 3
"""With two tasks, leaving one out is the decision on the other, which is shown anyway."""

Checks = Sequence[Sequence[Check]]
"""By candidate, one for each limit."""


def decide(entries: Sequence[Entry], question: Question) -> Decision:
    """Decide on a run; the same entries and question (with its seed) give the same decision.

    Args:
        entries: of all cells of the run, in the order in which candidates are to be listed.
        question: objectives, limits, rule, prices and weights.

    Raises:
        InputError: a rule lacks what it needs.
    """
    priced = [cost.priced(entry, question.prices) for entry in entries]
    question, stood_in = with_stand_ins(question, priced)
    tasks = list(dict.fromkeys(entry.cell.task for entry in priced))
    boards = [build(task, [e for e in priced if e.cell.task == task], question) for task in tasks]
    checks = [check_all(board, question.limits, question.rule.risk) for board in boards]
    whole = _across(boards, checks, question) if len(boards) > 1 else None
    parts = [judge(board, own, question, stood_in) for board, own in zip(boards, checks, strict=True)]
    return Decision(
        question=question,
        tasks={part.task: part for part in parts},
        across=whole,
        without_task=tuple(_without_each(boards, checks, question, whole)),
        cover=find_cover(parts, None if whole is None else whole.recommendation.pick) if len(parts) > 1 else None,
        entries=tuple(priced),
        stood_in=stood_in,
    )


def judge(board: Board, checks: Checks, question: Question, stood_in: tuple[StoodIn, ...] = ()) -> TaskDecision:
    """Decide on one board."""
    front = fronts.find(board, checks)
    members = [row for row, standing in enumerate(front.standings) if standing.on_observed_front]
    limits = inapplicable(board, question.limits) if board.task else []
    return TaskDecision(
        task=board.task,
        question=question,
        board=board,
        front=front,
        recommendation=recommend(board, front, question),
        sensitivity=sensitivity.explore(board, front, question),
        volume=fronts.front_volume(board, members, question.rule.reference if board.task else {}),
        remarks=(*stood_in, *board.remarks, *limits),
    )


def _across(boards: Sequence[Board], checks: Sequence[Checks], question: Question) -> TaskDecision:
    board = across.combine(boards, question)
    return judge(board, across.combine_checks(boards, checks, board.names), question)


def _without_each(
    boards: Sequence[Board], checks: Sequence[Checks], question: Question, whole: TaskDecision | None
) -> list[TaskLeftOut]:
    """Leave out each task in turn, and find whom the rule then favours across the others."""
    if whole is None or len(boards) < FEWEST_TO_LEAVE_ONE_OUT:
        return []
    usual = whole.recommendation.leader
    boards = [replace(board, draws=board.draws[:1]) for board in boards]  # a leader is found from what was observed
    out = []
    for index, board in enumerate(boards):
        others = [other for i, other in enumerate(boards) if i != index]
        leader = _leader_across(others, [c for i, c in enumerate(checks) if i != index], question)
        out.append(TaskLeftOut(board.task, leader, usual))
    return out


def _leader_across(boards: Sequence[Board], checks: Sequence[Checks], question: Question) -> str | None:
    """Find whom the rule favours across tasks by the observed values."""
    board = across.combine(boards, question)
    combined = across.combine_checks(boards, checks, board.names)
    rule = charged_rule(board, combined, question.rule)
    rows = stages.pickable(board, rule, fronts.admitted(board, combined))
    leader = stages.pick(rule, rows)
    return None if leader is None else board.names[leader]
