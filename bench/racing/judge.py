"""The verdict at a look: who is out, whether the answer is decided, and where measuring on would help.

`better(c, a)` is the chance that the pick of all examples is `c` and that it is better than `a` by more than the
margin: that `a` misses the threshold of a stage against `c` by more than the margin, or that `c` passes it by more than
the margin and a later stage prefers it. A threshold that is met or missed by less than the margin counts as either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.decision import stages
from bench.decision.rule import Stage
from bench.racing.chances import EACH_SHARE, TOGETHER_SHARE, any_of
from bench.racing.field import Field
from bench.racing.front import settle_front
from bench.racing.state import (
    Contestant,
    Ending,
    Guarantee,
    Look,
    OpenLimit,
    OpenPair,
    Out,
    OutReason,
    Until,
    Verdict,
    is_eligible,
)

CHEAPER = 0.05
"""Share of a cost by which a tied candidate must be cheaper to be taken instead of the leader, where the suite gives no
margin: less is noise."""


def judge(look: Look) -> Verdict:
    """Conclude from a look; the same look gives the same verdict.

    Raises:
        InputError: there is no such rule, or the suite lacks what it needs.
    """
    verdict = _Judge(look).verdict()
    return settle_front(look, verdict) if look.race.until is Until.FRONT else verdict


def ended(verdict: Verdict, ending: Ending) -> Verdict:
    """End a race that would go on: the time is up, or no further process is measured."""
    return verdict if verdict.ending is not None else replace(verdict, ending=ending, answering=())


class _Judge:
    """One look being judged; rows are places in its contestants."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._field = Field(look)
        self._rule = self._field.rule
        self._taken = look.race.risk * EACH_SHARE
        self._together = look.race.risk * TOGETHER_SHARE
        self._kept_out: dict[int, Out] = {}
        for row, own in enumerate(look.contestants):
            if (out := self._why_out(row, own)) is not None:
                self._kept_out[row] = out
        self._alive = [row for row in range(len(look.contestants)) if row not in self._kept_out]
        self._eligible = [row for row in self._alive if is_eligible(look.contestants[row])]

    def _why_out(self, row: int, own: Contestant) -> Out | None:
        """Tell why a candidate is out whatever the others do; None where it is not."""
        before = next((out for out in self._look.out if out.name == own.name), None)
        if before is not None:
            return before
        if own.broken is not None:
            return Out(own.name, OutReason.ENDED, own.broken)
        for limit in own.limits:
            if limit.state == "outside" and (not limit.by_examples or limit.kept <= self._taken):
                return Out(own.name, OutReason.LIMIT, limit.label, limit.kept)
        unscored = stages.unscored(self._field.board, self._rule, row)
        if unscored:
            return Out(own.name, OutReason.INCOMPLETE, self._field.board.columns[unscored[0]].name)
        return None

    def verdict(self) -> Verdict:
        """Conclude."""
        leader = self._find_leader()
        if leader is None:
            return self._nobody()
        if self._field.unraced is not None:
            return self._measure_all(leader, self._field.unraced)
        better = {row: self._may_win(row, leader, leader) for row in self._alive if row != leader}
        rivals = self._rivals(leader, better)
        answering = self._answering(leader, rivals, better)
        pick = leader if rivals else self._cheapest_tied(leader)
        limits = self._open_limits(leader, rivals, better)
        staying = self._setters() if answering else []
        beaten = [row for row in better if row not in rivals and row not in staying and row != pick]
        outs = [Out(self._name(row), OutReason.NO_RIVAL, self._name(leader), better[row]) for row in beaten]
        pairs = [OpenPair(self._name(row), better[row] * self._kept(row)) for row in rivals]
        return Verdict(
            task=self._look.task,
            answered=self._look.contestants[leader].answered,
            pick=self._name(pick) if pick in self._eligible else None,
            leader=self._name(leader),
            risk=self._risk(pick, leader),
            ending=None if answering or limits else self._ending(leader, pick),
            answering=answering,
            out=(*self._kept_out.values(), *outs),
            limits=limits,
            pairs=tuple(sorted(pairs, key=lambda pair: -pair.chance)),
            tied=tuple(self._name(row) for row in better if self._is_tied(row, pick, leader)),
        )

    def _find_leader(self) -> int | None:
        """Find whom the rule favours among the eligible; where no model is, among the models that may turn out to be.

        None where only baselines are left, though there are models: they are nothing to ship.
        """
        floors = [own.is_baseline for own in self._look.contestants]
        rows = self._eligible
        if all(floors[row] for row in rows) and not all(floors):
            rows = [row for row in self._alive if not floors[row]]
        return stages.pick(self._rule, rows or ([] if not all(floors) else self._alive))

    def _ending(self, leader: int, pick: int) -> Ending:
        if pick != leader:
            return Ending.TIE
        return Ending.DATA_SPENT if self._is_spent(leader) else Ending.DECIDED

    def _may_win(self, row: int, other: int, leader: int) -> float:
        """Compute the chance that `row` is the better choice than `other` by more than the margin, if it keeps its
        limits."""
        chance, passes = 0.0, 1.0
        for place, stage in enumerate(self._rule):
            slack, tolerance = self._field.slack(stage, self._eligible), self._field.tolerance(stage)
            ahead = self._field.gap(place, row, other, leader).over(slack + tolerance)
            chance = max(chance, min(passes, ahead))
            room = slack - tolerance
            if room < 0:
                break
            for setter in self._eligible:
                if setter != row:
                    passes = min(passes, 1.0 - self._field.gap(place, setter, row, leader).over(room))
        return chance

    def _rivals(self, leader: int, better: Mapping[int, float]) -> list[int]:
        """List who is still a rival: all but the least likely, whose chances, with those of rivals that were let go,
        add up to no more than the race's risk."""
        chances = {row: chance * self._kept(row) for row, chance in better.items()}
        let_go = [out.chance for out in self._gone.values()]
        rivals = []
        for row in sorted(chances, key=lambda row: chances[row]):
            let_go.append(chances[row])
            if chances[row] > self._taken or any_of(let_go) > self._together:
                rivals.append(row)
        return rivals

    def _answering(self, leader: int, rivals: Sequence[int], better: Mapping[int, float]) -> tuple[str, ...]:
        """List who answers the next block: those whom examples may still tell apart from the leader, and by whom
        thresholds are set."""
        telling = [row for row in rivals if better[row] < 1 - self._taken or self._has_open_quality(row)]
        if not telling and not self._has_open_quality(leader):
            return ()
        rows = {leader, *telling, *self._setters()}
        return tuple(self._name(row) for row in self._alive if row in rows and not self._is_spent(row))

    def _setters(self) -> list[int]:
        """List the best of each stage of quality that passes more than its best: its threshold hangs on them."""
        rows = self._eligible
        roomy = [stage for stage in self._rule if self._field.has_room(stage)]
        return [max(rows, key=lambda row: float(stage.scores[row])) for stage in roomy if rows]

    def _has_open_quality(self, row: int) -> bool:
        """Tell whether a limit is open that examples would settle."""
        return any(limit.state != "inside" and limit.by_examples for limit in self._look.contestants[row].limits)

    def _open_limits(self, leader: int, rivals: Sequence[int], better: Mapping[int, float]) -> tuple[OpenLimit, ...]:
        """List the limits that further processes would settle, and on which the pick hangs."""
        rows = rivals if leader in self._eligible else [leader, *rivals]
        chances = {row: better.get(row, 1.0) for row in rows}
        out = [
            OpenLimit(self._name(row), limit, chances[row])
            for row in sorted(rows, key=lambda row: -chances[row] * self._kept(row))
            for limit in self._look.contestants[row].limits
            if limit.state == "open" and not limit.by_examples
        ]
        return tuple(out)

    def _cheapest_tied(self, leader: int) -> int:
        """Find the cheapest of the candidates that are within the margin of whoever is best; the leader where none is
        cheaper than it.

        Only where the rule looks at one quality first, and takes its best: other rules weigh costs themselves.
        """
        first, *rest = self._rule
        if first.column is None or not self._field.qualities(first) or self._field.has_room(first):
            return leader
        costs = [stage for stage in rest if not self._field.qualities(stage)]
        if not costs or leader not in self._eligible:
            return leader
        tied = [row for row in self._eligible if row != leader and self._is_acceptable(row, leader)]
        cheaper = [row for row in tied if self._is_cheaper(costs[0], row, leader)]
        cheapest = stages.pick(costs, cheaper)
        return leader if cheapest is None else cheapest

    def _is_acceptable(self, row: int, leader: int) -> bool:
        """Tell whether nobody that may be picked, or was let go as no rival, may be better than a candidate."""
        others = [other for other in (*self._alive, *self._gone) if other != row]
        chances = [self._may_win(other, row, leader) * self._kept(other) for other in others]
        return max(chances) <= self._taken and any_of(chances) <= self._together

    @property
    def _gone(self) -> dict[int, Out]:
        """Those that were let go as no rivals at an earlier look."""
        return {row: out for row, out in self._kept_out.items() if out.reason is OutReason.NO_RIVAL}

    def _is_cheaper(self, cost: Stage, row: int, other: int) -> bool:
        """Tell whether a candidate is cheaper than another by more than noise, or than the suite's margin."""
        assert cost.column is not None
        column = self._look.columns[cost.column].column
        at = abs(float(cost.scores[other]))
        return float(cost.scores[row] - cost.scores[other]) > (float(column.margin_at(at)) or CHEAPER * at)

    def _is_tied(self, row: int, pick: int, leader: int) -> bool:
        """Tell whether a candidate is not shown to be worse than the pick by more than the margin in what the rule
        looks at first."""
        tolerance = self._field.tolerance(self._rule[0])
        return row != pick and self._field.gap(0, pick, row, leader).over(tolerance) < 1 - self._taken

    def _risk(self, pick: int, leader: int) -> float:
        """Compute the chance that the pick is wrong: what the guarantee promises, or, predicted, that of all that may
        be better, of those that were let go as it was then."""
        others = [row for row in self._alive if row != pick]
        chances = [self._may_win(row, pick, leader) * self._kept(row) for row in others]
        if self._look.race.guarantee is Guarantee.ANYTIME:
            return max([self._look.race.risk, *chances])
        return any_of([*chances, *(out.chance for out in self._gone.values())])

    def _nobody(self) -> Verdict:
        """Conclude that nobody is left."""
        answered = max((own.answered for own in self._look.contestants), default=0)
        outs = tuple(self._kept_out.values())
        return Verdict(self._look.task, answered, None, None, 0.0, Ending.NOBODY, (), outs)

    def _measure_all(self, leader: int, stage: str) -> Verdict:
        """Conclude that all answer all examples, since the rule cannot be raced."""
        answering = tuple(self._name(row) for row in self._alive if not self._is_spent(row))
        pick = self._name(leader) if leader in self._eligible else None
        return Verdict(
            task=self._look.task,
            answered=self._look.contestants[leader].answered,
            pick=pick,
            leader=self._name(leader),
            risk=1.0 if answering else 0.0,
            ending=None if answering else Ending.DATA_SPENT,
            answering=answering,
            out=tuple(self._kept_out.values()),
            unraced=stage,
        )

    def _kept(self, row: int) -> float:
        return self._look.contestants[row].kept

    def _is_spent(self, row: int) -> bool:
        return self._look.contestants[row].answered >= self._look.total

    def _name(self, row: int) -> str:
        return self._look.contestants[row].name
