"""One board for all tasks together: quality averaged by the suite's weights, cost summed or at its worst.

Scores of different metrics have no common unit. So each task's quality is taken as a share of the best
candidate's on that task, and these shares are averaged. Only candidates that finished every task can be
compared. Of a best score that is not above 0 there are no shares: such a task says nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.decision.board import Board, Column, Doubted, Missing, TaskColumn
from bench.decision.constraints import Check, best_row
from bench.decision.question import Question
from bench.decision.remarks import CostLeftOut, CostsCombined, MetricsLeftOut, NoShares, QualityAveraged, Remark
from bench.suite.limits import QUALITY, parse_margin
from bench.summary import Quantity

Floats = NDArray[np.float64]

MOST_SHARE = 10.0
"""Share of the best that a resample is given at most: an error of 0 would make it infinite, and an average with it."""
SUMMABLE = frozenset({"s", "J", "currency", "gCO2", "FLOP"})
"""Units that add up over tasks; memory and throughput do not, and are always taken at their worst."""


@dataclass(frozen=True, slots=True)
class _Combined:
    """One column combined across tasks."""

    values: Floats
    """Shape `(M,)`."""
    parts: list[TaskColumn]
    draws: Floats
    """Shape `(B, M)`."""


def combine(boards: Sequence[Board], question: Question) -> Board:
    """Build the board over all tasks; its task name is empty."""
    names = tuple(dict.fromkeys(name for board in boards for name in board.names))
    columns: list[Column] = []
    combined: list[_Combined] = []
    remarks: list[Remark] = []
    quality = _quality(boards, names, question)
    if quality is not None:
        columns.append(Column(QUALITY, "share_of_best", "ratio", True, _margin(question)))
        combined.append(quality)
        weights = [(board.task, _weight(board, question)) for board in boards if _without_shares(board) is None]
        remarks.append(QualityAveraged(tuple(weights)))
    remarks += [NoShares(board.task, metric) for board in boards if (metric := _without_shares(board)) is not None]
    shared = _shared(boards)
    costs: dict[str, list[str]] = {}
    for column in shared:
        how = question.rule.cost_across_tasks if column.unit in SUMMABLE else "worst"
        combined.append(_cost(boards, names, column, how, len(columns)))
        columns.append(column)
        costs.setdefault(how, []).append(column.name)
    remarks += [CostsCombined(tuple(columns_of), how == "sum") for how, columns_of in costs.items()]
    remarks += _left_out(boards, shared)
    table = np.column_stack([column.values for column in combined]) if combined else np.empty((len(names), 0))
    stack = np.stack([column.draws for column in combined], axis=2) if combined else _no_draws(question, names)
    return Board(
        task="",
        names=names,
        columns=tuple(columns),
        objectives=len(columns),
        quantities=_quantities(columns, table, stack, [_least_n(boards, name) for name in names]),
        values=table,
        draws=np.where(np.isnan(table), np.nan, stack),
        tests={},
        broken=tuple(_broken(boards, name) for name in names),
        remarks=tuple(remarks),
        baselines=tuple(any(board.is_baseline(name) for board in boards) for name in names),
        doubts=tuple(_doubts(boards, name) for name in names),
        unknown=_unknown(names, combined),
        parts=tuple(part for column in combined for part in column.parts) or _bare(boards),
    )


def _doubts(boards: Sequence[Board], name: str) -> tuple[Doubted, ...]:
    """Join the doubts about a candidate on all tasks, with the columns of the tasks that they touch."""
    touched: dict[str, list[str]] = {}
    for board in boards:
        for doubt in board.doubts_of(name):
            touched.setdefault(doubt.code, []).extend(doubt.columns)
    return tuple(Doubted(code, tuple(dict.fromkeys(columns))) for code, columns in touched.items())


def _unknown(names: Sequence[str], combined: Sequence[_Combined]) -> Floats:
    """Add up how far the parts of each value may be off beyond what their draws show, shape `(M, C)`."""
    unknown = np.zeros((len(names), len(combined)))
    for c, column in enumerate(combined):
        for part in column.parts:
            own = part.board.unknown
            for m, name in enumerate(names):
                counts = bool((part.draws[:, m] != 0).any())
                if own is not None and counts and name in part.board.names:
                    unknown[m, c] += own[part.board.names.index(name), part.source]
    return unknown


def _no_draws(question: Question, names: Sequence[str]) -> Floats:
    return np.empty((question.rule.replicates, len(names), 0))


def _bare(boards: Sequence[Board]) -> tuple[TaskColumn, ...]:
    """Make parts that add to no column, so that the boards of the tasks can be looked up."""
    return tuple(TaskColumn(-1, board, 0, np.empty((0, 0))) for board in boards)


def _left_out(boards: Sequence[Board], shared: Sequence[Column]) -> list[Remark]:
    """List the objectives that some task has and another lacks, and the metrics after the first."""
    tasks: dict[str, list[str]] = {}
    for board in boards:
        for column in board.columns[: board.objectives]:
            if not column.is_quality and column.name not in [c.name for c in shared]:
                tasks.setdefault(column.name, []).append(board.task)
    remarks: list[Remark] = [CostLeftOut(name, tuple(having)) for name, having in tasks.items()]
    for board in boards:
        metrics = [column.name for column in board.columns[: board.objectives] if column.is_quality]
        if len(metrics) > 1:
            remarks.append(MetricsLeftOut(board.task, metrics[0], tuple(metrics[1:])))
    return remarks


def _least_n(boards: Sequence[Board], name: str) -> int:
    """Count the fewest observations behind a candidate's first objective on any task."""
    quantities = [
        board.quantities[board.names.index(name)][0] for board in boards if name in board.names and board.objectives
    ]
    return min((quantity.n for quantity in quantities if quantity is not None), default=0)


def _margin(question: Question) -> float:
    return parse_margin(QUALITY, question.rule.margins.get(QUALITY, 0.0))[0]


def _weight(board: Board, question: Question) -> float:
    return question.weights.get(board.task, 1.0)


def _broken(boards: Sequence[Board], name: str) -> Missing | None:
    """Tell why a candidate has no place on the board across tasks; the first reason."""
    return next((missing for board in boards if (missing := board.missing_on(name)) is not None), None)


def _take(board: Board, names: Sequence[str], index: int) -> tuple[Floats, Floats]:
    """Take a column's values and replicates in the order of `names`; NaN for one that the board lacks."""
    values = np.full(len(names), np.nan)
    draws = np.full((len(board.draws), len(names)), np.nan)
    for place, name in enumerate(names):
        if name in board.names:
            row = board.names.index(name)
            values[place], draws[:, place] = board.values[row, index], board.draws[:, row, index]
    return values, draws


def _quality(boards: Sequence[Board], names: Sequence[str], question: Question) -> _Combined | None:
    """Compute the weighted mean share of the best; None when no task has a quality objective."""
    shares: list[tuple[float, Board, int, Floats, Floats]] = []
    for board in boards:
        index, weight = _first_quality(board), _weight(board, question)
        best = None if index is None else best_row(board, index)
        if index is None or best is None or weight == 0 or _without_shares(board) is not None:
            continue
        point, drawn = _take(board, names, index)
        top, column = float(board.values[best, index]), board.columns[index]
        shares.append((weight, board, index, _share(column, point, top), _share(column, drawn, top)))
    total = sum(weight for weight, *_ in shares)
    if total == 0:
        return None
    values = np.sum([weight / total * point for weight, _, _, point, _ in shares], axis=0)
    parts = [TaskColumn(0, board, index, weight / total * drawn) for weight, board, index, _, drawn in shares]
    return _Combined(values, parts, np.sum([part.draws for part in parts], axis=0))


def _first_quality(board: Board) -> int | None:
    """Find the metric by which a task counts; None where it has no quality objective."""
    return next((c for c in range(board.objectives) if board.columns[c].is_quality), None)


def _without_shares(board: Board) -> str | None:
    """Name the metric of a task whose best score is one of which nothing is a share: 0, such as that of models none of
    which answers anything right, or below."""
    index = _first_quality(board)
    best = None if index is None else best_row(board, index)
    if index is None or best is None or board.values[best, index] > 0:
        return None
    return board.columns[index].name


def _share(column: Column, values: Floats, best: float) -> Floats:
    """Compute values as a share of the best, which is above 0; 1 is as good."""
    if column.higher_is_better:
        return np.asarray(values / best, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(np.minimum(best / values, MOST_SHARE), dtype=np.float64)


def _shared(boards: Sequence[Board]) -> list[Column]:
    """List the efficiency objectives that every task has."""
    first = [column for column in boards[0].columns[: boards[0].objectives] if not column.is_quality] if boards else []
    return [c for c in first if all(c.name in [k.name for k in b.columns[: b.objectives]] for b in boards)]


def _cost(boards: Sequence[Board], names: Sequence[str], column: Column, how: str, at: int) -> _Combined:
    """Combine a cost over all tasks, summed or at its worst, as column `at`."""
    columns = [(board, c, *_take(board, names, c)) for board in boards if (c := board.column(column.name)) is not None]
    values, draws = np.stack([point for _, _, point, _ in columns]), np.stack([drawn for *_, drawn in columns])
    if how == "sum":
        parts = [TaskColumn(at, board, c, drawn) for board, c, _, drawn in columns]
        return _Combined(values.sum(axis=0), parts, draws.sum(axis=0))
    worst = np.min if column.higher_is_better else np.max
    value = worst(values, axis=0)
    parts = [TaskColumn(at, board, c, np.where(point == value, drawn, 0.0)) for board, c, point, drawn in columns]
    return _Combined(value, parts, worst(draws, axis=0))


def _quantities(
    columns: Sequence[Column], values: Floats, draws: Floats, counts: Sequence[int]
) -> tuple[tuple[Quantity | None, ...], ...]:
    """Make the quantities of each candidate, with percentile intervals of its replicates."""
    ends = np.quantile(draws, [0.025, 0.975], axis=0) if draws.size else np.full((2, *values.shape), np.nan)
    return tuple(
        tuple(_quantity(column, values[m, c], ends[:, m, c], n) for c, column in enumerate(columns))
        for m, n in enumerate(counts)
    )


def _quantity(column: Column, value: float, ends: Floats, n: int) -> Quantity | None:
    if np.isnan(value):
        return None
    low, high = map(float, ends)
    return Quantity(float(value), low, high, n, column.unit, "all tasks", column.higher_is_better)


def combine_checks(
    boards: Sequence[Board], checks: Sequence[Sequence[Sequence[Check]]], names: Sequence[str]
) -> tuple[tuple[Check, ...], ...]:
    """Choose for each candidate, per limit, the check of the task on which it fares worst."""
    return tuple(_worst(boards, checks, name) for name in names)


def _worst(boards: Sequence[Board], checks: Sequence[Sequence[Sequence[Check]]], name: str) -> tuple[Check, ...]:
    worst: dict[tuple[str, str], Check] = {}
    for board, per_row in zip(boards, checks, strict=True):
        if name not in board.names:
            continue
        for check in per_row[board.names.index(name)]:
            key = (check.limit.name, check.limit.text)
            before = worst.get(key)
            worse = check if before is None or _severity(check) > _severity(before) else before
            worst[key] = check if before is None else replace(worse, holds=_both(check.holds, before.holds))
    return tuple(worst.values())


def _both(a: NDArray[np.bool_] | None, b: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Find in which replicates a limit holds on both tasks; None when it is unknown on one."""
    return None if a is None or b is None else a & b


def _severity(check: Check) -> tuple[int, float]:
    rank = {"inside": 0, "open": 1, "outside": 2}[check.state]
    return rank, float("inf") if check.slack is None else -check.slack
