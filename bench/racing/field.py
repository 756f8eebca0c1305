"""The candidates of a look as the suite's rule sees them: stages, values and gaps.

A stage's score is a sum of columns times weights. Its part from quality is known from examples, its part from costs is
taken as measured. A rule with a stage that is no such sum cannot be raced: then all examples are answered.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.decision import stages
from bench.decision.board import Absence, Board, Missing
from bench.decision.rule import Stage
from bench.decision.shrink import NEAR
from bench.metrics.base import Metric
from bench.racing.gaps import (
    Bounded,
    Gap,
    Known,
    Population,
    Predicted,
    Shifted,
    Unknown,
    half_width,
    population_of,
    sample_of,
    variance_of,
)
from bench.racing.influence import contributions, value_of
from bench.racing.state import Contestant, Guarantee, Look

Floats = NDArray[np.float64]

NUDGED = 0.01
"""By how much qualities are moved to see whether a stage is the sum that it says."""
ROUNDING = 1e-9
"""Share of a score that is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What gaps of one stage are seen against."""

    usual: float
    """Variance of the difference of a pair, of one unit."""
    widest: float
    """The largest difference that a unit may show."""
    near: frozenset[int]
    """Candidates near the leader."""
    population: Population | None
    """Of them, where they are several."""


class Field:
    """The candidates of one look. Rows are places in `look.contestants`."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.contestants = look.contestants
        self._contributions: dict[tuple[int, int, int], Floats] = {}
        self._stage_parts: dict[tuple[Stage, int, int], Floats] = {}
        self._finite: dict[tuple[Stage, int, int], bool] = {}
        self._rests: dict[tuple[Stage, int], float] = {}
        self._prefixes: dict[tuple[int, int, int], float] = {}
        self._references: dict[tuple[int, int], Reference] = {}
        self._gaps: dict[tuple[int, int, int, int], Gap] = {}

    @cached_property
    def board(self) -> Board:
        """The board of the values so far."""
        return self._board(self._values)

    @cached_property
    def _values(self) -> Floats:
        rows = [[self._value(own, place) for place in range(len(self.look.columns))] for own in self.contestants]
        return np.array(rows, dtype=np.float64).reshape(len(self.contestants), len(self.look.columns))

    def _value(self, own: Contestant, place: int) -> float:
        column = self.look.columns[place]
        if column.metric is None:
            return own.values.get(column.column.name, float("nan"))
        rows = own.statistics.get(column.column.name)
        return float("nan") if rows is None else value_of(rows, column.metric)

    def _board(self, values: Floats) -> Board:
        look = self.look
        return Board(
            task=look.task,
            names=tuple(own.name for own in self.contestants),
            columns=tuple(column.column for column in look.columns),
            objectives=look.objectives,
            quantities=(),
            values=values,
            draws=values[None],
            tests={},
            broken=tuple(
                None if own.broken is None else Missing(Absence.ENDED, reason=own.broken) for own in self.contestants
            ),
            baselines=tuple(own.is_baseline for own in self.contestants),
        )

    @cached_property
    def rule(self) -> list[Stage]:
        """The stages of the suite's rule, the chance of a broken limit being paid for where it has a price."""
        return self._charged(stages.of_rule(self.board, self.look.spec))

    def _charged(self, rule: list[Stage]) -> list[Stage]:
        price = self.look.spec.broken_limit
        if not rule or price is None:
            return rule
        breaks = np.array([_breaks(own) for own in self.contestants])
        return [replace(rule[0], scores=rule[0].scores - price * breaks), *rule[1:]]

    @cached_property
    def unraced(self) -> str | None:
        """The name of a stage that is not the sum of columns that it says; None where all are."""
        nudged = self._values.copy()
        for place, column in enumerate(self.look.columns):
            if column.metric is not None:
                nudged[:, place] *= 1 + NUDGED * (1 + np.arange(len(nudged)) % 3)
        moved = self._charged(stages.of_rule(self._board(nudged), self.look.spec))
        if len(moved) != len(self.rule):
            return self.rule[0].name if self.rule else None
        for before, after in zip(self.rule, moved, strict=True):
            if not _alike(self._rest(before, self._values), self._rest(after, nudged), before.scores):
                return before.name
        return None

    @staticmethod
    def _rest(stage: Stage, values: Floats) -> Floats:
        """Give what a stage's scores have besides the sum of its columns, shape `(M,)`."""
        summed = sum((weight * values[:, c] for c, weight in stage.weights.items()), np.zeros(len(values)))
        return np.asarray(stage.scores - summed, dtype=np.float64)

    def qualities(self, stage: Stage) -> dict[int, float]:
        """List the columns of quality that a stage looks at, with their weights."""
        return {c: weight for c, weight in stage.weights.items() if self.look.columns[c].metric is not None}

    def tolerance(self, stage: Stage) -> float:
        """Compute the difference of a stage's score that does not matter: that of its first quality, weighed."""
        parts = [abs(weight) * self.look.columns[c].tolerance for c, weight in self.qualities(stage).items()]
        return parts[0] if parts else 0.0

    def slack(self, stage: Stage, rows: Sequence[int]) -> float:
        """Compute how much below the best of some candidates passes a stage, in its unit."""
        best = max((abs(float(stage.scores[row])) for row in rows), default=0.0)
        return stage.slack * best if stage.slack_is_relative else stage.slack

    def units(self, row: int) -> int:
        """Count the whole units that a candidate has answered."""
        return bisect_right(self.look.ends, self.contestants[row].answered)

    def gap(self, place: int, row: int, other: int, leader: int) -> Gap:
        """Tell what is known of how much better `row` is than `other` in a stage when all examples are answered.

        Args:
            place: of the stage in the rule.
            row: one candidate.
            other: another.
            leader: of the look, or whoever else the candidates are seen as near to.
        """
        key = (place, row, other, leader)
        if key not in self._gaps:
            self._gaps[key] = self._gap(place, row, other, leader)
        return self._gaps[key]

    def _gap(self, place: int, row: int, other: int, leader: int) -> Gap:
        stage = self.rule[place]
        apart = float(stage.scores[row] - stage.scores[other])
        units = min(self.units(row), self.units(other))
        if not self.qualities(stage):
            return Known(apart)
        if units < 2 or not np.isfinite(apart):
            return Unknown()
        done = self.look.ends[units - 1] / self.look.total
        if done >= 1:
            return Known(apart)
        if not (self._has_parts(stage, row, units) and self._has_parts(stage, other, units)):
            return Unknown()
        first, second = self._parts(stage, row, units), self._parts(stage, other, units)
        rest = self._rest_of(stage, row) - self._rest_of(stage, other)
        costs = sum(
            weight * float(self._values[row, c] - self._values[other, c])
            for c, weight in stage.weights.items()
            if c not in self.qualities(stage)
        )
        mean = self._prefix_value(stage, row, units) - self._prefix_value(stage, other, units)
        gap = self._of_quality(place, first - second, mean, done, (row, other), leader)
        return Shifted(gap, rest + costs) if rest + costs else gap

    def _of_quality(
        self, place: int, differences: Floats, mean: float, done: float, pair: tuple[int, int], leader: int
    ) -> Gap:
        reference, race = self.reference(place, leader), self.look.race
        if race.guarantee is Guarantee.ANYTIME:
            risk = race.risk / self.comparisons
            return Bounded(mean, half_width(differences, reference.usual, reference.widest, done, risk))
        together = reference.near.issuperset(pair)
        sample = sample_of(differences, mean, reference.usual, reference.widest, done)
        return Predicted(sample, reference.population if together else None)

    @property
    def comparisons(self) -> int:
        """Count the pairs that must not be misjudged: of the best candidate with each other, at each of its bounds."""
        judged = sum(1 for own in self.contestants if own.broken is None)
        bounds = 2 if any(self.has_room(stage) for stage in self.rule) else 1
        return max(1, judged - 1) * bounds

    def has_room(self, stage: Stage) -> bool:
        """Tell whether a stage of quality passes candidates that are not its best."""
        return bool(self.qualities(stage)) and self.slack(stage, range(len(self.contestants))) >= self.tolerance(stage)

    def _parts(self, stage: Stage, row: int, units: int) -> Floats:
        """Compute what each unit contributes to the quality in a stage's score, shape `(units,)`."""
        key = (stage, row, units)
        if key not in self._stage_parts:
            parts = [weight * self._column_parts(row, c, units) for c, weight in self.qualities(stage).items()]
            self._stage_parts[key] = np.asarray(np.sum(parts, axis=0), dtype=np.float64)
        return self._stage_parts[key]

    def _has_parts(self, stage: Stage, row: int, units: int) -> bool:
        """Tell whether each of the first units contributes something that is known."""
        key = (stage, row, units)
        if key not in self._finite:
            self._finite[key] = bool(np.isfinite(self._parts(stage, row, units)).all())
        return self._finite[key]

    def _prefix_value(self, stage: Stage, row: int, units: int) -> float:
        """Compute the quality in a stage's score over the first units."""
        return sum(weight * self._column_value(row, c, units) for c, weight in self.qualities(stage).items())

    def _column_value(self, row: int, c: int, units: int) -> float:
        """Compute the value of a metric over the first units."""
        key = (row, c, units)
        if key not in self._prefixes:
            self._prefixes[key] = value_of(*self._first(row, c, units))
        return self._prefixes[key]

    def _column_parts(self, row: int, c: int, units: int) -> Floats:
        """Compute what each of the first units contributes to a metric, shape `(units,)`."""
        key = (row, c, units)
        if key not in self._contributions:
            self._contributions[key] = contributions(*self._first(row, c, units), self.look.ends[:units])
        return self._contributions[key]

    def _first(self, row: int, c: int, units: int) -> tuple[Floats, Metric]:
        """Give the rows of the first units, and the metric."""
        column = self.look.columns[c]
        assert column.metric is not None
        return self.contestants[row].statistics[column.column.name][: self.look.ends[units - 1]], column.metric

    def reference(self, place: int, leader: int) -> Reference:
        """Find what the gaps of a stage are seen against: the usual variance, and who is near the leader."""
        key = (place, leader)
        if key not in self._references:
            self._references[key] = self._reference(self.rule[place], leader)
        return self._references[key]

    def _reference(self, stage: Stage, leader: int) -> Reference:
        units = self.units(leader)
        rows = [row for row in range(len(self.contestants)) if self._is_level(stage, row, units)]
        if leader not in rows:
            width = self._width(stage)
            return Reference(0.0, width, frozenset(), None)
        parts = {row: self._parts(stage, row, units) for row in rows}
        apart = {row: parts[row] - parts[leader] for row in rows if row != leader}
        widest = max((float(np.abs(own).max()) for own in apart.values()), default=0.0) or self._width(stage)
        variances = {row: variance_of(own) for row, own in apart.items()}
        usual = float(np.mean(list(variances.values()))) if variances else 0.0
        noise = {row: (own + widest**2 / units) / units for row, own in variances.items()}
        near = [r for r in noise if abs(stage.scores[r] - stage.scores[leader]) <= NEAR * noise[r] ** 0.5]
        if not near:
            return Reference(usual, widest, frozenset(), None)
        values = np.array([self._prefix_value(stage, row, units) for row in (leader, *near)])
        common = float(np.mean([noise[row] for row in near])) / 2
        return Reference(usual, widest, frozenset((leader, *near)), population_of(values, common))

    def _is_level(self, stage: Stage, row: int, units: int) -> bool:
        """Tell whether a candidate has answered as much as the leader, and is judged by it."""
        if self.contestants[row].broken is not None or self.units(row) < units or not np.isfinite(stage.scores[row]):
            return False
        return self._has_parts(stage, row, units)

    def _rest_of(self, stage: Stage, row: int) -> float:
        """Give what the score of a candidate has besides the sum of its columns."""
        key = (stage, row)
        if key not in self._rests:
            rest = self._rest(stage, self._values)
            self._rests |= {(stage, place): float(own) for place, own in enumerate(rest)}
        return self._rests[key]

    def _width(self, stage: Stage) -> float:
        """Compute the largest difference of a unit that a stage's metrics allow; where they have no bounds, their
        values so far."""
        total = 0.0
        for c, weight in self.qualities(stage).items():
            metric = self.look.columns[c].metric
            assert metric is not None
            width = metric.range.high - metric.range.low
            total += abs(weight) * (width if np.isfinite(width) else float(np.nanmax(np.abs(self._values[:, c]))))
        return total or 1.0


def _breaks(own: Contestant) -> float:
    """Give the chance that a candidate breaks a limit; 0 for one that is not eligible, and cannot be picked."""
    return 1 - own.all_kept if all(limit.state == "inside" for limit in own.limits) else 0.0


def _alike(before: Floats, after: Floats, scores: Floats) -> bool:
    """Tell whether two rows of numbers are equal but for rounding; NaN where NaN."""
    scale = float(np.nanmax(np.abs(scores), initial=1.0))
    return bool(np.allclose(before, after, rtol=0.0, atol=ROUNDING * scale, equal_nan=True))
