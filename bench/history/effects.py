"""What counts: the smallest change of each reading that matters, and the scale on which changes are judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import READINGS
from bench.history.series import Point, Series
from bench.metrics.base import PERCENT_POINT
from bench.metrics.catalogue import METRICS
from bench.words.changes import percent_change, points

Floats = NDArray[np.float64]

POINTS_THAT_COUNT = 0.5
"""Half a point of a share and of a score from 0 to 100: below it a change is smaller than what the published scores of
one model differ by."""
QUALITY_RELATIVE = 0.01
"""Of quality metrics whose scale has no points: bits per byte, perplexity, a function of one's own."""

MACHINE_SPEED = {"s": 1.0, "1/s": -1.0}
"""Units that follow the machine's speed: their logarithm moves with that of the canary, or against it."""


SHOWN = 0.1
"""Share of the smallest change that counts by which the values themselves must move; see `seen_by_users`."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How changes of one reading are judged."""

    relative: bool
    """Whether changes are ratios (judged as differences of logarithms) rather than differences."""
    minimum: float
    """Smallest change that counts: a share when `relative`, else in the reading's unit."""

    @property
    def step(self) -> float:
        """Return the smallest change that counts, on the scale on which levels are compared."""
        return math.log1p(self.minimum) if self.relative else self.minimum


def scale_of(reading: str, unit: str) -> Scale:
    """Find how changes of a reading are judged.

    >>> scale_of("latency_p50_s", "s").minimum, scale_of("accuracy", "ratio").minimum
    (0.03, 0.005)
    >>> scale_of("bleu", "score").minimum, scale_of("bits_per_byte", "score")
    (0.5, Scale(relative=True, minimum=0.01))
    """
    if reading in READINGS:
        return Scale(True, READINGS[reading].smallest_effect)
    point = METRICS[reading].point if reading in METRICS else PERCENT_POINT if unit == "ratio" else None
    return Scale(True, QUALITY_RELATIVE) if point is None else Scale(False, POINTS_THAT_COUNT * point)


def levels(series: Series, points: Sequence[Point], *, machine_out: bool = True) -> Floats | None:
    """Return the values of points on the scale of their series, shape `(n,)`; None where a ratio has no meaning.

    The canary of each night is taken out of durations and rates, when every night has one and `machine_out` says so.
    """
    values = np.array([point.value for point in points], dtype=np.float64)
    if not scale_of(series.reading, series.unit).relative:
        return values
    if (values <= 0).any():
        return None
    logs = np.log(values)
    speed = MACHINE_SPEED.get(series.unit, 0.0) if not series.is_quality else 0.0
    if machine_out and speed and all(point.canary_s for point in points):
        logs = logs - speed * np.log(np.array([point.canary_s for point in points], dtype=np.float64))
    return np.asarray(logs, dtype=np.float64)


def seen_by_users(raw_shift: float, shift: float, step: float) -> bool:
    """Return whether a change that is left when the machine's speed is taken out shows in the values themselves.

    A model that waits (for a GPU, a disk, a clock) does not follow the canary, and dividing by it would then make a
    change out of a machine that sped up: the values must move the same way, by a tenth of what counts.
    """
    return raw_shift * shift > 0 and abs(raw_shift) >= SHOWN * step


def change_words(series: Series, shift: float) -> str:
    """Write a shift of levels as people say it: `+5.2 %`, or `−2.0 points`."""
    scale = scale_of(series.reading, series.unit)
    if scale.relative:
        return percent_change(math.expm1(shift))
    return point_words(shift, scale)


def point_words(change: float, scale: Scale) -> str:
    """Write a change that is no ratio as people say it.

    >>> point_words(-0.021, Scale(False, 0.005)), point_words(1.25, Scale(False, 0.5))
    ('−2.1 points', '+1.2 points')
    """
    return points(change, scale.minimum)
