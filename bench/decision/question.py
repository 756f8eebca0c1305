"""What a decision is asked: objectives, limits, rule, prices and task weights, parsed once from the suite.

Nothing here looks at a result.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import ALIASES, READINGS, canonical
from bench.errors import InputError, UsageError, nearest
from bench.metrics.catalogue import METRICS
from bench.suite import LIMIT, DecisionSpec, PriceSpec, Suite
from bench.units import parse_quantity

_OF_BEST = re.compile(r"^([\d.]+)\s*%\s*of\s+best$")
_PERCENT = re.compile(r"^([\d.]+)\s*%$")
_PER = re.compile(r"^(.+?)\s+per\s+(.+)$")
_WHERE = re.compile(r"^\s*([\w.:/@#-]+)\s*((?:<=|>=|<|>).+)$")
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limit:
    """One hard constraint."""

    name: str
    """Reading, metric, `quality` or alias."""
    operator: str
    """`<=`, `<`, `>=` or `>`."""
    value: float
    """In the base unit; with `of_best` a ratio to the best candidate's value."""
    of_best: bool
    text: str
    """As the suite writes it, operator included."""

    @property
    def is_upper(self) -> bool:
        """Whether it bounds from above."""
        return self.operator.startswith("<")

    def admits(self, value: float, limit: float | None = None) -> bool:
        """Returns whether a value satisfies the limit, or another limit of the same operator."""
        return bool(_COMPARE[self.operator](value, self.value if limit is None else limit))

    def admitted(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Returns which of many values satisfy the limit; NaN never does."""
        return np.asarray(_COMPARE[self.operator](values, self.value), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Question:
    """All that a decision depends on besides the results."""

    objectives: tuple[str, ...]
    limits: tuple[Limit, ...] = ()
    rule: DecisionSpec = field(default_factory=DecisionSpec)
    prices: PriceSpec | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    """Weight of each task's quality; 1 for a task that is not named."""

    @classmethod
    def of(cls, suite: Suite) -> Question:
        """Returns the question that a suite asks.

        Raises:
            InputError: a limit is not an operator with a quantity of the right unit.
        """
        return cls(
            objectives=tuple(suite.objectives),
            limits=tuple(parse_limit(name, text) for name, text in suite.constraints.items()),
            rule=suite.decision,
            prices=suite.prices,
            weights={task.name: task.weight for task in suite.tasks},
        )

    def asking(self, where: Iterable[str] = (), prefer: str | None = None, rule: str | None = None) -> Question:
        """Returns the question with limits such as `latency_p95_s <= 50 ms` in place of those of the same
        name and direction.

        Raises:
            UsageError: a limit that cannot be read, a name that stands for nothing, exchange rates that are written in
                the unit of another objective.
        """
        limits = {(limit.name, limit.is_upper): limit for limit in self.limits}
        for text in where:
            limit = parse_where(text)
            limits[limit.name, limit.is_upper] = limit
        if prefer is not None:
            self._check_preferred(prefer, rule or self.rule.rule)
        changes = {key: value for key, value in (("prefer", prefer), ("rule", rule)) if value is not None}
        spec = DecisionSpec.model_validate(self.rule.model_dump() | changes)
        return replace(self, limits=tuple(limits.values()), rule=spec)

    def _check_preferred(self, prefer: str, rule: str) -> None:
        try:
            unit_of(prefer)
        except InputError as error:
            raise UsageError(str(error)) from error
        if rule == "weighted" and self.rule.rates and prefer != (self.rule.prefer or "quality"):
            raise UsageError(
                f"the suite's decision.rates say what {self.rule.prefer or 'quality'} is worth, so they cannot weigh "
                f"{prefer}; write decision.prefer and decision.rates for it in the suite"
            )


def unit_of(name: str) -> str | None:
    """Returns the base unit of a reading, alias, metric or `quality`.

    A metric's unit is known only to the metric, so for these (and `quality`) it is None: a bare number, or a
    percentage.

    Raises:
        InputError: no such reading or metric.
    """
    reading = READINGS.get(canonical(name))
    if reading is not None:
        return reading.unit
    if name == "quality" or name in METRICS or name in METRICS.groups or ":" in name:
        return None
    raise InputError(
        f"no reading or metric is named '{name}'; {nearest(name, [*READINGS, *ALIASES, *METRICS, 'quality'])}"
    )


def parse_amount(name: str, text: str) -> float:
    """Returns a quantity of the reading or metric `name`, in its base unit; `85 %` of a metric is 0.85.

    Raises:
        InputError: not a quantity of that unit.
    """
    unit = unit_of(name)
    return parse_quantity(text, unit if unit is not None else "ratio")


def parse_limit(name: str, text: str) -> Limit:
    """Returns a constraint from its two halves in the suite.

    Raises:
        InputError: not an operator with a quantity.

    >>> parse_limit("latency_p95_s", "<= 50 ms").value
    0.05
    >>> limit = parse_limit("accuracy", ">= 95 % of best"); limit.value, limit.of_best
    (0.95, True)
    """
    match = LIMIT.match(text)
    if match is None:
        raise InputError(f"{name}: '{text}' is not a limit; write an operator and a quantity, such as '<= 50 ms'")
    operator, amount = match.group(1), match.group(2)
    unit_of(name)
    share = _OF_BEST.match(amount)
    if share is not None:
        return Limit(name, operator, float(share.group(1)) / 100, True, text.strip())
    try:
        return Limit(name, operator, parse_amount(name, amount), False, text.strip())
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def parse_where(text: str) -> Limit:
    """Returns a constraint from one line, as `--where` takes it.

    Raises:
        UsageError: not a name, an operator and a quantity.

    >>> parse_where("peak_memory_bytes <= 2 GiB").value
    2147483648.0
    """
    match = _WHERE.match(text)
    if match is None:
        raise UsageError(f"'{text}' is not a limit; write NAME OPERATOR QUANTITY, such as 'latency_p95_s <= 50 ms'")
    try:
        return parse_limit(match.group(1), match.group(2))
    except InputError as error:
        raise UsageError(str(error)) from error


def parse_margin(name: str, margin: float | str) -> tuple[float, bool]:
    """Returns a margin and whether it is relative: `2 %` of a reading is relative, `5 ms` and 0.01 are not.

    Of a metric a percentage is absolute too: `1 %` of accuracy means one point, 0.01.

    >>> parse_margin("latency_p95_s", "2 %"), parse_margin("latency_p95_s", "5 ms")
    ((0.02, True), (0.005, False))
    >>> parse_margin("accuracy", "1 %")
    (0.01, False)
    """
    if isinstance(margin, (int, float)):
        return float(margin), False
    share = _PERCENT.match(margin.strip())
    if share is not None and unit_of(name) is not None:
        return float(share.group(1)) / 100, True
    return parse_amount(name, margin), False


def parse_rate(name: str, text: str) -> float:
    """Returns how much of the preferred objective one base unit of `name` is worth.

    Raises:
        InputError: not `QUANTITY per NUMBER`.

    >>> round(parse_rate("latency_p95_s", "20 ms per 0.01"), 6)
    0.5
    """
    match = _PER.match(text)
    if match is None:
        raise InputError(f"{name}: '{text}' is not an exchange rate; write e.g. '20 ms per 0.01'")
    amount = parse_amount(name, match.group(1))
    if amount <= 0:
        raise InputError(f"{name}: '{text}': the quantity of an exchange rate must be above 0")
    return parse_quantity(match.group(2), "ratio") / amount
