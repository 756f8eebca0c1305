"""What would change the answer, in words."""

from __future__ import annotations

from collections.abc import Sequence

from bench.decision.board import Board
from bench.decision.decision import TaskLeftOut
from bench.decision.sensitivity import BreakPoint, Sensitivity, WithoutObjective
from bench.words.limits import break_value
from bench.words.wording import listed, percent, spoken, where


def without_objective(change: WithoutObjective) -> str:
    """Say what leaving one objective out changes."""
    stays = "the choice stays" if change.usual else "still nobody is eligible"
    choice = stays if change.pick == change.usual else f"the choice would be {change.pick or 'nobody'}"
    lost = f", and {listed(change.lost)} would leave the front." if change.lost else "."
    return f"Without {spoken(change.objective)}, {choice}{lost}"


def without_task(change: TaskLeftOut) -> str:
    """Say what leaving one task out changes across tasks."""
    effect = f"the choice would be {change.leader}" if change.leader else "nobody would be eligible"
    if change.leader == change.usual:
        effect = "the choice stays" if change.usual else "there is still nobody eligible"
    return f"Without the task '{change.task}', across tasks {effect}."


def by_limit(points: Sequence[BreakPoint]) -> list[str]:
    """Say for each limit whom the rule favours as it rises."""
    lines = []
    for limit in dict.fromkeys(point.limit for point in points):
        own = [point for point in points if point.limit == limit]
        until, then = ("below", "from") if own[0].at_is_above else ("up to", "above")
        steps = [f"{_name(own[0].below)} {until} {break_value(own[0])}"]
        steps += [f"{_name(point.above)} {then} {break_value(point)}" for point in own]
        lines.append(
            f"As the limit {limit.label} moves, the rule favours {listed(steps)} "
            "(each counted by what it goes beyond with the chance that is taken)."
        )
    return lines


def _name(pick: str | None) -> str:
    return pick or "nobody"


def sentences(board: Board, sensitivity: Sensitivity) -> list[str]:
    """Say the break points, and the candidate that most priorities favour."""
    lines = by_limit(sensitivity.break_points)
    changing = [without_objective(without) for without in sensitivity.without if without.changes]
    lines += changing
    if sensitivity.without and not changing:
        lines.append(f"Leaving out any one objective changes neither the choice nor the front on {where(board)}.")
    if len(sensitivity.acceptability) > 1:
        name, shares = max(sensitivity.acceptability.items(), key=lambda item: item[1][0])
        lines.append(
            f"If the objectives of {where(board)} were weighted at random, {name} would come first in "
            f"{percent(shares[0])} of cases."
        )
    return lines
