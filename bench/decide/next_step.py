"""The cheapest measurement that would settle what the data leave open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from bench.decide.board import Board
from bench.decide.constraints import Check
from bench.decide.draws import is_estimate
from bench.decide.rules import Stage
from bench.decide.wording import duration, spoken
from bench.stats.bootstrap import robust_variance
from bench.stats.order import needed
from bench.stats.paired import POWER
from bench.summary import Quantity
from bench.summary.timings import DERIVATIONS

MOST = 10**7
"""More examples or requests than this nobody will run: the two are then said to be as good as equal."""


SURE = float(((norm.ppf(0.975) + norm.ppf(POWER)) / norm.ppf(0.975)) ** 2)
"""Times the examples at which the interval's end just touches the limit, so that it is free of it 4 times in 5."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to measure next."""

    models: tuple[str, ...]
    column: str
    more: int
    """Further examples, requests or processes, on each of the models."""
    unit: str
    seconds: float | None
    """What that takes on all of the models together; None when unknown."""
    sentence: str


def between(board: Board, stage: Stage, row: int, other: int, confidence: float) -> NextStep | None:
    """Returns what would show whether `row` beats `other` in a stage; None when no sensible number would."""
    gap = float(stage.scores[row] - stage.scores[other])
    gaps = stage.draws[:, row] - stage.draws[:, other]
    spread = robust_variance(gaps) ** 0.5 or float(np.std(gaps))  # a tail's draws have no variance to speak of
    if stage.column is None or gap == 0 or np.ptp(gaps) == 0 or not math.isfinite(spread):
        return None
    quantities = [board.quantities[r][stage.column] for r in (row, other)]
    n = min((q.n for q in quantities if q is not None), default=0)
    z = float(norm.ppf(confidence) + norm.ppf(POWER))
    return _step(board, stage.column, (row, other), n, math.ceil(n * (z * spread / abs(gap)) ** 2))


def for_limit(board: Board, row: int, check: Check) -> NextStep | None:
    """Returns what would show whether a candidate is within a limit that is still open; None when nothing
    sensible would."""
    column = board.column(check.column.name)
    if column is None:
        return None
    quantity = board.quantities[row][column]
    if check.value is None:
        return _first_reading(board, row, column)
    if quantity is None or quantity.n == 0:
        return None
    if check.bound is None:
        derivation = DERIVATIONS.get(check.column.name)
        wanted = needed(derivation.q) if derivation is not None and derivation.q is not None else 10
        return _step(board, column, (row,), quantity.n, wanted)
    if is_estimate(quantity):
        what = f"{spoken(check.column.name)} of {board.names[row]} with a meter of the hardware (it is an estimate)"
        return NextStep((board.names[row],), check.column.name, 1, "processes", None, what)
    room = abs(check.value - check.limit.value)
    if room == 0:
        return None
    width = abs(_end_towards(check, quantity) - check.value)
    return _step(board, column, (row,), quantity.n, math.ceil(quantity.n * SURE * (width / room) ** 2))


def _end_towards(check: Check, quantity: Quantity) -> float:
    """Returns the end of the interval on the limit's side: it is what must come free of the limit."""
    assert check.value is not None and check.bound is not None
    if check.limit.of_best:
        return check.bound
    end = quantity.ci_high if check.value < check.limit.value else quantity.ci_low
    return check.bound if end is None else end


def _first_reading(board: Board, row: int, column: int) -> NextStep:
    """Returns that a reading must be measured at all, with the reason why it is missing."""
    quantity, name = board.quantities[row][column], board.names[row]
    what = spoken(board.columns[column].name)
    why = f" (missing: {quantity.reason})" if quantity is not None and quantity.reason else ""
    return NextStep((name,), board.columns[column].name, 1, "processes", None, f"{what} of {name}{why}")


def _step(board: Board, column: int, rows: Sequence[int], n: int, total: int) -> NextStep | None:
    more = max(1, total - n)
    if more > MOST or n == 0:
        return None
    about = board.columns[column]
    if about.is_quality:
        unit = "examples"
    elif about.name.startswith("throughput"):
        unit = "batches"
    else:
        unit = "requests" if about.name in DERIVATIONS else "processes"
    seconds = _seconds(board, rows, more) if unit in ("examples", "requests") else None
    names = tuple(board.names[row] for row in rows)
    of = f"{' and '.join(names)} on each task" if not board.task else " and ".join(names)
    cost = "" if seconds is None else f" ({duration(seconds)} at batch size 1)"
    text = f"{more:,} more {unit} of {of} for {spoken(about.name)}{cost}"
    return NextStep(names, about.name, more, unit, seconds, text)


def _seconds(board: Board, rows: Sequence[int], more: int) -> float | None:
    if board.seconds is None:
        return None
    total = float(board.seconds[list(rows)].sum()) * more
    return total if math.isfinite(total) else None


def cheapest(steps: Sequence[NextStep | None]) -> NextStep | None:
    """Returns the step that takes the least time, those of unknown time last."""
    known = [step for step in steps if step is not None]
    return min(known, key=lambda s: (s.seconds is None, s.seconds or 0.0, s.more), default=None)
