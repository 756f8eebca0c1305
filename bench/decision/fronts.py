"""The front of a board, and for each candidate a label that the data support.

Labels:
    on the front       certain: no other candidate dominates it
    dominated by X     certain: X is no worse anywhere and better somewhere; the differences are given
    tied with X        no objective tells the two apart by more than the margins
    possibly           neither is certain
    infeasible         certainly beyond a limit
    unresolved         an objective is missing, or a limit is not settled by the data

A difference in a reading whose noise is not known, as in a timing of one process, is no proof of either.
Of the runs, at most 5 % contain a wrong "on the front", and at most 5 % a wrong "dominated by"
(`benchmarks/fronts.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.decision import evidence as ev
from bench.decision.board import Board, Missing
from bench.decision.constraints import Check, state_of
from bench.decision.pareto import hypervolume, nondominated, nondominated_stack
from bench.errors import InputError
from bench.suite.limits import parse_reference

Floats = NDArray[np.float64]
Label = Literal["on the front", "possibly", "tied", "dominated", "infeasible", "unresolved"]

APART = 0.05
"""Level at which an objective tells two candidates apart; not corrected, so that a tie is not claimed
lightly."""


@dataclass(frozen=True, slots=True)
class SetApart:
    """Values taken as read are all that keeps a candidate from being dominated."""

    columns: tuple[str, ...]
    other: str
    """By whom it would be dominated."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one candidate stands."""

    name: str
    label: Label
    other: str | None
    """X of "tied with X" and "dominated by X"."""
    on_observed_front: bool
    """Whether the values as observed put it on the front of those that were compared."""
    stability: float | None
    """Share of the replicates in which it is on the front; None when it was not compared."""
    checks: tuple[Check, ...]
    missing: Missing | None = None
    """What keeps it from being compared at all."""
    beaten_by: str | None = None
    """Of "possibly": who is as good or better in everything as observed, though that is not certain."""
    set_apart: SetApart | None = None
    """Of "possibly": what alone keeps it from being dominated for certain."""


class NoVolume(Enum):
    """Why a front has no hypervolume."""

    NO_REFERENCE = "no reference"
    """The suite fixes no reference point."""
    NO_COORDINATE = "no coordinate"
    """The reference point lacks an objective."""


@dataclass(frozen=True, slots=True)
class Volume:
    """The hypervolume of a front's members over the suite's reference point, each objective scaled."""

    value: float | None
    why_not: NoVolume | None = None
    objective: str = ""
    """The one that the reference point lacks."""


@dataclass(frozen=True, slots=True)
class Front:
    """The standings of one board."""

    standings: tuple[Standing, ...]
    feasible: tuple[int, ...]
    """Rows of the candidates that were compared: every objective known, every limit shown to hold."""
    relaxed: bool
    """Whether nobody is feasible, so that the candidates were compared without limits."""
    evidence: ev.Evidence | None

    @property
    def members(self) -> tuple[str, ...]:
        """List the names of those on the front as observed."""
        return tuple(standing.name for standing in self.standings if standing.on_observed_front)


def find(board: Board, checks: Sequence[Sequence[Check]]) -> Front:
    """Find the front among the feasible candidates; where nobody is feasible, among all that can be judged."""
    judged = [row for row in range(len(board.names)) if board.missing(row) is None]
    feasible = admitted(board, checks)
    rows = tuple(feasible or judged)
    outside = [_outside(board, row, checks[row]) for row in range(len(board.names))]
    if board.objectives == 0 or not rows:
        return Front(tuple(outside), (), True, None)
    evidence = ev.gather(board, rows)
    compared = dict(zip(rows, _compared(board, evidence, checks), strict=True))
    if not feasible:
        compared = {row: replace(s, label=_limited(s.checks, s.label)) for row, s in compared.items()}
    standings = tuple(compared.get(row, other) for row, other in enumerate(outside))
    return Front(standings, tuple(feasible), not feasible, evidence)


def admitted(board: Board, checks: Sequence[Sequence[Check]]) -> list[int]:
    """List the rows of the candidates that are compared: every objective known, every limit shown to hold."""
    rows = range(len(board.names))
    return [row for row in rows if board.missing(row) is None and state_of(checks[row]) == "inside"]


def _outside(board: Board, row: int, checks: Sequence[Check]) -> Standing:
    """Place a candidate that was not compared."""
    missing = board.missing(row)
    label: Label = "unresolved" if missing is not None else _limited(checks, "unresolved")
    return Standing(board.names[row], label, None, False, None, tuple(checks), missing)


def _limited(checks: Sequence[Check], label: Label) -> Label:
    """Give the label that the limits give; the one passed in where all limits hold."""
    state = state_of(checks)
    return label if state == "inside" else "infeasible" if state == "outside" else "unresolved"


def _compared(board: Board, evidence: ev.Evidence, checks: Sequence[Sequence[Check]]) -> list[Standing]:
    """Place each candidate that was compared."""
    rows, columns = evidence.rows, board.objectives
    on_front = nondominated(board.oriented[list(rows), :columns])
    stability = nondominated_stack(board.oriented_draws[:, list(rows), :columns]).mean(axis=0)
    proved, read = (ev.p_not_dominated(evidence, as_read=as_read) for as_read in (False, True))
    certain, as_read = (ev.certified(ev.p_on_front(p)) for p in (proved, read))
    dominators = ev.excluded(evidence)
    out: list[Standing] = []
    for place, row in enumerate(rows):
        on, share = bool(on_front[place]), float(stability[place])
        plain = Standing(board.names[row], "possibly", None, on, share, tuple(checks[row]))
        if place in dominators:
            out.append(replace(plain, label="dominated", other=board.names[rows[dominators[place]]]))
        elif certain[place]:
            out.append(replace(plain, label="on the front"))
        elif (twin := _twin(evidence, place, on_front)) is not None:
            out.append(replace(plain, label="tied", other=board.names[rows[twin]]))
        elif not on:
            out.append(replace(plain, beaten_by=_beaten(board, rows, place, read[place])))
        elif as_read[place]:
            out.append(replace(plain, set_apart=_set_apart(board, evidence, place, int(proved[place].argmax()))))
        else:
            out.append(plain)
    return out


def _beaten(board: Board, rows: Sequence[int], place: int, p: Floats) -> str:
    """Name the candidate that dominates this one as observed, though not for certain; the one with the largest `p`."""
    values = board.oriented[list(rows), : board.objectives]
    above = (values >= values[place]).all(axis=1) & (values > values[place]).any(axis=1)
    return board.names[rows[int(np.where(above, p, -1.0).argmax())]]


def _set_apart(board: Board, evidence: ev.Evidence, place: int, other: int) -> SetApart | None:
    """Find the values that are compared without noise and that alone keep a candidate from being dominated by `other`;
    None for none."""
    if evidence.unproved is None:
        return None
    alone = evidence.unproved.better[place, other] & (evidence.better[place, other] <= APART)
    columns = tuple(board.columns[c].name for c in np.flatnonzero(alone))
    return SetApart(columns, board.names[evidence.rows[other]]) if columns else None


def _twin(evidence: ev.Evidence, place: int, on_front: NDArray[np.bool_]) -> int | None:
    """Find the candidate that no objective tells apart from this one, the nearest; None when there is none."""
    apart = np.minimum(evidence.better[place], evidence.better[:, place])
    alike = (apart > APART).all(axis=1)
    alike[place] = False
    near = [(not bool(on_front[other]), -float(apart[other].sum()), int(other)) for other in np.flatnonzero(alike)]
    return min(near)[2] if near else None


def front_volume(board: Board, rows: Sequence[int], reference: Mapping[str, float | str]) -> Volume:
    """Compute the hypervolume of candidates over the suite's reference point.

    Each objective is scaled before: one where less is better by its reference, so that 0 gives 1; a metric by
    the room between its reference and its ceiling (1, or 100 for a score); a throughput by its reference. So
    fronts of different nights compare, and the volume has no unit.

    Raises:
        InputError: a coordinate of the reference point leaves no room.
    """
    if not reference:
        return Volume(None, NoVolume.NO_REFERENCE)
    columns = board.columns[: board.objectives]
    points = np.empty((len(rows), len(columns)))
    for c, column in enumerate(columns):
        coordinate = reference.get(column.asked, reference.get(column.name))
        if coordinate is None:
            return Volume(None, NoVolume.NO_COORDINATE, column.asked)
        at = parse_reference(column.asked, coordinate)
        room = _room(column.unit, at) if column.higher_is_better and column.is_quality else abs(at)
        if room <= 0:
            raise InputError(
                f"decision.reference.{column.asked}: {coordinate} leaves no room; give the worst acceptable value"
            )
        points[:, c] = column.sign * (board.values[list(rows), c] - at) / room
    return Volume(hypervolume(points, np.zeros(len(columns))))


def _room(unit: str, reference: float) -> float:
    return (1.0 if unit == "ratio" else 100.0) - reference
