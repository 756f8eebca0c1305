"""Units for people: parsing what they write (`50 ms`, `2 GiB`) and formatting what they read.

Inside bench every quantity is in SI base units (seconds, bytes, joules). MiB is 1024² bytes, MB is 10⁶.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from bench.errors import InputError, nearest

FACTORS: dict[str, dict[str, float]] = {
    "s": {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0},
    "bytes": {
        "B": 1.0,
        "bytes": 1.0,
        "kB": 1e3,
        "MB": 1e6,
        "GB": 1e9,
        "TB": 1e12,
        "KiB": 1024.0,
        "MiB": 1024.0**2,
        "GiB": 1024.0**3,
        "TiB": 1024.0**4,
    },
    "J": {"uJ": 1e-6, "µJ": 1e-6, "mJ": 1e-3, "J": 1.0, "kJ": 1e3, "Wh": 3600.0, "kWh": 3.6e6},
    "W": {"mW": 1e-3, "W": 1.0, "kW": 1e3},
    "1/s": {"/s": 1.0, "1/s": 1.0, "/min": 1 / 60, "/h": 1 / 3600},
    "FLOP": {"FLOP": 1.0, "MFLOP": 1e6, "GFLOP": 1e9, "TFLOP": 1e12},
    "count": {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9},
    "ratio": {"": 1.0, "%": 0.01},
    "score": {"": 1.0},
    "currency": {"": 1.0},
    "gCO2": {"g": 1.0, "kg": 1e3, "gCO2": 1.0},
}
"""For each base unit, the factor of every accepted spelling."""

_QUANTITY = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\s\d].*)?$")


def parse_quantity(text: str, unit: str, example: str | None = None) -> float:
    """Parse the quantity that `text` states, in the base unit `unit`.

    Args:
        text: what is written.
        unit: the base unit.
        example: of what may be written, for messages; None for the usual of that unit.

    Raises:
        InputError: not a number with a unit of that dimension.

    >>> parse_quantity("50 ms", "s")
    0.05
    >>> parse_quantity("2 GiB", "bytes")
    2147483648.0
    """
    match, example = _QUANTITY.match(text), example or _example(unit)
    if match is None:
        raise InputError(f"'{text}' is not a quantity; write a number and a unit, such as '{example}'")
    number, spelling = float(match.group(1)), (match.group(2) or "").strip()
    factors = FACTORS[unit]
    if spelling not in factors:
        if not spelling:
            raise InputError(f"'{text}' has no unit; write one of {', '.join(factors)}, such as '{example}'")
        raise InputError(
            f"'{text}': no unit of this quantity is written '{spelling}'; {nearest(spelling, filter(None, factors))}"
        )
    if not math.isfinite(number * factors[spelling]):
        raise InputError(f"'{text[:40]}' is too large; write a finite quantity, such as '{example}'")
    return number * factors[spelling]


def _example(unit: str) -> str:
    return {"s": "50 ms", "bytes": "2 GiB", "J": "0.5 J", "W": "100 W", "1/s": "20 /s"}.get(unit, "0.85")


_SCALES: dict[str, list[tuple[float, str, float]]] = {
    "s": [
        (1e-6, "ns", 1e-9),
        (1e-3, "µs", 1e-6),
        (1.0, "ms", 1e-3),
        (120.0, "s", 1.0),
        (7200.0, "min", 60.0),
        (math.inf, "h", 3600.0),
    ],
    "bytes": [
        (1024.0, "B", 1.0),
        (1024.0**2, "KiB", 1024.0),
        (1024.0**3, "MiB", 1024.0**2),
        (math.inf, "GiB", 1024.0**3),
    ],
    "J": [(1e-3, "µJ", 1e-6), (1.0, "mJ", 1e-3), (1e4, "J", 1.0), (math.inf, "kJ", 1e3)],
    "FLOP": [(1e6, "FLOP", 1.0), (1e9, "MFLOP", 1e6), (1e12, "GFLOP", 1e9), (math.inf, "TFLOP", 1e12)],
    "count": [(1e3, "", 1.0), (1e6, "k", 1e3), (1e9, "M", 1e6), (math.inf, "B", 1e9)],
}


def scales() -> dict[str, list[tuple[float | None, str, float]]]:
    """List, for each base unit that people read in several, the units in rising order: below which size (None:
    any), name, and how many base units it holds. For the report's scripts, which format as `display_unit` does.

    >>> scales()["J"][0]
    (0.001, 'µJ', 1e-06)
    """
    return {
        base: [(None if math.isinf(bound) else bound, name, factor) for bound, name, factor in rows]
        for base, rows in _SCALES.items()
    }


def display_unit(value: float, unit: str) -> tuple[str, float]:
    """Choose the unit in which a person reads a quantity of this size, and how many base units it holds.

    >>> display_unit(0.0123, "s")
    ('ms', 0.001)
    """
    for bound, name, factor in _SCALES.get(unit, []):
        if abs(value) < bound:
            return name, factor
    return {"1/s": "/s", "ratio": "", "score": "", "gCO2": "gCO₂", "currency": ""}.get(unit, unit), 1.0


def format_quantity(value: float | None, unit: str) -> str:
    """Write `value`, given in the base unit, as a person reads it, with three significant digits.

    >>> format_quantity(0.01234, "s")
    '12.3 ms'
    >>> format_quantity(None, "s")
    'not measured'
    """
    if value is None:
        return "not measured"
    if not math.isfinite(value):
        return str(value)
    name, factor = display_unit(value, unit)
    return f"{format_number(value / factor)} {name}".rstrip()


def format_number(value: float) -> str:
    """Write a number with three significant digits, or all before the point, and no exponent between 0.001 and 10⁹.

    >>> format_number(1234.5), format_number(0.5), format_number(12.345), format_number(2.38e6)
    ('1,234', '0.500', '12.3', '2,380,000')
    """
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e9 or size < 1e-3:
        return f"{value:.3g}"
    if size >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(size)))
    return f"{value:.{digits}f}"


def plural(count: int, word: str) -> str:
    """Count things: `1 model`, `2 models`.

    >>> plural(1, "model"), plural(2, "model")
    ('1 model', '2 models')
    """
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


_CPUS = re.compile(r"^\d+(-\d+)?(,\d+(-\d+)?)*$")
MAX_CPU = 8191
"""Highest number that Linux can be built for (NR_CPUS 8192); a typing error is then no list of a billion."""


def parse_cpus(text: str) -> tuple[int, ...]:
    """Parse the CPU numbers of a list as `taskset -c` and the kernel write it, in ascending order.

    Raises:
        InputError: not such a list.

    >>> parse_cpus("0-2, 8")
    (0, 1, 2, 8)
    """
    plain, cpus = re.sub(r"\s", "", text), set[int]()
    if not _CPUS.match(plain):
        raise InputError(f"'{text}' is not a list of CPUs; write numbers and ranges, such as '0-3,8'")
    for part in plain.split(","):
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if high < low or high > MAX_CPU:
            raise InputError(f"'{text}': '{part}' is no range of CPUs; write the lower number first, at most {MAX_CPU}")
        cpus.update(range(low, high + 1))
    return tuple(sorted(cpus))


def format_cpus(cpus: Iterable[int]) -> str:
    """Write the list with ranges.

    >>> format_cpus([3, 0, 1, 2, 8])
    '0-3,8'
    """
    parts: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if parts and cpu == parts[-1][-1] + 1:
            parts[-1].append(cpu)
        else:
            parts.append([cpu])
    return ",".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)
