"""The cheapest measurement that would settle what the data leave open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from scipy.special import ndtri

from bench.catalogue.reasons import sentence_of
from bench.decision import effort
from bench.decision.board import Board
from bench.decision.constraints import Check
from bench.decision.rule import Stage
from bench.decision.stages import parting
from bench.stats.order import CLUSTERS_NEEDED, needed
from bench.stats.paired import POWER
from bench.summary import Quantity
from bench.summary.timings import DERIVATIONS

MOST = 10**7
"""More examples or requests than this nobody will run: the two are then said to be as good as equal."""
SURE = float(((ndtri(0.975) + ndtri(POWER)) / ndtri(0.975)) ** 2)
"""Times the examples at which the interval's end just touches the limit, so that it is free of it 4 times in 5."""


class How(Enum):
    """What a next step is."""

    MORE = "more"
    """More observations of what is measured already."""
    MISSING = "missing"
    """A reading that is missing."""
    METER = "meter"
    """A meter of the hardware, in place of an estimate."""


@dataclass(frozen=True, slots=True)
class Observations:
    """Further observations of one kind on one task."""

    task: str
    models: tuple[str, ...]
    column: str
    more: int
    """Further examples, requests, token gaps, batches or processes, on each of the models."""
    unit: str
    seconds: float | None
    """What that takes on all of the models together; None when unknown."""
    lacking: int = 0
    """Further examples that would be needed and that the data set does not have; `more` is then all that it has."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to measure next."""

    parts: tuple[Observations, ...]
    """The longest first; across tasks there may be several."""
    seconds: float | None
    """What it takes in all; None when unknown."""
    how: How = How.MORE
    reason: str | None = None
    """What the record says of a reading that is missing."""

    @property
    def first(self) -> Observations:
        """Return the longest part."""
        return self.parts[0]

    @property
    def is_possible(self) -> bool:
        """Whether the data set has as many examples as it takes."""
        return not any(part.lacking for part in self.parts)


def between(board: Board, rule: Sequence[Stage], row: int, others: Sequence[int], confidence: float) -> NextStep | None:
    """Plan what would show whether the rule prefers `row` to each of `others`; None when no sensible number would.

    The doubt that `confidence` leaves is shared among the others (Bonferroni): each pair may be clear where all of
    them together are not.
    """
    each = 1 - (1 - confidence) / max(1, len(others))
    needed_by_kind: dict[tuple[str, str], Observations] = {}
    for other in others:
        stage = parting(rule, row, other)
        measures = None if stage is None else _pair(board, stage, row, other, each)
        if not measures:
            return None
        for part in measures:
            key = (part.task, part.unit)
            before = needed_by_kind.get(key)
            needed_by_kind[key] = part if before is None else _joined(board, before, part)
    return _step(list(needed_by_kind.values()))


def _pair(board: Board, stage: Stage, row: int, other: int, confidence: float) -> list[Observations] | None:
    """Plan what would show which of two candidates a stage prefers."""
    gap = float(stage.scores[row] - stage.scores[other])
    sources = effort.sources(board, stage, row, other)
    if gap == 0 or not sources:
        return None
    z = float(ndtri(confidence) + ndtri(POWER))
    more = effort.further(sources, (gap / z) ** 2)
    if more is None or max(more) > MOST:
        return None
    models = (board.names[row], board.names[other])
    needs = [max(1, count) if len(sources) == 1 else count for count in more]
    return [
        _observations(board.part(s.task), Observations(s.task, models, s.column, count, s.unit, None), s.n, s.seconds)
        for s, count in zip(sources, needs, strict=True)
        if count > 0
    ]


def _observations(part: Board, wanted: Observations, n: int, each: float | None) -> Observations:
    """Cut what is wanted to the examples that the data set has, and price it.

    Args:
        part: board of the task.
        wanted: as many as it takes.
        n: observations so far.
        each: seconds of one more; None when unknown.
    """
    more = wanted.more
    if wanted.unit == "examples" and part.available is not None:
        more = min(more, max(0, part.available - n))
    return replace(wanted, more=more, lacking=wanted.more - more, seconds=None if each is None else each * more)


def _joined(board: Board, first: Observations, second: Observations) -> Observations:
    """Join two plans of the same kind: the larger number, on the models of both."""
    models = tuple(dict.fromkeys((*first.models, *second.models)))
    more = max(first.more, second.more)
    part = board.part(first.task)
    each = effort.seconds_each(part, [part.names.index(name) for name in models], first.unit)
    seconds = None if each is None else each * more
    return Observations(first.task, models, first.column, more, first.unit, seconds, max(first.lacking, second.lacking))


def for_limit(board: Board, row: int, check: Check) -> NextStep | None:
    """Plan what would show whether a candidate is within a limit that is open; None when nothing sensible would."""
    part, name = board.part(check.task), board.names[row]
    column = part.column(check.column.name)
    if column is None or name not in part.names:
        return None
    place = part.names.index(name)
    quantity = part.quantities[place][column]
    once = Observations(part.task, (name,), check.column.name, 1, "processes", None)
    if check.value is None:
        return NextStep((once,), None, How.MISSING, None if quantity is None else sentence_of(quantity.reason))
    if check.estimated:
        return NextStep((once,), None, How.METER)
    if quantity is None or quantity.n == 0:
        return None
    if check.bound is None and effort.unit_of(check.column.name, is_quality=check.column.is_quality) == "token gaps":
        return _step([Observations(part.task, (name,), check.column.name, CLUSTERS_NEEDED, "requests", None)])
    total = _enough(check, quantity)
    if total is None or total - quantity.n > MOST:
        return None
    more, unit = max(1, total - quantity.n), effort.unit_of(check.column.name, is_quality=check.column.is_quality)
    each = effort.seconds_each(part, [place], unit)
    wanted = Observations(part.task, (name,), check.column.name, more, unit, None)
    return _step([_observations(part, wanted, quantity.n, each)])


def _enough(check: Check, quantity: Quantity) -> int | None:
    """Count the observations in all at which the interval is likely to be clear of the limit; None for a value that is
    the limit. Where there is no interval though there are enough of them, they depend on one another by as much as
    nobody knows: then it takes as many again."""
    assert check.value is not None
    if check.bound is None:
        derivation = DERIVATIONS.get(check.column.name)
        least = needed(derivation.q) if derivation is not None and derivation.q is not None else 10
        return least if quantity.n < least else 2 * quantity.n
    room = abs(check.value - check.limit.value)
    if room == 0:
        return None
    width = abs(_end_towards(check, quantity) - check.value)
    return math.ceil(quantity.n * SURE * (width / room) ** 2)


def _end_towards(check: Check, quantity: Quantity) -> float:
    """Find the end of the interval on the limit's side: it is what must come free of the limit."""
    assert check.value is not None and check.bound is not None
    if check.limit.of_best:
        return check.bound
    end = quantity.ci_high if check.value < check.limit.value else quantity.ci_low
    return check.bound if end is None else end


def _step(observations: Sequence[Observations]) -> NextStep | None:
    """Make the step that does all of it."""
    if not observations:
        return None
    ordered = sorted(observations, key=lambda part: -(part.seconds or 0.0))
    times = [part.seconds for part in ordered if part.seconds is not None]
    return NextStep(tuple(ordered), sum(times) if len(times) == len(ordered) else None)


def cheapest(steps: Sequence[NextStep | None]) -> NextStep | None:
    """Choose the step that takes the least time; then those of unknown time, then what the data do not suffice for."""
    steps_known = [step for step in steps if step is not None]
    return min(
        steps_known,
        key=lambda s: (not s.is_possible, s.seconds is None, s.seconds or 0.0, s.first.more),
        default=None,
    )
