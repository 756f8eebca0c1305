"""What a level's requests amount to: percentiles in which failures are infinitely late, goodput, lag, intervals.

Requests under load depend on each other: one that waits makes the next wait. So an interval is made of the means of
batches of consecutive requests, which are nearly independent, and not of single requests.

Source: batch means as in Law, Simulation Modeling and Analysis, 9.5.3.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from bench.measure.load.level import NS_PER_S, Level, Offered

Floats = NDArray[np.float64]
BATCHES = 10
"""Of consecutive requests; fewer make a wide interval, more make batches that depend on each other."""
LEAST_PER_BATCH = 5
LAG_SHARE = 0.02
LAG_S = 0.001
"""A client that adds more than 2 % of the median latency, and more than 1 ms, in one request of twenty has measured
itself."""
BOTH_ENDS = 2
"""Only sending late is seen; the same event loop reads as late, so that a time is off by twice as much."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number of a level, with the 95 % interval by batch means; seconds."""

    value: float
    """Infinite where that share of the requests failed."""
    low: float | None
    high: float | None
    """None for both where there are too few requests."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A level in numbers."""

    offered_rate: float
    """Requests per second that were sent."""
    achieved_rate: float
    """Answers per second, until the last of them was there."""
    requests: int
    endings: Mapping[str, int]
    """How many ended how."""
    ttft: Mapping[float, Estimate]
    """By quantile."""
    tpot: Mapping[float, Estimate]
    latency: Mapping[float, Estimate]
    waiting: float
    """Requests under way on average: latency × achieved rate (Little's law)."""
    good_share: float | None
    """Share of the requests that keep every limit of the objective; None without one."""
    goodput: float | None
    """These requests per second."""
    good: Estimate | None
    """The same share with its interval."""
    lag_p95_s: float
    """The 95th percentile of how much later than intended requests were sent."""
    withheld: str | None
    """Why the level's times are not to be believed; None where they are."""
    output_tokens: int
    salted: bool

    @property
    def failed(self) -> int:
        """Requests without an answer."""
        return self.requests - self.endings.get("ok", 0)

    @property
    def goodput_scale(self) -> float:
        """Requests per second for which a share of 1 stands."""
        return 0.0 if not self.good_share or self.goodput is None else self.goodput / self.good_share


QUANTILES = (0.5, 0.95, 0.99)


def numbers_of(level: Level, limits: Mapping[str, float] | None = None) -> Numbers:
    """Summarise an open level.

    Args:
        level: what was sent and what came of it.
        limits: greatest `ttft`, `tpot` and `latency` of a good request, in seconds; None for no objective.
    """
    rows = level.requests
    latencies = np.array([row.latency_s for row in rows])
    span_s = (max(row.exchange.end_ns for row in rows) - min(row.exchange.intended_ns for row in rows)) / NS_PER_S
    answered = sum(row.exchange.is_ok for row in rows)
    kept = None if limits is None else np.array([is_good(row, limits) for row in rows], dtype=np.float64)
    good = None if kept is None else float(kept.sum())
    lag = float(np.quantile([row.lag_s for row in rows], 0.95, method="inverted_cdf"))
    span_s = max(span_s, level.window_s)
    finite = latencies[np.isfinite(latencies)]
    return Numbers(
        offered_rate=len(rows) / level.window_s,
        achieved_rate=answered / span_s,
        requests=len(rows),
        endings=Counter(row.exchange.ending for row in rows),
        ttft=_quantiles(rows, lambda row: row.ttft_s),
        tpot=_quantiles(rows, lambda row: row.tpot_s),
        latency=_quantiles(rows, lambda row: row.latency_s),
        waiting=float(finite.sum()) / span_s,
        good_share=None if good is None else good / len(rows),
        goodput=None if good is None else good / span_s,
        good=None if kept is None else mean_estimate(kept),
        lag_p95_s=lag,
        withheld=why_withheld(lag, latencies),
        output_tokens=sum(row.exchange.usage.output_tokens for row in rows if row.exchange.usage is not None),
        salted=level.salted,
    )


def is_good(row: Offered, limits: Mapping[str, float]) -> bool:
    """Tell whether a request keeps every limit; a time that it does not have breaks none."""
    times = {"ttft": row.ttft_s, "tpot": row.tpot_s, "latency": row.latency_s}
    given = [(times[name], limit) for name, limit in limits.items()]
    return row.exchange.is_ok and all(value is None or value <= limit for value, limit in given)


def why_withheld(lag_p95_s: float, latencies: Floats) -> str | None:
    """Explain that the client was too late for its level to be believed; None where it was not."""
    median = float(np.quantile(latencies, 0.5, method="inverted_cdf"))
    allowed = max(LAG_S, LAG_SHARE * median)
    if BOTH_ENDS * lag_p95_s <= allowed:
        return None
    return (
        f"the client sent one request of twenty {1e3 * lag_p95_s:.3g} ms late or more "
        f"({1e3 * allowed / BOTH_ENDS:.3g} ms are allowed); give it a core of its own, or lower the rate"
    )


def _quantiles(rows: Sequence[Offered], time_of: Callable[[Offered], float | None]) -> Mapping[float, Estimate]:
    values = np.array([value for row in rows if (value := time_of(row)) is not None])
    return {q: estimate(values, q) for q in QUANTILES} if values.size else {}


def estimate(values: Floats, q: float) -> Estimate:
    """Estimate a quantile (nearest rank) of times in their order, with its interval by batch means.

    >>> estimate(np.arange(1.0, 101.0), 0.5).value
    50.0
    >>> estimate(np.array([1.0, 2.0, math.inf]), 0.95)
    Estimate(value=inf, low=None, high=None)
    """
    value = float(np.quantile(values, q, method="inverted_cdf"))
    if len(values) < least_requests(q):
        return Estimate(value, None, None)
    parts = np.array_split(values, BATCHES)
    own = np.array([np.quantile(part, q, method="inverted_cdf") for part in parts])
    if not np.isfinite(own).all() or not math.isfinite(value):
        return Estimate(value, float(own.min()), math.inf)
    return about(value, own)


def least_requests(q: float) -> int:
    """Count the requests below which a quantile has no interval; a mean's is that of the quantile 0.

    >>> least_requests(0.5), least_requests(0.95)
    (50, 200)
    """
    return BATCHES * max(LEAST_PER_BATCH, math.ceil(1 / (1 - q) - 1e-9))


def mean_estimate(values: Floats) -> Estimate:
    """Estimate the mean of values in their order, with its interval by batch means.

    >>> mean_estimate(np.ones(100))
    Estimate(value=1.0, low=1.0, high=1.0)
    """
    value = float(values.mean())
    if len(values) < least_requests(0.0):
        return Estimate(value, None, None)
    return about(value, np.array([part.mean() for part in np.array_split(values, BATCHES)]))


def about(value: float, own: Floats) -> Estimate:
    """Give a value the interval that what each batch says itself spans (batch means), shape `(BATCHES,)`."""
    half = float(stdtrit(BATCHES - 1, 0.975)) * float(own.std(ddof=1)) / math.sqrt(BATCHES)
    return Estimate(value, max(0.0, value - half), value + half)
