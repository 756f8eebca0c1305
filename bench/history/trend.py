"""What a series says by itself: an alarm over its last nights, and the nights at which its level changed.

Works on logarithms, so that 3 % means the same of every reading, and on values divided by the canary of their
night where the reading is a duration or a rate, so that a slower machine is not a slower model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu, rankdata

from bench.history.effects import change_words, levels, scale_of
from bench.history.series import Point, Series

Floats = NDArray[np.float64]

LAST = (5, 10)
"""Nights that are compared with those before: five find a step soon, ten one that five cannot tell from noise."""
BEFORE = 30
"""Nights they are compared with. Source of 5, 30, the level, 3 % and 3 MAD: the facts in the issue."""
FEWEST_BEFORE = 12
"""With fewer nights before, five of five higher values are no evidence at `LEVEL`: C(17, 5) = 6188."""
LEVEL = 0.001
MADS = 3.0
"""Times the median absolute deviation of the nights before."""
ERRORS = 6.0
"""Times the standard error of the shift, with the nights' own correlation: a normal shift passes this once in
30 000 looks. Without it 40 readings of correlated nights raise about 5 false alarms in 100 nights
(`benchmarks/gate.py`)."""
SIGMA_PER_MAD = 1.4826
"""Standard deviation of a normal distribution in units of its MAD."""
MOST_CORRELATION = 0.8
"""Beyond it thirty nights cannot tell a correlated level from a changed one."""
SHORTEST = 5
"""Nights on either side of a change point."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """The last nights differ from those before."""

    series: Series
    run_id: str
    """The newest night."""
    ratio: float
    """Median of the last nights ÷ median of those before, the machine's own speed taken out."""
    p: float
    worse: bool
    """False when the reading became better."""
    since: str
    """Run id of the first of the last nights."""
    baseline_nights: int
    minimum_effect: float
    """Smallest change that raises an alarm on this series: a share, or in the unit of a quality metric."""
    text: str


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A night from which a series has another level."""

    run_id: str
    """First night of the new level."""
    started_at: str
    before: float
    """Median before, in the series' unit."""
    after: float
    ratio: float
    """after ÷ before, the machine's own speed taken out."""
    p: float
    worse: bool
    text: str


def trend_alarm(series: Series) -> Alarm | None:
    """Returns the alarm that the last nights of a series raise; None when they raise none, or are too few.

    Mann and Whitney's test of the last nights against the thirty before, with a smallest effect of
    max(the reading's own, 3 MAD, 6 standard errors under the nights' correlation). Only nights of the newest
    environment count, and only when the newest night has a value.
    """
    if not series.points or series.points[-1].value is None:
        return None
    points = series.current()
    for last in LAST:
        window = points[-(last + BEFORE) :]
        if len(window) < last + FEWEST_BEFORE:
            return None
        alarm = _alarm(series, window, last)
        if alarm is not None:
            return alarm
    return None


def _alarm(series: Series, window: tuple[Point, ...], last: int) -> Alarm | None:
    values = levels(series, window)
    if values is None:
        return None
    before, after = values[:-last], values[-last:]
    shift = float(np.median(after) - np.median(before))
    scale = scale_of(series.reading, series.unit)
    smallest = max(scale.step, shown_noise(before, last))
    if abs(shift) < smallest:
        return None
    p = float(mannwhitneyu(after, before, alternative="two-sided").pvalue)
    if p >= LEVEL:
        return None
    worse = (shift < 0) == series.larger_is_better
    minimum = math.expm1(smallest) if scale.relative else smallest
    what = f"{change_words(series, shift)} over the last {last} nights against the {len(before)} before"
    text = f"{series.label}: {'worse' if worse else 'better'}, {what} (p = {p:.2g})"
    ratio = _ratio(series, window, last, shift, scale.relative)
    return Alarm(
        series, window[-1].run_id, ratio, p, worse, window[-last].run_id, len(before), minimum, text
    )  # fmt: skip


def _ratio(series: Series, window: tuple[Point, ...], last: int, shift: float, relative: bool) -> float:
    if relative:
        return math.exp(shift)
    before = float(np.median([point.value for point in window[:-last]]))
    return (before + shift) / before if before else math.inf


def shown_noise(before: Floats, last: int) -> float:
    """Returns the shift that nights like those before do not show by themselves, on the scale of the levels.

    max(3 MAD, 6 standard errors of a difference of means of n and m nights), each variance σ²/n ·
    (1 + r)/(1 − r) for a correlation r of neighbouring nights (the limit of a first-order process).

    Source: Wilks, Statistical Methods in the Atmospheric Sciences (2011), section 5.2.4.
    """
    mad = float(np.median(np.abs(before - np.median(before))))
    correlation = neighbours_correlation(before)
    inflation = (1 + correlation) / (1 - correlation)
    variance = (SIGMA_PER_MAD * mad) ** 2 * min(inflation / last + inflation / before.size, 1.0 + inflation)
    return max(MADS * mad, ERRORS * math.sqrt(variance))


def neighbours_correlation(values: Floats) -> float:
    """Returns the correlation of each night with the next, between 0 and `MOST_CORRELATION`; outliers are cut at
    3 MAD first."""
    centre = float(np.median(values))
    mad = float(np.median(np.abs(values - centre)))
    if mad == 0.0 or values.size < 3:
        return 0.0
    cut = np.clip(values - centre, -3 * SIGMA_PER_MAD * mad, 3 * SIGMA_PER_MAD * mad)
    cut = cut - cut.mean()
    found = float((cut[1:] * cut[:-1]).sum() / (cut**2).sum())
    return min(MOST_CORRELATION, max(0.0, found))


def change_points(series: Series) -> tuple[ChangePoint, ...]:
    """Returns the nights at which the level changed, oldest first; each segment is searched by itself.

    Pettitt's test finds the most likely night, both sides are searched again. A change must pass the test at
    `LEVEL` and be larger than the noise of the nights around it (`shown_noise`).

    Source: Pettitt (1979), Applied Statistics 28, 126-135.
    """
    found: list[ChangePoint] = []
    for segment in sorted({point.segment for point in series.points}):
        points = [point for point in series.points if point.segment == segment and point.value is not None]
        values = levels(series, points) if points else None
        if values is not None:
            found += _search(series, points, values, 0, len(points))
    return tuple(sorted(found, key=lambda change: change.started_at))


def _search(series: Series, points: list[Point], values: Floats, start: int, end: int) -> list[ChangePoint]:
    """Returns the change points of points[start:end]."""
    if end - start < 2 * SHORTEST:
        return []
    cut, p = pettitt(values[start:end])
    at = start + min(max(cut, SHORTEST), end - start - SHORTEST)
    if p >= LEVEL:
        return []
    sides = _search(series, points, values, start, at) + _search(series, points, values, at, end)
    change = _change(series, points, values, (max(start, at - BEFORE), at, min(end, at + BEFORE)), p)
    return sides if change is None else [*sides, change]


def _change(
    series: Series, points: list[Point], values: Floats, place: tuple[int, int, int], p: float
) -> ChangePoint | None:
    start, at, end = place
    before, after = values[start:at], values[at:end]
    shift = float(np.median(after) - np.median(before))
    scale = scale_of(series.reading, series.unit)
    noise = max(shown_noise(before, after.size), shown_noise(after, before.size))
    if abs(shift) < max(scale.step, noise):
        return None
    raw = [float(np.median([point.value for point in side])) for side in (points[start:at], points[at:end])]
    ratio = math.exp(shift) if scale.relative else (raw[1] / raw[0] if raw[0] else math.inf)
    worse = (shift < 0) == series.larger_is_better
    text = f"{series.label}: {change_words(series, shift)} from {points[at].run_id} on"
    return ChangePoint(points[at].run_id, points[at].started_at, raw[0], raw[1], ratio, p, worse, text)


def pettitt(values: Floats) -> tuple[int, float]:
    """Returns the index of the first value after the most likely change, and the p-value that there is none.

    U_t = 2 Σ_{i ≤ t} rank_i − t (n + 1); p ≈ 2 exp(−6 K² / (n³ + n²)) with K = max |U_t|.

    >>> pettitt(np.array([1.0, 2, 1, 2, 1, 9, 8, 9, 8, 9]))[0]
    5
    """
    n = values.size
    steps = 2 * np.cumsum(rankdata(values))[:-1] - np.arange(1, n) * (n + 1)
    best = int(np.argmax(np.abs(steps)))
    largest = float(abs(steps[best]))
    return best + 1, min(1.0, 2 * math.exp(-6 * largest**2 / (n**3 + n**2)))
