"""What a decision is asked: objectives, limits, rule, prices and task weights, parsed once from the suite.

Nothing here looks at a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bench.errors import InputError, UsageError
from bench.metrics.catalogue import METRICS, check_limit, check_name
from bench.suite import DecisionSpec, PriceSpec, Suite
from bench.suite.limits import QUALITY, Limit, parse_where
from bench.suite.rules import RULES
from bench.tasks.metrics import first_of


@dataclass(frozen=True, slots=True)
class Question:
    """All that a decision depends on besides the results."""

    objectives: tuple[str, ...]
    limits: tuple[Limit, ...] = ()
    rule: DecisionSpec = field(default_factory=DecisionSpec)
    prices: PriceSpec | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    """Weight of each task's quality; 1 for a task that is not named."""
    firsts: tuple[str, ...] = ()
    """The first metric of each task, its quality."""
    as_raced: bool = True
    """Whether it is what a race was run for: who left the race then cannot be the pick."""

    @classmethod
    def of(cls, suite: Suite) -> Question:
        """Build the question that a suite asks."""
        return cls(
            objectives=tuple(suite.objectives),
            limits=tuple(suite.constraints.values()),
            rule=suite.decision,
            prices=suite.prices,
            weights={task.name: task.weight for task in suite.tasks},
            firsts=first_of(suite),
        )

    @property
    def takes_best_quality(self) -> bool:
        """Tell whether the rule takes the best in one quality, without room for a cheaper one: costs count by their
        limits, and where candidates are tied."""
        preferred = [self.rule.prefer] if self.rule.prefer else self.objectives
        has_room = any(map(_is_quality, self.rule.margins))
        return RULES.find(self.rule.rule).takes_best and any(map(_is_quality, preferred)) and not has_room

    def asking(self, where: str | Iterable[str] = (), prefer: str | None = None, rule: str | None = None) -> Question:
        """Replace limits by further ones such as `latency_p95_s <= 50 ms`: those of the same name and direction give
        way.

        Args:
            where: one limit, or several.
            prefer: the objective to optimise instead.
            rule: the rule to pick by instead.

        Raises:
            UsageError: a limit that cannot be read, a name that stands for nothing, exchange rates that are written in
                the unit of another objective.
        """
        limits = {(limit.name, limit.is_upper): limit for limit in self.limits}
        for text in [where] if isinstance(where, str) else where:
            limit = parse_where(text)
            self._check_limit(limit)
            limits[limit.name, limit.is_upper] = limit
        changes = {key: value for key, value in (("prefer", prefer), ("rule", rule)) if value is not None}
        try:
            if rule is not None:
                RULES.check(rule)
            if prefer is not None:
                self._check_preferred(prefer, rule or self.rule.rule)
        except InputError as error:
            raise UsageError(str(error)) from error
        spec = DecisionSpec.model_validate(self.rule.model_dump() | changes)
        asked = replace(self, limits=tuple(limits.values()), rule=spec)
        return asked if asked == self else replace(asked, as_raced=False)

    def _check_limit(self, limit: Limit) -> None:
        try:
            check_limit(limit, self.firsts)
        except InputError as error:
            raise UsageError(str(error)) from error

    def _check_preferred(self, prefer: str, rule: str) -> None:
        try:
            check_name(prefer)
        except InputError as error:
            raise UsageError(str(error)) from error
        weighs = RULES.find(rule).weighs_by_rates
        if weighs and self.rule.rates and prefer != (self.rule.prefer or QUALITY):
            raise UsageError(
                f"the suite's decision.rates say what {self.rule.prefer or QUALITY} is worth, so they cannot weigh "
                f"{prefer}; write decision.prefer and decision.rates for it in the suite"
            )


def _is_quality(name: str) -> bool:
    return name == QUALITY or name in METRICS
