"""The front of a board, and for each candidate a label that the data support.

Labels:
    on the front       certain: no other candidate dominates it (a difference in a reading whose noise is not known is
                       no proof of that)
    dominated by X     certain: X is no worse anywhere and better somewhere; the differences are given
    tied with X        no objective tells the two apart by more than the margins
    possibly           neither is certain
    infeasible         certainly beyond a limit
    unresolved         an objective is missing, or a limit is not settled by the data

Of the runs, at most 5 % contain a wrong "on the front", and at most 5 % a wrong "dominated by".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.decision import evidence as ev
from bench.decision.board import Board
from bench.decision.constraints import Check, state_of
from bench.decision.pareto import hypervolume, nondominated, nondominated_stack
from bench.errors import InputError
from bench.suite.limits import parse_reference
from bench.words.wording import differences, listed, percent, spoken

Floats = NDArray[np.float64]
Label = Literal["on the front", "possibly", "tied", "dominated", "infeasible", "unresolved"]

APART = 0.05
"""Level at which an objective tells two candidates apart; not corrected, so that a tie is not claimed
lightly."""


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
    sentence: str
    """The label with its reason, in words."""


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
        """Names of those on the front as observed."""
        return tuple(standing.name for standing in self.standings if standing.on_observed_front)


def find(board: Board, checks: Sequence[Sequence[Check]]) -> Front:
    """Returns the front among the feasible candidates; where nobody is feasible, among all that can be
    judged."""
    judged = [row for row in range(len(board.names)) if board.missing(row) is None]
    feasible = admitted(board, checks)
    rows = tuple(feasible or judged)
    if board.objectives == 0 or not rows:
        return Front(tuple(_outside(board, row, checks[row]) for row in range(len(board.names))), (), True, None)
    columns = board.objectives
    on_front = nondominated(board.oriented[list(rows), :columns])
    stability = nondominated_stack(board.oriented_draws[:, list(rows), :columns]).mean(axis=0)
    evidence = ev.gather(board, rows)
    labels = _labels(board, evidence, on_front, stability)
    standings = []
    for row in range(len(board.names)):
        if row not in rows:
            standings.append(_outside(board, row, checks[row]))
            continue
        place = rows.index(row)
        label, other, text = labels[place]
        if not feasible:
            label, text = _limited(checks[row], label, text)
        standings.append(
            Standing(
                board.names[row],
                label,
                other,
                bool(on_front[place]),
                float(stability[place]),
                tuple(checks[row]),
                text,
            )
        )
    return Front(tuple(standings), tuple(feasible), not feasible, evidence)


def admitted(board: Board, checks: Sequence[Sequence[Check]]) -> list[int]:
    """Returns the rows of the candidates that are compared: every objective known, every limit shown to hold."""
    rows = range(len(board.names))
    return [row for row in rows if board.missing(row) is None and state_of(checks[row]) == "inside"]


def _outside(board: Board, row: int, checks: Sequence[Check]) -> Standing:
    """Returns the standing of a candidate that was not compared."""
    why = board.missing(row)
    name = board.names[row]
    if why is not None:
        return Standing(name, "unresolved", None, False, None, tuple(checks), f"unresolved: {why}")
    label, text = _limited(checks, "unresolved", "unresolved: there is no objective to compare it by")
    return Standing(name, label, None, False, None, tuple(checks), text)


def _limited(checks: Sequence[Check], label: Label, text: str) -> tuple[Label, str]:
    """Returns the label and sentence that the limits give; those passed in where all limits hold."""
    state = state_of(checks)
    if state == "inside":
        return label, text
    reasons = listed([check.sentence for check in checks if check.state == state])
    return ("infeasible", f"infeasible: {reasons}") if state == "outside" else ("unresolved", f"unresolved: {reasons}")


def _labels(
    board: Board, evidence: ev.Evidence, on_front: NDArray[np.bool_], stability: Floats
) -> list[tuple[Label, str | None, str]]:
    """Returns label, X and sentence of each candidate that was compared."""
    rows = evidence.rows
    proved, read = (ev.p_not_dominated(evidence, as_read=as_read) for as_read in (False, True))
    certain, as_read = (ev.certified(ev.p_on_front(p)) for p in (proved, read))
    dominators = ev.excluded(evidence)
    out: list[tuple[Label, str | None, str]] = []
    for place, row in enumerate(rows):
        share = f"in {percent(float(stability[place]))} of resamples"
        if place in dominators:
            x = rows[dominators[place]]
            text = f"dominated by {board.names[x]}, which has {differences(board, x, row)}"
            out.append(("dominated", board.names[x], text))
        elif certain[place]:
            out.append(("on the front", None, f"on the front ({share}): no other candidate is as good in everything"))
        elif (twin := _twin(evidence, place, on_front)) is not None:
            x = rows[twin]
            text = f"tied with {board.names[x]}: the data tell them apart in no objective (on the front {share})"
            out.append(("tied", board.names[x], text))
        else:
            why = ""
            if not on_front[place]:
                why = _beaten(board, rows, place, read[place])
            elif as_read[place]:
                why = _set_apart(board, evidence, place, int(proved[place].argmax()))
            out.append(("possibly", None, f"possibly on the front ({share}){why}"))
    return out


def _beaten(board: Board, rows: Sequence[int], place: int, p: Floats) -> str:
    """Returns which candidate dominates this one as observed, though not for certain; the one with the largest `p`."""
    values = board.oriented[list(rows), : board.objectives]
    above = (values >= values[place]).all(axis=1) & (values > values[place]).any(axis=1)
    x = rows[int(np.where(above, p, -1.0).argmax())]
    return f": as observed {board.names[x]} is as good or better in everything, but that is not certain"


def _set_apart(board: Board, evidence: ev.Evidence, place: int, other: int) -> str:
    """Returns that only values taken as read keep a candidate from being dominated by `other`."""
    if evidence.as_read is None:
        return ""
    alone = evidence.as_read[place, other] & (evidence.better[place, other] <= APART)
    names = [spoken(board.columns[c].name) for c in np.flatnonzero(alone)]
    if not names:
        return ""
    apart = f"{listed(names)} {'set' if len(names) > 1 else 'sets'} it apart from {board.names[evidence.rows[other]]}"
    return f": only {apart} for certain, and how much {'these vary' if len(names) > 1 else 'that varies'} is not known"


def _twin(evidence: ev.Evidence, place: int, on_front: NDArray[np.bool_]) -> int | None:
    """Returns the candidate that no objective tells apart from this one, nearest first; None when there is
    none."""
    apart = np.minimum(evidence.better[place], evidence.better[:, place])
    alike = (apart > APART).all(axis=1)
    alike[place] = False
    near = [(not bool(on_front[other]), -float(apart[other].sum()), int(other)) for other in np.flatnonzero(alike)]
    return min(near)[2] if near else None


def front_volume(board: Board, rows: Sequence[int], reference: Mapping[str, float | str]) -> tuple[float | None, str]:
    """Returns the hypervolume of the given candidates over the suite's reference point, and a remark.

    Each objective is scaled before: one where less is better by its reference, so that 0 gives 1; a metric by
    the room between its reference and its ceiling (1, or 100 for a score); a throughput by its reference. So
    fronts of different nights compare, and the volume has no unit.
    """
    if not reference:
        return None, "no hypervolume: the suite fixes no reference point (decision.reference)"
    columns = board.columns[: board.objectives]
    points = np.empty((len(rows), len(columns)))
    for c, column in enumerate(columns):
        given = reference.get(column.asked, reference.get(column.name))
        if given is None:
            return None, f"no hypervolume: decision.reference has no {column.asked}"
        at = parse_reference(column.asked, given)
        room = _room(column.unit, at) if column.higher_is_better and column.is_quality else abs(at)
        if room <= 0:
            raise InputError(
                f"decision.reference.{column.asked}: {given} leaves no room; give the worst acceptable value"
            )
        points[:, c] = column.sign * (board.values[list(rows), c] - at) / room
    return hypervolume(
        points, np.zeros(len(columns))
    ), "hypervolume over the suite's reference point, each objective scaled"


def _room(unit: str, reference: float) -> float:
    return (1.0 if unit == "ratio" else 100.0) - reference
