"""Hard limits: who keeps them at the risk that the suite takes, who breaks them for certain, and whom the data do not
settle.

The draws by which candidates are compared judge limits too. A candidate keeps a limit when it breaks it in at most
`decision.risk` of the draws: when the value that a share of `risk` of them lies beyond is inside. It breaks it for
certain when even the far end of the 95 % interval is outside. A reading that has no interval by its nature (a peak, one
process) is taken as read; one whose n is too small for an interval settles nothing. The bounds of an estimate are no
95 % interval: nothing is known of how likely the values between them are. So a limit that lies between them is neither
kept nor broken with any probability; the recommendation looks at the worst case.
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
from bench.suite import DecisionSpec
from bench.suite.limits import Limit
from bench.summary import Quantity

Floats = NDArray[np.float64]
State = Literal["inside", "outside", "open"]
"""`open`: the data do not settle it."""

RISK = float(DecisionSpec.model_fields["risk"].default)
"""Chance of breaking a limit that is taken, where a suite says nothing."""
LEAST_OPEN = 0.025
"""Least chance of breaking a limit that lies inside the 95 % interval: that of what lies beyond one of its ends."""


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
    """The value that must be within: what the reading exceeds (for a limit from below: falls short of) with the chance
    that is taken, in the limit's scale (a ratio for `% of best`). None where there is no value, or there would be an
    interval with more observations."""
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
    within: bool = False
    """Whether the draws are those of the measured processes alone: how much another differs is not known."""
    task: str = ""
    """The task whose reading was judged."""
    risk: float = RISK
    """The chance of breaking the limit that is taken."""

    @property
    def breaks(self) -> float | None:
        """Give the chance that the candidate breaks the limit; None where nothing is known of it: a missing reading, an
        interval that needs more observations, a limit between the bounds of an estimate."""
        if self.holds is None or self.bound is None or (self.estimated and self.state == "open"):
            return None
        return self._least(1.0 - float(np.mean(self.holds)))

    def _least(self, share: float) -> float:
        """Keep a share from 0 where the limit lies inside the interval: there the draws do not reach as far. A chance
        that is taken is not exceeded by that."""
        if self.ends is None or self.ends[0] == self.ends[1]:
            return share
        crossed = not (self.limit.admits(self.ends[0]) and self.limit.admits(self.ends[1]))
        return max(share, min(LEAST_OPEN, self.risk)) if crossed else share


def chance_broken(checks: Sequence[Check]) -> float | None:
    """Compute the chance that a candidate breaks one of its limits at least; None where it is not known of one.

    Args:
        checks: of one candidate, over the same draws; without any the chance is 0.
    """
    chances = [check.breaks for check in checks]
    known = [chance for chance in chances if chance is not None]
    if len(known) < len(chances):
        return None
    kept: NDArray[np.bool_] | bool = True
    for check in checks:
        assert check.holds is not None  # else the chance is not known
        kept = kept & check.holds
    return max([1.0 - float(np.mean(kept)), *known], default=0.0)


def check_all(board: Board, limits: Sequence[Limit], risk: float = RISK) -> tuple[tuple[Check, ...], ...]:
    """Check every candidate against every limit that applies to this task.

    Args:
        board: the candidates.
        limits: of the suite.
        risk: the chance of breaking a limit that is taken.
    """
    checks: list[list[Check]] = [[] for _ in board.names]
    for limit in limits:
        index = board.column(limit.name)
        if index is None:
            continue
        ratios = _ratios(board, index, limit, risk) if limit.of_best else None
        for row, own in enumerate(checks):
            if board.broken[row] is None:
                quantity = board.quantities[row][index]
                check = _check(board, row, index, limit, ratios, risk)
                exact, holds = quantity is not None and quantity.exact, _holds(board, row, index, limit)
                if check.estimated and check.state == "open":
                    holds = np.ones(len(board.draws), dtype=np.bool_)
                within = quantity is not None and quantity.reason is not None and quantity.reason.knows_no_other_process
                own.append(replace(check, exact=exact, holds=holds, within=within, task=board.task))
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
    """Find the candidate with the best value in a column; None when nobody has one that can be judged."""
    judged = np.array([missing is None for missing in board.broken], dtype=np.bool_)
    values = np.where(judged, board.oriented[:, index], np.nan)
    return None if np.isnan(values).all() else int(np.nanargmax(values))


def _ratios(board: Board, index: int, limit: Limit, risk: float) -> Floats:
    """Compute value, low, high and bound of each candidate's ratio to the best one, paired by replicate; shape
    `(M, 4)`."""
    best = best_row(board, index)
    if best is None:
        return np.full((len(board.names), 4), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = board.values[:, index] / board.values[best, index]
        drawn = board.draws[:, :, index] / board.draws[:, [best], index]
        low, high, bound = np.quantile(drawn, [0.025, 0.975, _level(limit, risk)], axis=0)
    return np.column_stack([values, low, high, bound])


def _level(limit: Limit, risk: float) -> float:
    """Give the share of the draws below the value that must be within."""
    return 1.0 - risk if limit.is_upper else risk


def _check(board: Board, row: int, index: int, limit: Limit, ratios: Floats | None, risk: float) -> Check:
    column, quantity = board.columns[index], board.quantities[row][index]
    if quantity is None or quantity.value is None:
        reason = None if quantity is None else sentence_of(quantity.reason)
        return Check(limit, column, "open", None, reason=reason, risk=risk)
    if ratios is not None:
        value, low, high, bound = (float(x) for x in ratios[row])
    else:
        value, low, high = _ends(quantity)
        bound = _bound(board.draws[:, row, index], quantity, limit, (low, high), risk)
    if np.isnan(bound) or np.isnan(low) or np.isnan(high):
        return Check(limit, column, "open", value, reason=sentence_of(quantity.reason), risk=risk)
    far = low if limit.is_upper else high
    state: State = "inside" if limit.admits(bound) else "outside" if not limit.admits(far) else "open"
    return Check(
        limit,
        column,
        state,
        value,
        bound,
        (limit.value - bound) if limit.is_upper else (bound - limit.value),
        (low, high),
        sentence_of(quantity.reason),
        estimated=is_estimate(quantity) and low < high and not limit.of_best,
        risk=risk,
    )


def _bound(drawn: Floats, quantity: Quantity, limit: Limit, ends: tuple[float, float], risk: float) -> float:
    """Find the value that must be within: of the draws, where they vary; else the interval's end, which draws of a
    sample that is all alike do not reach, and which is the bound of an estimate."""
    end = ends[1] if limit.is_upper else ends[0]
    if np.isnan(end) or is_estimate(quantity) or not np.ptp(drawn) > 0:
        return end
    return float(np.quantile(drawn, _level(limit, risk)))


def _ends(quantity: Quantity) -> tuple[float, float, float]:
    """Give value, low and high; both ends are NaN where there would be an interval with more observations, or on fewer
    resamples."""
    value = float("nan") if quantity.value is None else quantity.value
    if quantity.ci_low is not None and quantity.ci_high is not None:
        return value, quantity.ci_low, quantity.ci_high
    if quantity.reason is not None and quantity.reason.settles_nothing:
        return value, float("nan"), float("nan")
    return value, value, value
