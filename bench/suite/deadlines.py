"""When a night must end, as people write it: a time of day, or how long from now."""

from __future__ import annotations

import math
import re
from datetime import time

from bench.errors import InputError, UsageError
from bench.units import parse_quantity

LONGEST_S = 7 * 24 * 3600.0
"""A night that may last longer than a week has no deadline; without one, leave the key out."""
EXAMPLES = "write a time of day such as 06:00, or a duration such as 3 h, 90 min or 3h30m"

_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_HOURS_AND_MINUTES = re.compile(r"([0-9]{1,3})\s*h\s*([0-9]{1,4})\s*(?:m|min)")
"""`3h30m`; a single number with its unit is `bench.units`' to read."""


def parse_time(text: str, option: str = "--at") -> time:
    """Read a time of day (24 hours, HH:MM).

    Raises:
        UsageError: it is none.

    >>> parse_time("2:30")
    datetime.time(2, 30)
    """
    match = _TIME.fullmatch(text.strip())
    if match is not None and int(match[1]) < 24 and int(match[2]) < 60:
        return time(int(match[1]), int(match[2]))
    raise UsageError(f"{option}: '{text}' is no time of day; write it as HH:MM from 00:00 to 23:59, such as 02:30")


def parse_deadline(text: str) -> time | float:
    """Read a deadline: a time of day, or seconds from now.

    Raises:
        UsageError: it is neither, or it is not between now and in a week.

    >>> parse_deadline("06:00"), parse_deadline("3h30m"), parse_deadline("90 min")
    (datetime.time(6, 0), 12600.0, 5400.0)
    """
    if ":" in text:
        return parse_time(text, "deadline")
    both = _HOURS_AND_MINUTES.fullmatch(text.strip())
    try:
        seconds = parse_quantity(text, "s") if both is None else 3600.0 * int(both[1]) + 60.0 * int(both[2])
    except InputError as error:
        raise UsageError(f"deadline: {error}; {EXAMPLES}") from error
    if math.isfinite(seconds) and 0 < seconds <= LONGEST_S:
        return seconds
    raise UsageError(f"deadline: '{text}' is not between now and in a week; {EXAMPLES}")
