"""Axes that people read: ticks in ms, MiB and mJ, log where a cost spans a range."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from bench.report.wording import Measure
from bench.units import display_unit, format_number

LOG_FROM = 1.6
"""A cost whose largest value is more than this many times its smallest is drawn on a log axis."""
ROOM = 0.08
"""Share of the range left free at each end."""
TICKS = 6
"""Most ticks on an axis."""


LineStyle = str | tuple[int, tuple[float, ...]]
DASHES: tuple[LineStyle, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
"""Lines of one family, in turn."""
WIDE = 1000.0
"""A log axis over more than this factor names the unit at each tick: 10 µs and 1 s do not read well in
either's unit."""

GAP = 10.0
"""An empty stretch by this factor sets a few candidates (usually the baselines) apart from the rest."""
MOST_APART = 0.4
"""At most this share of the candidates is drawn off the scale."""
LANE = 0.13
"""Share of the axis that candidates off the scale get."""


def main_range(measure: Measure, values: Sequence[float]) -> tuple[float, float]:
    """Find the range of the values without a few that are more than ten times below the rest.

    A baseline of 50 µs beside models of 5 to 200 ms would otherwise take half of a log axis.
    """
    ordered = sorted(values)
    if not measure.is_cost or measure.higher_is_better or ordered[0] <= 0:
        return ordered[0], ordered[-1]
    allowed = int(len(ordered) * MOST_APART)
    cuts = [i for i in range(1, allowed + 1) if ordered[i] / ordered[i - 1] > GAP]
    return (ordered[cuts[-1]] if cuts else ordered[0]), ordered[-1]


def span(values: Sequence[float]) -> tuple[float, float]:
    """Find the least and the greatest, apart from each other even when there is one value."""
    low, high = min(values), max(values)
    if low == high:
        pad = abs(low) * 0.1 or 1.0
        return low - pad, high + pad
    return low, high


def is_log(measure: Measure, values: Sequence[float]) -> bool:
    """Tell whether these values are drawn on a log axis."""
    return measure.is_cost and min(values) > 0 and max(values) / min(values) > LOG_FROM


def set_axis(axes: Axes, which: str, measure: Measure, values: Sequence[float], *, title: str = "") -> bool:
    """Scale one axis to the values and label it in the unit a person reads; return whether it is log."""
    log = is_log(measure, values)
    low, high = span(values)
    if log:
        room = (high / low) ** ROOM
        low, high = low / room, high * room
    else:
        room = (high - low) * ROOM
        low, high = low - room, high + room
        if measure.unit == "ratio":
            low, high = (
                max(low, -0.02 if min(values) >= 0 else low),
                min(high, 1.02 if max(values) <= 1 else high),
            )
    axis = axes.xaxis if which == "x" else axes.yaxis
    axes.set(**{f"{which}scale": "log" if log else "linear"})
    axes.set(**{f"{which}lim": (low, high)})
    unit, factor = display_unit(sorted(values)[len(values) // 2] if log else max(abs(low), abs(high)), measure.unit)
    axis.set_major_locator(
        FixedLocator(log_ticks(low, high, factor, measure.unit)) if log else _linear(low, high, factor)
    )
    axis.set_minor_locator(NullLocator())
    mixed = log and high / low > WIDE and display_unit(low, measure.unit)[0] != display_unit(high, measure.unit)[0]
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: _with_unit(value, measure.unit) if mixed else tick_text(value, factor))
    )
    label = title or measure.title
    shown = f"{label} ({unit})" if unit and not mixed else label
    axes.set(**{f"{which}label": f"{shown}, log scale" if log else shown})
    return log


def _linear(low: float, high: float, factor: float) -> FixedLocator:
    ticks = MaxNLocator(nbins=TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(low / factor, high / factor)
    return FixedLocator([tick * factor for tick in ticks if low <= tick * factor <= high])


def log_ticks(low: float, high: float, factor: float, unit: str) -> list[float]:
    """Choose round values between the limits, in base units: 1-2-5 per decade, powers of two for bytes."""
    a, b = low / factor, high / factor
    if unit == "bytes":
        powers = [2.0**k for k in range(math.floor(math.log2(a)), math.ceil(math.log2(b)) + 1)]
        inside = [tick for tick in powers if a <= tick <= b]
    else:
        inside = []
        for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
            decades = range(math.floor(math.log10(a)), math.ceil(math.log10(b)) + 1)
            inside = [step * 10.0**k for k in decades for step in steps if a <= step * 10.0**k <= b]
            if len(inside) >= 3:
                break
    if len(inside) < 2:
        ticks = MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]).tick_values(a, b)
        inside = [float(tick) for tick in ticks if a <= tick <= b and tick > 0]
    while len(inside) > TICKS:
        inside = inside[::2]
    return [tick * factor for tick in inside]


def tick_text(value: float, factor: float) -> str:
    """Write a tick's number in the axis's unit, without needless zeros.

    >>> tick_text(0.05, 0.001), tick_text(0.85, 1.0), tick_text(1e6, 1.0)
    ('50', '0.85', '1,000,000')
    """
    shown = value / factor
    if shown == 0:
        return "0"
    sign = "−" if shown < 0 else ""
    if abs(shown) >= 1000:
        return f"{sign}{abs(shown):,.0f}"
    if abs(shown) >= 1e-3:
        return f"{sign}{abs(shown):.4g}"
    return format_number(shown)


def _with_unit(value: float, base: str) -> str:
    unit, factor = display_unit(value, base)
    return f"{tick_text(value, factor)} {unit}"


def tidy(axes: Axes, *, grid: str = "both") -> None:
    """Draw the faint grid."""
    if grid in ("both", "x"):
        axes.xaxis.grid(visible=True)
    if grid in ("both", "y"):
        axes.yaxis.grid(visible=True)
