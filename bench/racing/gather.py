"""From the entries of a task to a look: what each candidate has answered so far, and what is known of its costs.

Costs and limits are taken over from the decision's own board, so that a race and the decision at its end mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.candidates import is_floor
from bench.decision import cost
from bench.decision.board import Board, Column
from bench.decision.build import build
from bench.decision.constraints import Check, chance_broken, check_all, state_of
from bench.decision.question import Question
from bench.decision.stand_ins import with_stand_ins
from bench.digest import content_hash
from bench.metrics.base import Metric
from bench.racing.order import Order
from bench.racing.state import Contestant, LimitState, Look, Out, Race, RacedColumn
from bench.summary import Entry

Floats = NDArray[np.float64]

UNKNOWN = 0.5
"""Chance of keeping a limit of which nothing is known."""


def gather(
    task: str,
    entries: Sequence[Entry],
    question: Question,
    race: Race,
    order: Order,
    out: Sequence[Out] = (),
) -> Look:
    """Put together what is known of a task.

    Args:
        task: its name.
        entries: of its cells, those of candidates that are out included.
        question: what the suite asks.
        race: how the run is raced.
        order: of the task's examples; answers that do not continue it from its start are left out.
        out: who was out after the last look (`Verdict.out`), and stays so.
    """
    ordered = sorted(entries, key=lambda entry: entry.candidate)  # a run that goes on finds them in another order
    priced = [cost.priced(entry, question.prices) for entry in ordered]
    question, _ = with_stand_ins(question, priced)
    board = build(task, priced, question)
    checks = check_all(board, question.limits, question.rule.risk)
    rank = {position: place for place, position in enumerate(order.positions)}
    columns = tuple(_column(board, place, priced, race) for place in range(len(board.columns)))
    return Look(
        task=task,
        race=race,
        spec=question.rule,
        columns=columns,
        objectives=board.objectives,
        ends=order.ends,
        contestants=tuple(_contestant(entry, board, row, checks[row], rank) for row, entry in enumerate(priced)),
        order=order.digest,
        out=tuple(out),
    )


def _column(board: Board, place: int, entries: Sequence[Entry], race: Race) -> RacedColumn:
    """Describe a column: with its metric and what does not matter of it, where it is one of quality."""
    column = board.columns[place]
    metric = next((entry.metrics[column.name] for entry in entries if column.name in entry.metrics), None)
    if metric is None or not column.is_quality:
        return RacedColumn(column)
    known = board.oriented[:, place][~np.isnan(board.values[:, place])]
    best = float(abs(known.max())) if known.size else 0.0
    return RacedColumn(column, margin_of(metric, race.margin, best), metric)


def margin_of(metric: Metric, points: float, best: float) -> float:
    """Compute a margin in the metric's unit from points; for a metric without points, from percent of the best value.

    >>> from bench.metrics.accuracy import Accuracy
    >>> margin_of(Accuracy(), 0.5, 0.9)
    0.005
    """
    return points * (0.01 * best if metric.point is None else metric.point)


def _contestant(entry: Entry, board: Board, row: int, checks: Sequence[Check], rank: Mapping[int, int]) -> Contestant:
    """Describe a candidate."""
    ranks = [rank.get(sample.index, len(rank)) for sample in entry.samples]
    rows = [int(place) for place in np.argsort(ranks, kind="stable")]
    while rows and ranks[rows[-1]] != len(rows) - 1:  # an answer before it is missing
        rows.pop()
    qualities = [column.name for column in board.columns if column.name in entry.statistics]
    missing = board.broken[row]
    return Contestant(
        name=entry.candidate,
        answered=len(rows),
        values={c.name: float(v) for c, v in zip(board.columns, board.values[row], strict=True) if _is_cost(c, v)},
        statistics={name: np.asarray(entry.statistics[name], dtype=np.float64)[rows] for name in qualities},
        limits=tuple(_limit(check) for check in checks),
        kept=_kept(checks),
        all_kept=1.0 - (chance_broken(checks) or 0.0),
        broken=None if missing is None else (missing.reason or missing.kind.value),
        is_baseline=is_floor(entry.cell.family),
        answers=content_hash([_answer(entry, place) for place in rows]),
    )


def _is_cost(column: Column, value: float) -> bool:
    return not column.is_quality and not np.isnan(value)


def _answer(entry: Entry, place: int) -> list[object]:
    """List what a candidate answered to one example."""
    sample = entry.samples[place]
    scores = None if sample.scores is None else list(sample.scores)
    return [sample.example_id, sample.prediction, scores, sample.nll]


def _limit(check: Check) -> LimitState:
    """Describe what is known of a limit."""
    kept = UNKNOWN if check.holds is None else float(np.mean(check.holds))
    return LimitState(check.limit.label, check.column.name, check.state, kept, check.column.is_quality)


def _kept(checks: Sequence[Check]) -> float:
    """Compute the chance that all limits are kept; those that are shown to be count as kept."""
    if state_of(checks) == "inside":
        return 1.0
    joint: NDArray[np.bool_] | bool = True
    unknown = 1.0
    for check in checks:
        if check.holds is None:
            unknown = UNKNOWN
        elif check.state != "inside":
            joint = joint & check.holds
    return unknown * float(np.mean(joint))
