"""Efficiency readings from raw timings: latency, TTFT, TPOT, token gaps and throughput, each with its
interval.

Percentiles have order-statistic intervals. Medians, means and ratios have a bootstrap, over processes first
when there are several; a percentile measured in several processes has the hull of both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.catalogue import reasons
from bench.catalogue.readings import READINGS, Derivation, TimedValues
from bench.catalogue.reasons import Reason
from bench.record import Record, Timing
from bench.stats import bootstrap, order
from bench.summary.entry import Quantity

Floats = NDArray[np.float64]
NS = 1e-9

DRAWS = 2000
"""Bootstrap draws of an interval; the end of a 95 % interval then moves by under 3 % of its length between
seeds."""


DERIVATIONS: Mapping[str, Derivation] = {
    reading.name: reading.derivation for reading in READINGS.values() if reading.derivation is not None
}
"""How every reading that comes from raw timings follows from them."""

_MISSING: Mapping[TimedValues, Reason] = {
    "latency": reasons.no_values("no latency pass finished"),
    "ttft": reasons.no_values("no generated token was timed: the task or the model does not generate"),
    "tpot": reasons.no_values("no request generated two tokens or more"),
    "itl": reasons.no_values("no request generated two tokens or more"),
    "throughput": reasons.no_values("no throughput window finished"),
}


def collect(records: Sequence[Record]) -> dict[str, tuple[Floats, ...]]:
    """Collect the timed values of each kind, one array per process; seconds."""
    kinds: dict[TimedValues, Callable[[Sequence[Timing]], Floats]] = {
        "latency": lambda timings: np.array([t.duration_ns * NS for t in _of(timings, "latency")]),
        "ttft": lambda timings: np.array([t.token_ns[0] * NS for t in _of(timings, "latency") if t.token_ns]),
        "tpot": lambda timings: np.array([_tpot(t) for t in _of(timings, "latency") if len(t.token_ns) > 1]),
        "itl": lambda timings: np.concatenate([np.empty(0), *gaps(timings)]),
        "throughput": _windows,
    }
    timed = {kind: tuple(make(record.timings) for record in records) for kind, make in kinds.items()}
    return {kind: tuple(array for array in arrays if array.size) for kind, arrays in timed.items()}


def gaps(timings: Sequence[Timing]) -> list[Floats]:
    """Find the gaps between consecutive output tokens, one array per request; seconds."""
    return [np.diff(np.array(t.token_ns)) * NS for t in _of(timings, "latency") if len(t.token_ns) > 1]


def _of(timings: Sequence[Timing], phase: str) -> list[Timing]:
    return [timing for timing in timings if timing.phase == phase]


def _tpot(timing: Timing) -> float:
    """Compute (latency − TTFT) / (output tokens − 1); seconds."""
    return (timing.duration_ns - timing.token_ns[0]) * NS / (len(timing.token_ns) - 1)


def _windows(timings: Sequence[Timing]) -> Floats:
    rows = [(t.duration_ns * NS, len(t.examples), t.input_tokens, t.output_tokens) for t in _of(timings, "throughput")]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def readings(
    timed: Mapping[str, tuple[Floats, ...]], token_gaps: Sequence[Floats], rng: np.random.Generator
) -> dict[str, Quantity]:
    """Compute every reading of `DERIVATIONS`; one without values is None with its reason."""
    return {name: reading(name, timed, token_gaps, rng) for name in DERIVATIONS}


def reading(
    name: str, timed: Mapping[str, tuple[Floats, ...]], token_gaps: Sequence[Floats], rng: np.random.Generator
) -> Quantity:
    """Compute one reading of `DERIVATIONS`, with its interval and what qualifies it."""
    how, about = DERIVATIONS[name], READINGS[name]
    arrays = timed.get(how.timed, ())
    if not arrays:
        return Quantity(None, None, None, 0, about.unit, "clock", about.higher_is_better, _MISSING[how.timed])
    value = estimate(how, np.concatenate(arrays))
    if how.column is not None and value == 0.0:
        return Quantity(None, None, None, 0, about.unit, "clock", about.higher_is_better, reasons.NO_TOKENS)
    if how.clustered and how.q is not None:
        interval = order.clustered_quantile_interval(token_gaps, how.q)
        reason = None if interval else reasons.too_few_clusters(len(token_gaps), order.CLUSTERS_NEEDED)
    else:
        interval, reason = _interval(how, arrays, rng)
    low, high = interval or (None, None)
    n = sum(len(array) for array in arrays)
    return Quantity(value, low, high, n, about.unit, "clock", about.higher_is_better, reason)


def estimate(how: Derivation, values: Floats) -> float:
    """Compute the reading on pooled values, in its base unit."""
    if how.column is not None:
        return float(values[:, how.column].sum() / values[:, 0].sum())
    if how.q is not None:
        return order.quantile(values, how.q)
    return float(values.mean())


def draws(how: Derivation, arrays: Sequence[Floats], replicates: int, rng: np.random.Generator) -> Floats:
    """Draw the reading by the bootstrap over processes and samples, shape `(replicates,)`."""
    pooled = sample_draws(how, np.concatenate(arrays), replicates, rng)
    if len(arrays) < 2:
        return pooled
    points = [estimate(how, array) for array in arrays]
    return bootstrap.hierarchical_draws(
        pooled, points, [sample_draws(how, samples, 400, rng) for samples in arrays], rng
    )


def sample_draws(how: Derivation, values: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Draw the reading by the bootstrap over the samples of one array, shape `(count,)`."""
    if how.column is not None:
        return bootstrap.ratio_draws(values[:, how.column], values[:, 0], count, rng)
    if how.q is not None:
        return bootstrap.quantile_draws(values, how.q, count, rng)
    return bootstrap.mean_draws(values, count, rng)


def _interval(
    how: Derivation, arrays: Sequence[Floats], rng: np.random.Generator
) -> tuple[tuple[float, float] | None, Reason | None]:
    """Find the interval, and why there is none or what qualifies it; None when nothing does."""
    if how.q is not None:
        return _quantile_interval(how, how.q, arrays, rng)
    n, several = sum(len(array) for array in arrays), len(arrays) > 1
    if n < bootstrap.SMALLEST_N:
        what = "batches" if how.column is not None else "requests"
        return None, reasons.too_few(n, what, bootstrap.SMALLEST_N)
    drawn = draws(how, arrays, DRAWS, rng)
    if several or how.column is not None:
        return bootstrap.percentile_interval(drawn, n=n), _FEW_PROCESSES if several else None
    pooled = np.concatenate(arrays)
    left_out = (pooled.sum() - pooled) / (n - 1)
    remark = reasons.loose(bootstrap.SKEWED) if bootstrap.is_too_skewed(left_out) else None
    return bootstrap.guarded_interval(drawn, float(pooled.mean()), left_out), remark


_FEW_PROCESSES = reasons.loose(bootstrap.FEW_PROCESSES_SAID)


def _quantile_interval(
    how: Derivation, q: float, arrays: Sequence[Floats], rng: np.random.Generator
) -> tuple[tuple[float, float] | None, Reason | None]:
    """Find the interval of a quantile by its ranks; over several processes, the hull of that and their bootstrap."""
    pooled = np.concatenate(arrays)
    ranks = order.quantile_interval(pooled, q)
    if ranks is None:
        return None, reasons.too_few(len(pooled), "requests", order.needed(q))
    if len(arrays) < 2:
        return ranks, reasons.loose(order.TIED_SAID) if order.has_tied_end(pooled, q) else None
    spread = bootstrap.percentile_interval(draws(how, arrays, DRAWS, rng))
    return _hull(ranks, spread), _FEW_PROCESSES


def _hull(a: tuple[float, float], b: tuple[float, float] | None) -> tuple[float, float]:
    return a if b is None else (max(0.0, min(a[0], b[0])), max(a[1], b[1]))
