"""When requests are meant to be sent: one seeded schedule, the same for every candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Arrivals = Literal["poisson", "constant", "gamma", "trace"]
BURSTY_SHAPE = 0.25
"""Of the gamma distribution of gaps: a coefficient of variation of 2, as traces of chat services have; 1 is Poisson."""


def schedule(kind: Arrivals, rate: float, seconds: float, seed: int, trace: Sequence[float] = ()) -> tuple[float, ...]:
    """List the instants at which requests are to be sent, seconds from the beginning, in order.

    Args:
        kind: of the gaps between them: exponential, equal, gamma (bursts), or those of a trace.
        rate: requests per second, on average.
        seconds: length of the window.
        seed: of the draws.
        trace: instants of a trace, in any unit; stretched to the rate, and begun anew when it is over.

    >>> schedule("constant", 4.0, 1.0, seed=1)
    (0.0, 0.25, 0.5, 0.75)
    >>> schedule("trace", 2.0, 2.5, seed=1, trace=(0.0, 1.0, 4.0))
    (0.0, 0.25, 1.0, 1.5, 1.75)
    """
    count = max(1, round(rate * seconds))
    if kind == "constant":
        gaps = np.ones(count)
    elif kind == "trace":
        gaps = _of_trace(trace, count)
    else:
        shape = 1.0 if kind == "poisson" else BURSTY_SHAPE
        gaps = np.random.default_rng([seed, 0x10AD]).gamma(shape, 1.0 / shape, count + 1)
    if kind in ("poisson", "gamma"):
        instants = np.cumsum(gaps[:-1]) * (seconds / gaps.sum())  # as many as the rate says, at random moments
    else:
        instants = np.concatenate([[0.0], np.cumsum(gaps[:-1])]) / rate
    return tuple(float(instant) for instant in instants)


def _of_trace(trace: Sequence[float], count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Take the gaps of a trace, with a mean of 1; the last gap is the mean of the others."""
    gaps = np.diff(np.sort(np.asarray(trace, dtype=np.float64)))
    gaps = np.append(gaps, gaps.mean())
    return np.resize(gaps / gaps.mean(), count)
