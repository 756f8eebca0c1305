"""Where a candidate stands on a front, and what keeps it from one, in words."""

from __future__ import annotations

from bench.decision.board import Absence, Board, Missing
from bench.decision.constraints import State
from bench.decision.fronts import Standing
from bench.words import limits
from bench.words.wording import differences, listed, percent, spoken


def missing(absent: Missing) -> str:
    """Say why a candidate cannot be placed on a front."""
    if absent.kind is Absence.NOT_RUN:
        return f"it was not run on '{absent.task}'"
    place = f"on '{absent.task}', " if absent.task else ""
    if absent.kind is Absence.BARRED:
        return f"{place}a doubt bars it from being picked ({absent.reason})"
    if absent.kind is Absence.UNSUPPORTED:
        return f"{place}it cannot do this task ({absent.reason})"
    if absent.kind is Absence.ENDED:
        return f"{place}its cell is {absent.status}: {absent.reason}"
    return f"{place}{absent.column} is missing: {absent.reason or 'not measured'}"


PLACES = {
    "on": "on the front of all {n} examples by the race",
    "off": "off the front of all {n} examples by the race: {other} is no dearer, and as good or better",
    "tie": "on or off the front of all {n} examples by less than the margin, by the race, beside {other}",
    "open": "the race left its place open",
}
"""What a race until the front is settled says of a candidate."""
PLACES_IN_SHORT = {"on": "on the front", "off": "off the front", "tie": "a tie"}
RACED = ("possibly", "tied")
"""Labels beside which the race says more: it knows these examples and costs, and the label is of any."""


def standing(board: Board, placed: Standing) -> str:
    """Say where a candidate stands and why, without its name.

    Args:
        board: on which it stands.
        placed: its standing.
    """
    raced = board.raced[board.names.index(placed.name)] if board.raced else None
    if raced is None or raced.place is None:
        return _standing(board, placed)
    place = PLACES[raced.place.membership].format(n=f"{raced.total:,}", other=raced.place.other)
    if raced.place.membership == "open" or placed.label not in RACED or placed.stability is None:
        return f"{_standing(board, placed)}; {place}"
    return f"{place} (other examples may place it elsewhere: on the front in {percent(placed.stability)} of resamples)"


def place_in_short(board: Board, placed: Standing) -> str:
    """Say in a few words where the race placed a candidate; empty where it did not, or where more is certain."""
    raced = board.raced[board.names.index(placed.name)] if board.raced else None
    if raced is None or raced.place is None or placed.label not in RACED:
        return ""
    return PLACES_IN_SHORT.get(raced.place.membership, "")


def _standing(board: Board, placed: Standing) -> str:
    """Say where the decision puts a candidate, and why."""
    row = board.names.index(placed.name)
    share = "" if placed.stability is None else f"in {percent(placed.stability)} of resamples"
    if placed.missing is not None and placed.missing.kind is Absence.BARRED:
        on = f" by a doubt on '{placed.missing.task}'" if placed.missing.task else ""
        return f"barred from being picked{on}: {placed.missing.reason}"
    if placed.missing is not None:
        return f"unresolved: {missing(placed.missing)}"
    if placed.label == "infeasible":
        return f"infeasible: {_reasons(board, placed, 'outside')}"
    if placed.label == "unresolved":
        return f"unresolved: {_reasons(board, placed, 'open') or 'there is no objective to compare it by'}"
    if placed.label == "dominated":
        return f"dominated by {placed.other}, which has {differences(board, _row(board, placed.other), row)}"
    if placed.label == "on the front":
        return f"on the front ({share}): no other candidate is as good in everything"
    if placed.label == "tied":
        return f"tied with {placed.other}: the data tell them apart in no objective (on the front {share})"
    return f"possibly on the front ({share}){_against(placed)}"


def _row(board: Board, name: str | None) -> int:
    assert name is not None
    return board.names.index(name)


def _reasons(board: Board, placed: Standing, state: State) -> str:
    return listed([limits.check(c, across=not board.task) for c in placed.checks if c.state == state])


def _against(placed: Standing) -> str:
    """Say why a possible member is not a certain one."""
    if placed.beaten_by is not None:
        return f": as observed {placed.beaten_by} is as good or better in everything, but that is not certain"
    if placed.set_apart is None:
        return ""
    names = [spoken(column) for column in placed.set_apart.columns]
    several = len(names) > 1
    apart = f"{listed(names)} {'set' if several else 'sets'} it apart from {placed.set_apart.other}"
    return f": only {apart} for certain, and how much {'these vary' if several else 'that varies'} is not known"
