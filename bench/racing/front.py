"""The front at a look: whose place on it is settled, and who answers on for those whose place is not.

Only a candidate that is no dearer in any cost can keep another from the front, so that with the costs as measured a
place hangs on few differences of quality: it is on the front for certain where none of those is better by more than the
margin, and off it where one of them is as good, but for the margin. Where both hold it is a tie. The places are judged
anew at each look from all that is known then, whoever has stopped answering.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bench.decision.rule import Situation, Stage
from bench.racing.chances import EACH_SHARE, TOGETHER_SHARE, any_of
from bench.racing.field import Field
from bench.racing.state import (
    Ending,
    Guarantee,
    Look,
    Membership,
    OpenLimit,
    OutReason,
    Place,
    Verdict,
    is_eligible,
)

NOT_COMPARED = (OutReason.ENDED, OutReason.LIMIT, OutReason.INCOMPLETE)
"""Why a candidate is out of a race that have no place on the front either."""


def settle_front(look: Look, verdict: Verdict) -> Verdict:
    """Add to the verdict on the pick where everybody stands with the front, and what settles that further."""
    if verdict.ending is Ending.NOBODY:
        return verdict
    front = _Front(look, {out.name for out in verdict.out if out.reason in NOT_COMPARED})
    told = {limit.name for limit in verdict.limits}
    limits = (*verdict.limits, *(limit for limit in front.open_limits() if limit.name not in told))
    wanted = front.answering() | set(verdict.answering)
    answering = tuple(own.name for own in look.contestants if own.name in wanted)
    answered = [own.answered for own in look.contestants if own.name in wanted]
    return replace(
        verdict,
        answered=max(answered, default=verdict.answered),
        answering=answering,
        limits=limits,
        ending=None if answering or limits else verdict.ending,
        decided=verdict.ending,
        places=front.places,
    )


class _Objectives(Field):
    """The candidates seen by each objective of quality alone: a stage for each."""

    pairs: int = 1
    """Pairs of which one may keep the other from the front."""

    @cached_property
    def rule(self) -> list[Stage]:
        """A stage for each objective of quality."""
        board = self.board
        qualities = [c for c in range(board.objectives) if self.look.columns[c].metric is not None]
        return Situation(board, self.look.spec, 0).without_slack(qualities)

    @property
    def comparisons(self) -> int:
        """Count the differences that must not be misjudged."""
        return max(1, self.pairs * len(self.rule))


@dataclass(frozen=True, slots=True)
class _Chances:
    """What may be wrong with the places of one candidate."""

    on: float
    """Chance that it is wrong to call it on the front."""
    off: float
    by: int | None
    """The candidate by which it is off the front the likeliest; None where none can be."""
    beaten: Mapping[int, float]
    """Chance of each candidate that is no dearer to be better by more than the margin."""

    @property
    def place(self) -> float:
        """Chance that the likelier place is wrong."""
        return min(self.on, self.off)


class _Front:
    """The front of one look; rows are places in its contestants."""

    def __init__(self, look: Look, gone: set[str]) -> None:
        self._look = look
        self._field = _Objectives(look)
        board = self._field.board
        self._costs = [c for c in range(board.objectives) if look.columns[c].metric is None]
        known = [bool(np.isfinite(own).all()) for own in board.values[:, self._costs]]
        self._rows = [row for row, own in enumerate(look.contestants) if own.name not in gone and known[row]]
        self._eligible = {row for row in self._rows if is_eligible(look.contestants[row])}
        self._no_dearer = {row: self._find_no_dearer(row) for row in self._rows}
        self._field.pairs = sum(map(len, self._no_dearer.values()))
        self._taken = look.race.risk * EACH_SHARE
        self._chances = {row: self._chances_of(row) for row in self._rows}
        self._settled = self._find_settled()

    def _find_no_dearer(self, row: int) -> list[int]:
        """List the other candidates that are no worse in any cost."""
        values = self._field.board.oriented[:, self._costs]
        return [other for other in self._rows if other != row and bool((values[other] >= values[row]).all())]

    def _chances_of(self, row: int) -> _Chances:
        beaten = {other: self._beats(other, row) for other in self._no_dearer[row]}
        kept = [chance * self._look.contestants[other].kept for other, chance in beaten.items()]
        ahead = {other: self._is_ahead(row, other) for other in self._no_dearer[row] if other in self._eligible}
        by = min(ahead, key=lambda other: ahead[other], default=None)
        return _Chances(any_of(kept), 1.0 if by is None else ahead[by], by, beaten)

    def _beats(self, other: int, row: int) -> float:
        """Compute the chance that a candidate that is no dearer is better by more than the margin, everywhere."""
        stages = self._field.rule
        if not stages:
            return float(self._is_cheaper(other, row))
        return min(self._over(place, other, row, row) for place in range(len(stages)))

    def _is_ahead(self, row: int, other: int) -> float:
        """Compute the chance that a candidate beats one that is no dearer by more than the margin, somewhere."""
        stages = self._field.rule
        if not stages:
            return float(not self._is_cheaper(other, row))
        return min(1.0, sum(self._over(place, row, other, row) for place in range(len(stages))))

    def _over(self, place: int, row: int, other: int, near: int) -> float:
        stage = self._field.rule[place]
        return self._field.gap(place, row, other, near).over(self._field.tolerance(stage))

    def _is_cheaper(self, other: int, row: int) -> bool:
        values = self._field.board.oriented[:, : self._look.objectives]
        return bool((values[other] > values[row]).any())

    def _find_settled(self) -> set[int]:
        """Find those whose places may be told: the surest, as long as their chances of being wrong add up to no more
        than the race takes."""
        settled: set[int] = set()
        together = 0.0
        for row in sorted(self._rows, key=lambda row: self._chances[row].place):
            together += self._chances[row].place
            if self._chances[row].place > self._taken or together > self._look.race.risk * TOGETHER_SHARE:
                break
            if row in self._eligible or self._is_off(row):
                settled.add(row)
        return settled

    def _is_off(self, row: int) -> bool:
        return self._chances[row].off <= self._taken

    @property
    def places(self) -> tuple[Place, ...]:
        """Tell where each candidate stands."""
        return tuple(self._place(row) for row in self._rows)

    def _place(self, row: int) -> Place:
        own = self._chances[row]
        other = None if own.by is None or own.off >= 1.0 else self._look.contestants[own.by].name
        on, off = own.on <= self._taken, own.off <= self._taken
        chance = own.place
        if row not in self._settled:
            membership = Membership.OPEN
        elif on and off:
            membership = Membership.TIE
        else:
            membership = Membership.ON if on else Membership.OFF
        if self._look.race.guarantee is Guarantee.ANYTIME and membership is not Membership.OPEN:
            chance = self._look.race.risk / len(self._rows)
        return Place(self._look.contestants[row].name, membership, other, chance)

    def answering(self) -> set[str]:
        """List who answers the next block: those whose place is open for their quality, and whoever may keep them from
        the front."""
        rows: set[int] = set()
        for row in self._rows:
            if row not in self._settled:
                rows |= self._telling(row)
        return {self._look.contestants[row].name for row in rows if not self._is_spent(row)}

    def _telling(self, row: int) -> set[int]:
        """List who must answer for one candidate's place: itself, and whom it may be behind; where it is likely off the
        front, the one that shows it."""
        own = self._chances[row]
        limits = self._look.contestants[row].limits
        open_quality = any(limit.state != "inside" and limit.by_examples for limit in limits)
        if own.place <= self._taken and row not in self._eligible and not open_quality:
            return set()  # a limit is open that no example tells
        if own.by is not None and own.off < own.on:
            return {row, own.by}
        least = self._taken / max(1, len(own.beaten))
        telling = {row, *(other for other, chance in own.beaten.items() if chance > least)}
        if all(self._is_spent(other) for other in telling):  # many small chances add up
            telling |= set(own.beaten)
        return telling

    def open_limits(self) -> Iterable[OpenLimit]:
        """List the limits on which places hang, and that further processes would settle."""
        for row in self._rows:
            if row in self._eligible or self._is_off(row):
                continue
            own = self._look.contestants[row]
            for limit in own.limits:
                if limit.state == "open" and not limit.by_examples:
                    yield OpenLimit(own.name, limit, 1.0 - self._chances[row].on)

    def _is_spent(self, row: int) -> bool:
        return self._look.contestants[row].answered >= self._look.total
