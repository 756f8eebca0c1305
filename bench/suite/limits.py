"""The one grammar of quantities and limits: `<= 50 ms`, `>= 95 % of best`, `2 %`, `20 ms per 0.01`, `3h30m`, `06:00`.

Whoever takes such a text from a person parses it here: the suite's schema, the planner's checks, `--where`, the nightly
run's deadline and the explorer. Knows nothing of results.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING, Any, Literal, cast

from bench.catalogue.readings import READINGS, canonical, meant_by
from bench.errors import InputError, UsageError
from bench.units import parse_quantity

if TYPE_CHECKING:  # reading a suite imports no numpy
    import numpy as np
    from numpy.typing import NDArray

Operator = Literal["<=", "<", ">=", ">"]
QUALITY = "quality"
"""Stands for the first metric of each task."""

_LIMIT = re.compile(r"^\s*(<=|>=|<|>)\s*(.+?)\s*$")
_WHERE = re.compile(r"^\s*([\w.:/@#-]+)\s*((?:<=|>=|<|>).+)$")
_OF_BEST = re.compile(r"^(.+?)\s*%\s*of\s+best$")
_PERCENT = re.compile(r"^(.+?)\s*%$")
_PER = re.compile(r"^(.+?)\s+per\s+(.+)$")
_HOURS_AND_MINUTES = re.compile(r"([0-9]{1,6})\s*h\s*([0-9]{1,6})\s*(?:m|min)")
"""`3h30m`; a single number with its unit is a quantity like any other."""
_TIME_OF_DAY = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_COMPARE: Mapping[Operator, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}
LONGEST_S = 7 * 24 * 3600.0
"""Longest duration that is taken for one: a night that may last longer than a week has no deadline."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A hard constraint on one reading or metric."""

    name: str
    """Reading, metric, `quality` or alias."""
    operator: Operator
    value: float
    """In the base unit; with `of_best` a ratio to the best candidate's value."""
    of_best: bool
    """Whether it is relative to the best candidate."""
    text: str
    """As the suite writes it, operator included."""

    @property
    def is_upper(self) -> bool:
        """Tell whether it bounds from above."""
        return self.operator.startswith("<")

    @property
    def label(self) -> str:
        """Name and text, e.g. `latency_p95_s <= 50 ms`."""
        return f"{self.name} {self.text}"

    def admits(self, value: float) -> bool:
        """Tell whether a value satisfies the limit."""
        return bool(_COMPARE[self.operator](value, self.value))

    def admitted(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which of many values satisfy the limit; NaN never does."""
        return cast("NDArray[np.bool_]", _COMPARE[self.operator](values, self.value))


def unit_of(name: str) -> str | None:
    """Look up the base unit of a reading or alias.

    A metric's unit is known only to the metric, so for any other name it is None: a bare number, or a percentage.
    Whether there is such a metric is not known here (`bench.metrics.catalogue.check_name`).
    """
    reading = READINGS.get(canonical(name))
    return None if reading is None else reading.unit


def parse_amount(name: str, text: str) -> float:
    """Parse a quantity of the reading or metric `name` into its base unit; `85 %` of a metric is 0.85.

    Raises:
        InputError: not a quantity of that unit, or one that a reading cannot have: below 0.
    """
    unit = unit_of(name)
    meant = meant_by(name) if unit is None and ":" not in name else None
    try:
        amount = parse_quantity(text, "ratio" if unit is None else unit)
    except InputError as error:
        if meant is None:
            raise
        raise InputError(
            f"'{name}' is no reading, and '{text}' no value of a metric; did you mean '{meant}'?"
        ) from error
    if unit is not None and amount < 0:
        raise InputError(f"'{text}' is below 0, which no {name} is; write the quantity without the sign")
    return amount


def parse_limit(name: str, text: str) -> Limit:
    """Parse a constraint from its two halves in the suite.

    Raises:
        InputError: not an operator with a quantity of the right unit.

    >>> parse_limit("latency_p95_s", "<= 50 ms").value
    0.05
    >>> limit = parse_limit("accuracy", ">= 95 % of best"); limit.value, limit.of_best
    (0.95, True)
    """
    match = _LIMIT.match(text)
    if match is None:
        raise InputError(f"'{text}' is no limit; begin with <= or >=, such as '<= 50 ms' or '>= 0.85'")
    compared, amount = cast(Operator, match.group(1)), match.group(2)
    relative = _OF_BEST.match(amount)
    value = parse_amount(name, amount) if relative is None else _share(relative.group(1), amount)
    return Limit(name, compared, value, of_best=relative is not None, text=text.strip())


def parse_where(text: str) -> Limit:
    """Parse a constraint from one line, as `--where` takes it.

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
        raise UsageError(f"'{text}': {error}") from error


def parse_margin(name: str, margin: float | str) -> tuple[float, bool]:
    """Parse a margin, and whether it is relative: `2 %` of a reading is, `5 ms` and 0.01 are not.

    Of a metric a percentage is absolute too: `1 %` of accuracy means one point, 0.01.

    Raises:
        InputError: not a quantity of that unit, or below 0.

    >>> parse_margin("latency_p95_s", "2 %"), parse_margin("latency_p95_s", "5 ms")
    ((0.02, True), (0.005, False))
    >>> parse_margin("accuracy", "1 %")
    (0.01, False)
    """
    relative = False
    if isinstance(margin, (int, float)):
        amount = float(margin)
    elif unit_of(name) is not None and (share := _PERCENT.match(margin.strip())) is not None:
        amount, relative = _share(share.group(1), margin), True
    else:
        amount = parse_amount(name, margin)
    if not 0 <= amount < math.inf:
        raise InputError(f"{name}: {margin} is no margin; write the difference that does not matter, 0 or more")
    return amount, relative


def parse_rate(name: str, text: str) -> float:
    """Parse how much of the preferred objective one base unit of `name` is worth.

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


def parse_reference(name: str, reference: float | str) -> float:
    """Parse one coordinate of the hypervolume's reference point.

    Raises:
        InputError: not a quantity of that unit.
    """
    value = float(reference) if isinstance(reference, (int, float)) else parse_amount(name, reference)
    if not math.isfinite(value):
        raise InputError(f"{name}: {reference} is no reference; write the worst acceptable value")
    return value


def parse_memory(text: str) -> int:
    """Parse a limit of memory into bytes.

    Raises:
        InputError: not a quantity of bytes, or less than one byte.

    >>> parse_memory("2 GiB")
    2147483648
    """
    size = parse_quantity(text, "bytes")
    if size < 1:
        raise InputError(f"'{text}' leaves no memory; write a size above 0, such as '2 GiB'")
    return int(size)


def parse_duration(text: str) -> float:
    """Parse a duration into seconds: `3 h`, `90 min`, `3h30m`.

    Raises:
        InputError: no duration, or not above 0.

    >>> parse_duration("3h30m"), parse_duration("45s")
    (12600.0, 45.0)
    """
    both = _HOURS_AND_MINUTES.fullmatch(text.strip())
    seconds = 3600.0 * int(both[1]) + 60.0 * int(both[2]) if both is not None else parse_quantity(text, "s", "10 min")
    if not 0 < seconds <= LONGEST_S:
        raise InputError(f"'{text}' is over before it begins, or never; write a duration such as '3 h'")
    return seconds


def parse_time_of_day(text: str) -> time:
    """Parse a time of day on the 24-hour clock.

    Raises:
        InputError: no such time.

    >>> parse_time_of_day("2:30")
    datetime.time(2, 30)
    """
    match = _TIME_OF_DAY.fullmatch(text.strip())
    if match is not None and int(match[1]) < 24 and int(match[2]) < 60:
        return time(int(match[1]), int(match[2]))
    raise InputError(f"'{text}' is no time of day; write it as HH:MM from 00:00 to 23:59, such as 02:30")


def parse_end(text: str) -> time | float:
    """Parse when something must end: a time of day (`06:00`), or so many seconds from now (`3 h`).

    Raises:
        InputError: neither.
    """
    if ":" in text:
        return parse_time_of_day(text)
    try:
        return parse_duration(text)
    except InputError as error:
        raise InputError(f"{error}; or write a time of day, such as 06:00") from error


def _share(number: str, text: str) -> float:
    """Parse a percentage into a share, `text` being what the user wrote."""
    try:
        share = parse_quantity(number, "ratio") / 100
    except InputError as error:
        raise InputError(f"'{text}' is no share; write a percentage, such as '95 % of best'") from error
    if share < 0:
        raise InputError(f"'{text}' is a share below 0; write a percentage of 0 or more")
    return share
