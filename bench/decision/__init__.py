"""The decision: an honest front, a recommendation, and what would change it. Pure functions of entries and a
question.

    from bench.decision import Question, decide
    decision = decide(summarise(records), Question.of(suite))
    print("\\n".join(decision.sentences()))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.decision import across, cost, fronts, rules, sensitivity
from bench.decision.board import Board
from bench.decision.build import build
from bench.decision.case import Recommendation
from bench.decision.constraints import Check, check_all, inapplicable
from bench.decision.decision import Decision, TaskDecision, TaskLeftOut
from bench.decision.question import Question
from bench.decision.recommend import recommend
from bench.summary import Entry
from bench.words import advice

__all__ = ["Decision", "Question", "Recommendation", "TaskDecision", "decide"]


def decide(entries: Sequence[Entry], question: Question) -> Decision:
    """Returns the decision on a run; the same entries and question (with its seed) give the same decision.

    Args:
        entries: of all cells of the run, in the order in which candidates are to be listed.
        question: objectives, limits, rule, prices and weights.

    Raises:
        InputError: a rule lacks what it needs, or a quantity of the question cannot be read.
    """
    priced = [cost.priced(entry, question.prices) for entry in entries]
    tasks = list(dict.fromkeys(entry.cell.task for entry in priced))
    boards = [build(task, [e for e in priced if e.cell.task == task], question) for task in tasks]
    checks = [check_all(board, question.limits) for board in boards]
    whole = _across(boards, checks, question) if len(boards) > 1 else None
    return Decision(
        question=question,
        tasks={b.task: _judge(b, c, question) for b, c in zip(boards, checks, strict=True)},
        across=whole,
        without_task=tuple(_without_each(boards, checks, question, whole)),
        assumptions=tuple(cost.assumptions(question.prices)),
        entries=tuple(priced),
    )


def _judge(board: Board, checks: Sequence[Sequence[Check]], question: Question) -> TaskDecision:
    """Returns the decision on one board."""
    front = fronts.find(board, checks)
    members = [row for row, standing in enumerate(front.standings) if standing.on_observed_front]
    volume, remark = fronts.front_volume(board, members, question.rule.reference if board.task else {})
    limits = inapplicable(board, question.limits) if board.task else []
    return TaskDecision(
        task=board.task,
        board=board,
        front=front,
        recommendation=recommend(board, front, question),
        sensitivity=sensitivity.explore(board, front, question),
        volume=volume,
        volume_remark=remark,
        remarks=(*advice.rule(board, question.rule), *board.remarks, *limits),
    )


def _across(boards: Sequence[Board], checks: Sequence[Sequence[Sequence[Check]]], question: Question) -> TaskDecision:
    board = across.combine(boards, question)
    return _judge(board, across.combine_checks(boards, checks, board.names), question)


def _without_each(
    boards: Sequence[Board],
    checks: Sequence[Sequence[Sequence[Check]]],
    question: Question,
    whole: TaskDecision | None,
) -> list[TaskLeftOut]:
    """Returns what leaving out each task changes in the `whole`; only where at least two are left."""
    if whole is None or len(boards) < 3:
        return []
    usual = whole.recommendation.leader
    boards = [replace(board, draws=board.draws[:1]) for board in boards]  # a leader is found from what was observed
    out = []
    for index, board in enumerate(boards):
        rest = [other for i, other in enumerate(boards) if i != index]
        leader = _leader_across(rest, [c for i, c in enumerate(checks) if i != index], question)
        effect = f"the choice would be {leader}" if leader else "nobody would be eligible"
        if leader == usual:
            effect = "the choice stays" if usual else "there is still nobody eligible"
        out.append(TaskLeftOut(board.task, leader, f"Without the task '{board.task}', across tasks {effect}."))
    return out


def _leader_across(
    boards: Sequence[Board], checks: Sequence[Sequence[Sequence[Check]]], question: Question
) -> str | None:
    board = across.combine(boards, question)
    rule = rules.stages(board, question.rule)
    rows = rules.pickable(board, rule, fronts.admitted(board, across.combine_checks(boards, checks, board.names)))
    found = rules.pick(rule, rows)
    return None if found is None else board.names[found]
