"""The decision of one task in the form that charts and tables read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.decision import Decision, TaskDecision
from bench.decision.board import Board
from bench.decision.fronts import Standing
from bench.decision.question import Question
from bench.decision.sensitivity import BreakPoint
from bench.suite.limits import Limit
from bench.words import recommendation
from bench.words.decision import remarks
from bench.words.limits import break_point
from bench.words.recommendation import Sentence
from bench.words.sensitivity import without_objective


@dataclass(frozen=True, slots=True)
class Bound:
    """A hard limit of the suite, as it applies to one task."""

    name: str
    """As the suite calls it."""
    reading: str
    """The metric or reading that it means on this task."""
    value: float
    """In the base unit; of a limit relative to the best, what it comes to."""
    upper: bool
    text: str
    of_best: bool = False
    """Whether the suite states it as a share of the best candidate's value."""

    @property
    def key(self) -> str:
        """Name the limit as break points do."""
        return f"{self.name} {self.text}"


@dataclass(frozen=True, slots=True)
class TaskAdvice:
    """What was decided for one task."""

    task: str
    pick: str | None = None
    leader: str | None = None
    runner_up: str | None = None
    confidence: float | None = None
    needed: float = 0.8
    """Confidence that a pick needs."""
    front: frozenset[str] = frozenset()
    """On the front as observed."""
    limits: tuple[Bound, ...] = ()
    standings: Mapping[str, Standing] = field(default_factory=dict)
    sentences: tuple[Sentence, ...] = ()
    """Of the recommendation: the headline first."""
    changes: tuple[str, ...] = ()
    """What would change the answer."""
    remarks: tuple[str, ...] = ()
    decision: TaskDecision | None = None
    """All of it: replicates, break points, acceptability."""


def advice_of(decision: Decision) -> dict[str, TaskAdvice]:
    """Gather the advice of each task."""
    return {name: _advice(part, decision.question) for name, part in decision.tasks.items()}


def overall_of(decision: Decision) -> TaskAdvice | None:
    """Gather the advice over all tasks together; None when there is one task."""
    return None if decision.across is None else _advice(decision.across, decision.question)


def _advice(part: TaskDecision, question: Question) -> TaskAdvice:
    advice, sensitivity = part.recommendation, part.sensitivity
    limits = tuple(b for limit in question.limits if (b := _bound(part.board, limit)) is not None)
    return TaskAdvice(
        task=part.task,
        pick=advice.pick,
        leader=advice.leader,
        runner_up=advice.runner_up,
        confidence=advice.confidence,
        needed=question.rule.confidence,
        front=frozenset(part.front.members),
        limits=limits,
        standings={standing.name: standing for standing in part.standings},
        sentences=tuple(recommendation.sentences(part)),
        changes=tuple(break_point(p) for p in nearest_first(sensitivity.break_points, limits))
        + tuple(without_objective(w) for w in sensitivity.without if w.changes),
        remarks=tuple(without_objective(w) for w in sensitivity.without if not w.changes) + tuple(remarks(part)),
        decision=part,
    )


def nearest_first(points: Sequence[BreakPoint], limits: Sequence[Bound]) -> list[BreakPoint]:
    """Sort the break points by their distance to the limit as it is, by ratio: a change meets the nearest first."""
    value = {bound.key: bound.value for bound in limits}

    def distance(point: BreakPoint) -> float:
        limit = value.get(point.limit.label)
        return abs(math.log(point.at / limit)) if limit and limit > 0 and point.at > 0 else math.inf

    return sorted(points, key=distance)


def _bound(board: Board, limit: Limit) -> Bound | None:
    index = board.column(limit.name)
    if index is None:
        return None
    value = limit.value
    if limit.of_best:
        values = board.oriented[:, index]
        if np.isnan(values).all():
            return None
        value *= float(board.values[int(np.nanargmax(values)), index])
    return Bound(limit.name, board.columns[index].name, value, limit.is_upper, limit.text, limit.of_best)
