"""Hard limits: who is within them for certain, who is not, and whom the data do not settle.

A candidate is feasible only when the end of its interval that is nearer to the limit is inside. A reading
that has no interval by its nature (a peak, one process) is taken as read; one whose n is too small for an
interval settles nothing. The bounds of an estimate are no 95 % interval: nothing is known of how likely the values
between them are. So a limit that lies between them is neither kept nor broken with any probability; the
recommendation looks at the worst case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.reasons import sentence_of
from bench.decision.board import Board, Column
from bench.decision.draws import is_estimate
from bench.decision.remarks import LimitInapplicable
from bench.suite.limits import Limit
from bench.summary import Quantity

Floats = NDArray[np.float64]
State = Literal["inside", "outside", "open"]
"""`open`: the data do not settle it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One candidate against one limit."""

    limit: Limit
    column: Column
    """The reading or metric that the limit names."""
    state: State
    value: float | None
    """None where the reading is missing."""
    bound: float | None = None
    """The value that must be within: the end of the interval, in the limit's scale (a ratio for `% of
    best`). None where there is no value, or there would be an interval with more observations."""
    slack: float | None = None
    """How far the bound is inside the limit, negative outside, in the same scale."""
    ends: tuple[float, float] | None = None
    """The interval in the same scale; both ends are the value where it has none by its nature."""
    reason: str | None = None
    """What the summary says of a reading without a value or an interval."""
    exact: bool = False
    """Whether the reading has no noise at all: it is counted."""
    holds: NDArray[np.bool_] | None = field(default=None, compare=False, repr=False)
    """In which replicates the limit holds, shape `(B,)`; None when nothing was measured. All of them, where the limit
    lies between the bounds of an estimate: it may hold in each."""
    estimated: bool = False
    """Whether the bound is that of an estimate."""
    task: str = ""
    """The task whose reading was judged."""


def check_all(board: Board, limits: Sequence[Limit]) -> tuple[tuple[Check, ...], ...]:
    """Check every candidate against every limit that applies to this task."""
    checks: list[list[Check]] = [[] for _ in board.names]
    for limit in limits:
        index = board.column(limit.name)
        if index is None:
            continue
        ratios = _ratios(board, index) if limit.of_best else None
        for row, own in enumerate(checks):
            if board.broken[row] is None:
                quantity = board.quantities[row][index]
                check = _check(board, row, index, limit, ratios)
                exact, holds = quantity is not None and quantity.exact, _holds(board, row, index, limit)
                if check.estimated and check.state == "open":
                    holds = np.ones(len(board.draws), dtype=np.bool_)
                own.append(replace(check, exact=exact, holds=holds, task=board.task))
    return tuple(tuple(own) for own in checks)


def _holds(board: Board, row: int, index: int, limit: Limit) -> NDArray[np.bool_] | None:
    """Find the replicates in which a candidate meets a limit; None when its reading is missing."""
    if np.isnan(board.values[row, index]):
        return None
    drawn, best = board.draws[:, row, index], best_row(board, index)
    if limit.of_best and best is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = drawn / board.draws[:, best, index]
    return limit.admitted(drawn)


def inapplicable(board: Board, limits: Sequence[Limit]) -> list[LimitInapplicable]:
    """List the limits that name something this task does not have."""
    return [LimitInapplicable(board.task, limit) for limit in limits if board.column(limit.name) is None]


def state_of(checks: Sequence[Check]) -> State:
    """Sum up checks: `outside` when any limit is broken for certain, else `open` when any is not settled, else
    `inside`."""
    states = {check.state for check in checks}
    return "outside" if "outside" in states else "open" if "open" in states else "inside"


def best_row(board: Board, index: int) -> int | None:
    """Find the candidate with the best value in a column; None when nobody has one."""
    values = board.oriented[:, index]
    return None if np.isnan(values).all() else int(np.nanargmax(values))


def _ratios(board: Board, index: int) -> Floats:
    """Compute value, low and high of each candidate's ratio to the best one, paired by replicate; shape `(M, 3)`."""
    best = best_row(board, index)
    if best is None:
        return np.full((len(board.names), 3), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = board.values[:, index] / board.values[best, index]
        drawn = board.draws[:, :, index] / board.draws[:, [best], index]
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return np.column_stack([values, low, high])


def _check(board: Board, row: int, index: int, limit: Limit, ratios: Floats | None) -> Check:
    column, quantity = board.columns[index], board.quantities[row][index]
    if quantity is None or quantity.value is None:
        return Check(limit, column, "open", None, reason=None if quantity is None else sentence_of(quantity.reason))
    value, low, high = (float(x) for x in ratios[row]) if ratios is not None else _ends(quantity)
    near, far = (high, low) if limit.is_upper else (low, high)
    if np.isnan(near):
        return Check(limit, column, "open", value, reason=sentence_of(quantity.reason))
    state: State = "inside" if limit.admits(near) else "outside" if not limit.admits(far) else "open"
    slack = (limit.value - near) if limit.is_upper else (near - limit.value)
    estimated = is_estimate(quantity) and low < high and not limit.of_best
    return Check(
        limit, column, state, value, near, slack, (low, high), sentence_of(quantity.reason), estimated=estimated
    )


def _ends(quantity: Quantity) -> tuple[float, float, float]:
    """Give value, low and high; both ends are NaN where there would be an interval with more observations, or on fewer
    resamples."""
    value = float("nan") if quantity.value is None else quantity.value
    if quantity.ci_low is not None and quantity.ci_high is not None:
        return value, quantity.ci_low, quantity.ci_high
    if quantity.reason is not None and quantity.reason.settles_nothing:
        return value, float("nan"), float("nan")
    return value, value, value
