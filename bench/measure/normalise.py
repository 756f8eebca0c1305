"""Make the times of requests on different inputs comparable, so that scatter means noise and not long sentences.

A request's time is divided by what that input is expected to take: the median of its own repeats where most
inputs repeat, else a robust line in its input and output tokens. Used by the doubts only; readings keep the
raw times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.record import Timing

Floats = NDArray[np.float64]

REPEATED_SHARE = 0.5
"""Share of the requests that must have at least `MIN_REPEATS` of their own input for the medians to be
used."""
MIN_REPEATS = 3
"""With two repeats the median is their mean, and the ratio hides half of the variance."""
MIN_FIT = 10
"""Least requests for the line of three coefficients."""
FIT_ROUNDS = 10
"""Rounds of reweighting; the weights of Huber's estimate settle in a few."""
HUBER = 1.345
"""Residual, in standard deviations, from which weight falls: 95 % efficiency on normal data. Source: Huber,
Robust Statistics, 1981."""


def relative_times(timings: Sequence[Timing]) -> Floats | None:
    """Compute time over expected time of each request, shape `(k,)`, in order; None when that cannot be known.

    k is the number of timings, or of those whose input repeats.
    """
    if not timings:
        return None
    durations = np.array([timing.duration_ns for timing in timings], dtype=np.float64)
    repeated = _by_own_median(timings, durations)
    if repeated is not None:
        return repeated
    tokens = np.array([[timing.input_tokens, timing.output_tokens] for timing in timings], dtype=np.float64)
    if np.all(tokens == tokens[0]):
        return _ratio(durations, np.full_like(durations, np.median(durations)))
    if len(timings) < MIN_FIT:
        return None
    return _ratio(durations, _line(tokens, durations))


def _by_own_median(timings: Sequence[Timing], durations: Floats) -> Floats | None:
    positions: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for position, timing in enumerate(timings):
        positions[timing.examples].append(position)
    often = [group for group in positions.values() if len(group) >= MIN_REPEATS]
    if sum(map(len, often)) < REPEATED_SHARE * len(timings):
        return None
    expected = np.full(len(timings), np.nan)
    for group in often:
        expected[group] = np.median(durations[group])
    kept = ~np.isnan(expected)
    return _ratio(durations[kept], expected[kept])


def _line(tokens: Floats, durations: Floats) -> Floats:
    """Fit a + b·input + c·output to the durations by Huber's reweighted least squares."""
    design = np.column_stack([np.ones(len(durations)), tokens])
    weights = np.ones(len(durations))
    fitted = np.full_like(durations, np.median(durations))
    for _ in range(FIT_ROUNDS):
        root = np.sqrt(weights)
        coefficients, *_ = np.linalg.lstsq(design * root[:, None], durations * root, rcond=None)
        fitted = design @ coefficients
        residuals = np.abs(durations - fitted)
        scale = 1.4826 * float(np.median(residuals))
        if scale <= 0:
            break
        weights = np.minimum(1.0, HUBER * scale / np.maximum(residuals, 1e-12))
    return np.asarray(fitted, dtype=np.float64)


def _ratio(durations: Floats, expected: Floats) -> Floats | None:
    """Scale the ratios to a median of 1; None where an expectation is not positive."""
    if np.any(expected <= 0):
        return None
    ratios = durations / expected
    middle = float(np.median(ratios))
    return None if middle <= 0 else ratios / middle
