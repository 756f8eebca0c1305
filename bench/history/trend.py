"""What a series says by itself: an alarm over its last nights, and the nights at which its level changed.

Works on logarithms, so that 3 % means the same of every reading, and on values divided by the canary of their
night where the reading is a duration or a rate, so that a slower machine is not a slower model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from bench.history.effects import MACHINE_SPEED, change_words, levels, scale_of, seen_by_users
from bench.history.series import Point, Series
from bench.stats.ranks import mann_whitney, median, ranks

Floats = NDArray[np.float64]
NONE: Floats = np.empty(0)

ERRORS = {5: 6.0, 10: 5.0, 15: 4.4}
"""Nights that are compared with those before (five find a large step soon, more find one that five cannot tell from
noise), and the standard errors of the shift that they must show. A normal shift of known error would need fewer, but
error and correlation are estimated, forty readings are examined every night, and few nights that hang together lie
further off by chance than their error says. One number for all three, 4.8, gave 0.75 false alarms in 100 nights and
found 74 % of the 5 % steps; these, 0.41 and 77 % (8000 nights, 1600 steps; `benchmarks/gate.py`). They are tuned on
that world and not derived: the same script prints what they do in worlds that they were not tuned on."""
LAST = tuple(ERRORS)
BEFORE = 30
"""Nights they are compared with; `benchmarks/gate.py` counts false alarms and found steps under these numbers."""
EARLIER = 30
"""Nights before those, whose scatter counts, and whose level does not: the standard error is known better."""
FEWEST_BEFORE = 12
"""With fewer nights before, five of five higher values are no evidence at `LEVEL`: C(17, 5) = 6188."""
LEVEL = 0.001
MADS = 3.0
"""Times the median absolute deviation of the nights before."""
SIGMA_PER_MAD = 1.4826
"""Standard deviation of a normal distribution in units of its MAD."""
WIDER = 2.5
"""Times the variance of the last nights must be that of those before to be taken as one of its own, which so few nights
tell badly: their errors are then as much longer as Student's are than the normal distribution's at `LEVEL`."""
NOISY, NOISY_ERRORS = 3.0, 1.2
"""Where the noise of a reading is more than so many of its own smallest changes, that change protects from nothing: the
shift must then be so many times what noise does not show by itself. It took the false alarms of series that had come to
spread three times as much from 1.00 to 0.70 in 100 nights, and the 5 % steps that are found from 72 to 71 % (6000
nights, 400 steps)."""
USUAL_CORRELATION = 0.4
"""Of one night with the next, before any is seen: caches, heat and neighbours of a machine last for days."""
USUAL_NIGHTS = 30
"""Nights that this counts for."""
MOST_CORRELATION = 0.8
"""Beyond it thirty nights cannot tell a correlated level from a changed one."""
SPREAD_NIGHTS = 20
"""Nights whose scatter is compared with that of those before: with fewer a spread three times as large is chance."""
SPREAD_LEVEL = 5e-4
"""Stricter than that of a level: nights are correlated, which ranks of distances do not allow for."""
LEAST_SPREAD = 2.5
"""Times the median absolute deviation must be larger to be told."""
FLEET = 3
"""Other models on the same machine that must show a shift, and be most of them, for it to be the machine's."""
SHARED = 0.5
"""Share of a shift from which on another model shows it as well."""
AlarmKind = Literal["level", "spread"]
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
    change: str
    """How large the change is and how sure, in words."""
    text: str
    """The whole sentence, with the name of the series."""
    nights: int = LAST[0]
    """How many the last nights are."""
    shift: float = 0.0
    """On the scale of the levels; of a spread, the logarithm of how many times larger it is."""
    kind: AlarmKind = "level"
    """Whether its level changed, or how much its nights differ."""


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
    change: str
    """How large the change is, in words."""
    text: str
    """The whole sentence, with the name of the series."""


@dataclass(frozen=True, slots=True)
class Together:
    """Alarms that the models of a machine raise together, which are the machine's and no model's."""

    alarms: tuple[Alarm, ...]


def trend_alarms(every: Sequence[Series]) -> tuple[tuple[Alarm, ...], Together]:
    """Return the alarms of all series of a suite, and those that are the machine's.

    A canary is one program, and does not feel all that slows a model: another neighbour, another memory bus. The other
    models on the machine do. What at least `FLEET` of them, and most, show by half or more is no model's.
    """
    alarms = [alarm for series in every if (alarm := trend_alarm(series) or spread_alarm(series)) is not None]
    own = tuple(alarm for alarm in alarms if not _is_shared(alarm, every))
    return own, Together(tuple(alarm for alarm in alarms if alarm not in own))


def alarms_by_series(every: Sequence[Series]) -> dict[tuple[str, str, str, str], Alarm]:
    """Return the alarms that are some model's own, by the key of their series."""
    return {alarm.series.key: alarm for alarm in trend_alarms(every)[0]}


def _is_shared(alarm: Alarm, every: Sequence[Series]) -> bool:
    series = alarm.series
    if series.unit not in MACHINE_SPEED or series.is_quality:
        return False
    moved: dict[str, list[float]] = {}
    for other in every:
        if other.model != series.model and other.unit == series.unit and not other.is_quality:
            shift = _moved(other, alarm)
            if shift is not None:
                moved.setdefault(other.model, []).append(shift)
    shifts = [float(np.median(each)) for each in moved.values()]
    alike = sum(shift * alarm.shift > 0 and abs(shift) >= SHARED * abs(alarm.shift) for shift in shifts)
    return alike >= FLEET and 2 * alike > len(shifts)


def _moved(series: Series, alarm: Alarm) -> float | None:
    """Return by how much another series moved when this alarm rings; None where it has too few nights."""
    points = series.current()[-(alarm.nights + BEFORE) :]
    values = levels(series, points) if len(points) >= alarm.nights + FEWEST_BEFORE else None
    if values is None:
        return None
    before, after = values[: -alarm.nights], values[-alarm.nights :]
    return typical_shift(before, after) if alarm.kind == "level" else math.log(max(_times_wider(before, after), 1e-9))


def _times_wider(before: Floats, after: Floats) -> float:
    return _mad(after) / max(_mad(before), np.finfo(np.float64).tiny)


def spread_alarm(series: Series) -> Alarm | None:
    """Return the alarm that the nights of a series differ more than before; None where they do not.

    Mann and Whitney's test of the distances from the median of the last `SPREAD_NIGHTS` against those of the nights
    before, and `LEAST_SPREAD` times the median distance at least. A change of level is not one of spread: each side has
    a median of its own.

    Source: Fligner and Killeen (1976), Journal of the American Statistical Association 71, 210-213, for ranks of
    distances.
    """
    if not series.points or series.points[-1].value is None or series.is_quality:
        return None
    points = series.current()[-(SPREAD_NIGHTS + BEFORE) :]
    values = levels(series, points) if len(points) >= SPREAD_NIGHTS + FEWEST_BEFORE else None
    if values is None:
        return None
    before, after = values[:-SPREAD_NIGHTS], values[-SPREAD_NIGHTS:]
    near, far = np.abs(before - median(before)), np.abs(after - median(after))
    times, p = _times_wider(before, after), mann_whitney(far, near)
    step = scale_of(series.reading, series.unit).step
    if times < LEAST_SPREAD or p >= SPREAD_LEVEL or _mad(after) * SIGMA_PER_MAD < step:
        return None
    change = f"nights vary {times:.1f} times as much as the {len(before)} before, over the last {SPREAD_NIGHTS}"
    return Alarm(
        series=series,
        run_id=points[-1].run_id,
        ratio=times,
        p=p,
        worse=True,
        since=points[-SPREAD_NIGHTS].run_id,
        baseline_nights=len(before),
        minimum_effect=LEAST_SPREAD - 1,
        change=f"{change} (p = {p:.2g})",
        text=f"{series.label}: {change} (p = {p:.2g}); its level did not change",
        nights=SPREAD_NIGHTS,
        shift=math.log(times),
        kind="spread",
    )


def trend_alarm(series: Series) -> Alarm | None:
    """Return the alarm that the last nights of a series raise; None when they raise none, or are too few.

    Mann and Whitney's test of the last nights against the thirty before, with a smallest effect of
    max(the reading's own, 3 MAD, `ERRORS` standard errors under the nights' correlation). Only nights of the newest
    environment count, and only when the newest night has a value.
    """
    if not series.points or series.points[-1].value is None:
        return None
    points = series.current()[-(LAST[-1] + BEFORE + EARLIER) :]
    if len(points) < LAST[0] + FEWEST_BEFORE:
        return None
    values, raw = levels(series, points), levels(series, points, machine_out=False)
    if values is None or raw is None:
        return None
    for last in LAST:
        start = max(0, len(points) - last - BEFORE)
        if len(points) - start < last + FEWEST_BEFORE:
            return None
        earlier = values[max(0, start - EARLIER) : start]
        alarm = _alarm(series, points[start:], values[start:], raw[start:], last, earlier)
        if alarm is not None:
            return alarm
    return None


def _alarm(
    series: Series, window: tuple[Point, ...], values: Floats, raw: Floats, last: int, earlier: Floats
) -> Alarm | None:
    before, after = values[:-last], values[-last:]
    shift = typical_shift(before, after)
    scale = scale_of(series.reading, series.unit)
    noise = shown_noise(before, last, earlier, after)
    smallest = max(scale.step, noise * NOISY_ERRORS if noise > NOISY * scale.step else noise)
    shown = median(raw[-last:]) - median(raw[:-last])
    if abs(shift) < smallest or not seen_by_users(shown, shift, scale.step):
        return None
    p = mann_whitney(after, before)
    if p >= LEVEL:
        return None
    worse = (shift < 0) == series.larger_is_better
    minimum = math.expm1(smallest) if scale.relative else smallest
    what = f"{change_words(series, shift)} over the last {last} nights against the {len(before)} before"
    change = f"{what} (p = {p:.2g})"
    text = f"{series.label}: {'worse' if worse else 'better'}, {change}"
    ratio = _ratio(series, window, last, shift, scale.relative)
    since = window[-last].run_id
    return Alarm(
        series, window[-1].run_id, ratio, p, worse, since, len(before), minimum, change, text, nights=last, shift=shift
    )


def typical_shift(before: Floats, after: Floats) -> float:
    """Estimate a shift as the median of all differences of a value after and one before (Hodges and Lehmann).

    As deaf to odd nights as a difference of medians, and steadier: with it as many steps are found with half as many
    false alarms (0.44 for 0.81 in 100 nights, the same simulated nights).

    Source: Hodges and Lehmann (1963), Annals of Mathematical Statistics 34, 598-611.
    """
    return median((after[:, None] - before[None, :]).ravel())


def _ratio(series: Series, window: tuple[Point, ...], last: int, shift: float, relative: bool) -> float:
    if relative:
        return math.exp(shift)
    before = float(np.median([point.value for point in window[:-last]]))
    return (before + shift) / before if before else math.inf


def shown_noise(before: Floats, last: int, earlier: Floats = NONE, after: Floats = NONE) -> float:
    """Return the shift that nights like those before do not show by themselves, on the scale of the levels.

    max(3 MAD, `ERRORS` standard errors of a difference of means of n and m nights), each variance σ²/n ·
    (1 + r)/(1 − r) for a correlation r of neighbouring nights (the limit of a first-order process).

    Args:
        before: the level that is compared with, five nights or more.
        last: nights that are compared with it, five or more.
        earlier: nights whose scatter around their own level counts, too, where there are `FEWEST_BEFORE` of them.
        after: the nights that are compared: where they vary more than those before, so does their mean.

    Source: Wilks, Statistical Methods in the Atmospheric Sciences (2011), section 5.2.4.
    """
    blocks = [_scatter(block) for block in (before, earlier) if block is before or block.size >= FEWEST_BEFORE]
    correlation = neighbours_correlation(*blocks)
    inflation = (1 + correlation) / (1 - correlation)
    night = sum(float((block**2).sum()) for block in blocks) / sum(block.size - 1 for block in blocks)
    own = float(_scatter(after).var(ddof=1)) if after.size > 1 else 0.0
    variance = max(night, own) * min(inflation / last, 1.0) + night * min(inflation / before.size, inflation)
    errors = ERRORS[max(nights for nights in LAST if nights <= last)]
    if own > night * WIDER:
        errors *= float(stdtrit(after.size - 1, 1 - LEVEL) / ndtri(1 - LEVEL))
    return max(MADS * _mad(before), errors * math.sqrt(variance))


def _mad(values: Floats) -> float:
    return median(np.abs(values - median(values)))


def _scatter(values: Floats) -> Floats:
    """Return the deviations from the mean of values that are cut at 3 standard deviations from their median."""
    widest = 3 * SIGMA_PER_MAD * _mad(values)
    cut = np.clip(values - median(values), -widest, widest)
    return np.asarray(cut - cut.mean(), dtype=np.float64)


def neighbours_correlation(*blocks: Floats) -> float:
    """Estimate the correlation of each night with the next, between 0 and `MOST_CORRELATION`.

    Corrected for its bias of −(1 + 4 r)/n in blocks of n nights, and drawn towards `USUAL_CORRELATION` as if by thirty
    nights more: the correlation of thirty nights is known to ± 0.16 only, and one that is underrated raises false
    alarms.

    Args:
        blocks: deviations of successive nights from their mean.

    Source: Kendall (1954), Biometrika 41, 403-404, for the bias.
    """
    n = sum(block.size for block in blocks)
    total = sum(float((block**2).sum()) for block in blocks)
    observed = sum(float((block[1:] * block[:-1]).sum()) for block in blocks) / total if total > 0 else 0.0
    unbiased = observed + (1 + 4 * observed) * len(blocks) / n
    drawn = (n * unbiased + USUAL_NIGHTS * USUAL_CORRELATION) / (n + USUAL_NIGHTS)
    return min(MOST_CORRELATION, max(0.0, drawn))


def change_points(series: Series) -> tuple[ChangePoint, ...]:
    """Find the nights at which the level changed, oldest first; each segment is searched by itself.

    Pettitt's test finds the most likely night, both sides are searched again. A change must pass the test at
    `LEVEL` and be larger than the noise of the nights around it (`shown_noise`).

    Source: Pettitt (1979), Applied Statistics 28, 126-135.
    """
    changes: list[ChangePoint] = []
    for segment in sorted({point.segment for point in series.points}):
        points = [point for point in series.points if point.segment == segment and point.value is not None]
        values = levels(series, points) if points else None
        if values is not None:
            changes += _search(series, points, values, 0, len(points))
    return tuple(sorted(changes, key=lambda change: change.started_at))


def _search(series: Series, points: list[Point], values: Floats, start: int, end: int) -> list[ChangePoint]:
    """Find the change points of points[start:end]."""
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
    shift = median(after) - median(before)
    scale = scale_of(series.reading, series.unit)
    noise = max(shown_noise(before, after.size), shown_noise(after, before.size))
    if abs(shift) < max(scale.step, noise):
        return None
    raw = [float(np.median([point.value for point in side])) for side in (points[start:at], points[at:end])]
    ratio = math.exp(shift) if scale.relative else (raw[1] / raw[0] if raw[0] else math.inf)
    worse = (shift < 0) == series.larger_is_better
    change = change_words(series, shift)
    text = f"{series.label}: {change} from {points[at].run_id} on"
    return ChangePoint(points[at].run_id, points[at].started_at, raw[0], raw[1], ratio, p, worse, change, text)


def pettitt(values: Floats) -> tuple[int, float]:
    """Return the index of the first value after the most likely change, and the p-value that there is none.

    U_t = 2 Σ_{i ≤ t} rank_i − t (n + 1); p ≈ 2 exp(−6 K² / (n³ + n²)) with K = max |U_t|.

    >>> pettitt(np.array([1.0, 2, 1, 2, 1, 9, 8, 9, 8, 9]))[0]
    5
    """
    n = values.size
    steps = 2 * np.cumsum(ranks(values))[:-1] - np.arange(1, n) * (n + 1)
    best = int(np.argmax(np.abs(steps)))
    largest = float(abs(steps[best]))
    return best + 1, min(1.0, 2 * math.exp(-6 * largest**2 / (n**3 + n**2)))
