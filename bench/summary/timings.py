"""Efficiency readings from raw timings: latency, TTFT, TPOT, token gaps and throughput, each with its
interval.

Percentiles have order-statistic intervals. Medians, means and ratios have a bootstrap, over processes first
when there are several; a percentile measured in several processes has the hull of both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import READINGS
from bench.record import Record, Timing
from bench.stats import bootstrap, order
from bench.summary.entry import Quantity

Floats = NDArray[np.float64]
NS = 1e-9

DRAWS = 2000
"""Bootstrap draws of an interval; the end of a 95 % interval then moves by under 3 % of its length between
seeds."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a reading follows from one kind of timed values."""

    timed: str
    """Key of `Entry.timed`."""
    q: float | None = None
    """Which quantile; None for a mean or a ratio."""
    column: int | None = None
    """Throughput: the column that is divided by the seconds."""


DERIVATIONS: dict[str, Derivation] = {
    "latency_p50_s": Derivation("latency", q=0.5),
    "latency_p95_s": Derivation("latency", q=0.95),
    "latency_p99_s": Derivation("latency", q=0.99),
    "latency_mean_s": Derivation("latency"),
    "ttft_p50_s": Derivation("ttft", q=0.5),
    "ttft_p95_s": Derivation("ttft", q=0.95),
    "tpot_p50_s": Derivation("tpot", q=0.5),
    "itl_p95_s": Derivation("itl", q=0.95),
    "throughput_examples_per_s": Derivation("throughput", column=1),
    "throughput_input_tokens_per_s": Derivation("throughput", column=2),
    "throughput_output_tokens_per_s": Derivation("throughput", column=3),
}
"""Every reading that comes from raw timings."""

_MISSING = {
    "latency": "no latency pass finished",
    "ttft": "no generated token was timed: the task or the model does not generate",
    "tpot": "no request generated two tokens or more",
    "itl": "no request generated two tokens or more",
    "throughput": "no throughput window finished",
}


def collect(records: Sequence[Record]) -> dict[str, tuple[Floats, ...]]:
    """Returns the timed values of each kind, one array per process; seconds."""
    kinds: dict[str, Callable[[Sequence[Timing]], Floats]] = {
        "latency": lambda timings: np.array([t.duration_ns * NS for t in _of(timings, "latency")]),
        "ttft": lambda timings: np.array([t.token_ns[0] * NS for t in _of(timings, "latency") if t.token_ns]),
        "tpot": lambda timings: np.array([_tpot(t) for t in _of(timings, "latency") if len(t.token_ns) > 1]),
        "itl": lambda timings: np.concatenate([np.empty(0), *gaps(timings)]),
        "throughput": _windows,
    }
    found = {kind: tuple(make(record.timings) for record in records) for kind, make in kinds.items()}
    return {kind: tuple(array for array in arrays if array.size) for kind, arrays in found.items()}


def gaps(timings: Sequence[Timing]) -> list[Floats]:
    """Returns the gaps between consecutive output tokens, one array per request; seconds."""
    return [np.diff(np.array(t.token_ns)) * NS for t in _of(timings, "latency") if len(t.token_ns) > 1]


def _of(timings: Sequence[Timing], phase: str) -> list[Timing]:
    return [timing for timing in timings if timing.phase == phase]


def _tpot(timing: Timing) -> float:
    """Returns (latency − TTFT) / (output tokens − 1); seconds."""
    return (timing.duration_ns - timing.token_ns[0]) * NS / (len(timing.token_ns) - 1)


def _windows(timings: Sequence[Timing]) -> Floats:
    rows = [(t.duration_ns * NS, len(t.examples), t.input_tokens, t.output_tokens) for t in _of(timings, "throughput")]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def readings(
    timed: Mapping[str, tuple[Floats, ...]], token_gaps: Sequence[Floats], rng: np.random.Generator
) -> dict[str, Quantity]:
    """Returns every reading of `DERIVATIONS`; one without values is None with its reason."""
    return {name: reading(name, timed, token_gaps, rng) for name in DERIVATIONS}


def reading(
    name: str, timed: Mapping[str, tuple[Floats, ...]], token_gaps: Sequence[Floats], rng: np.random.Generator
) -> Quantity:
    """Returns one reading of `DERIVATIONS`, with its interval and what qualifies it."""
    how, about = DERIVATIONS[name], READINGS[name]
    arrays = timed.get(how.timed, ())
    if not arrays:
        return Quantity(None, None, None, 0, about.unit, "clock", about.higher_is_better, _MISSING[how.timed])
    value = estimate(how, np.concatenate(arrays))
    if how.column is not None and value == 0.0:
        return Quantity(None, None, None, 0, about.unit, "clock", about.higher_is_better, "no tokens were counted")
    if name == "itl_p95_s":
        interval = order.clustered_quantile_interval(token_gaps, 0.95)
        few = len(token_gaps) < order.CLUSTERS_NEEDED
        short = (
            f"{order.CLUSTERS_NEEDED} or more needed, as the gaps of one are alike" if few else "their gaps are alike"
        )
        short = f"{len(token_gaps)} requests, {short}"
        remark = "" if interval else f"n too small for an interval: {short}"
    else:
        interval, remark = _interval(how, arrays, rng)
    low, high = interval or (None, None)
    n = sum(len(array) for array in arrays)
    return Quantity(value, low, high, n, about.unit, "clock", about.higher_is_better, remark or None)


def estimate(how: Derivation, values: Floats) -> float:
    """Returns the reading on pooled values, in its base unit."""
    if how.column is not None:
        return float(values[:, how.column].sum() / values[:, 0].sum())
    if how.q is not None:
        return order.quantile(values, how.q)
    return float(values.mean())


def draws(how: Derivation, arrays: Sequence[Floats], replicates: int, rng: np.random.Generator) -> Floats:
    """Returns bootstrap draws of the reading over processes and samples, shape `(replicates,)`."""
    pooled = sample_draws(how, np.concatenate(arrays), replicates, rng)
    if len(arrays) < 2:
        return pooled
    points = [estimate(how, array) for array in arrays]
    return bootstrap.hierarchical_draws(pooled, points, [sample_draws(how, one, 400, rng) for one in arrays], rng)


def sample_draws(how: Derivation, values: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Returns bootstrap draws of the reading over the samples of one array, shape `(count,)`."""
    if how.column is not None:
        return bootstrap.ratio_draws(values[:, how.column], values[:, 0], count, rng)
    if how.q is not None:
        return bootstrap.quantile_draws(values, how.q, count, rng)
    return bootstrap.mean_draws(values, count, rng)


def _interval(
    how: Derivation, arrays: Sequence[Floats], rng: np.random.Generator
) -> tuple[tuple[float, float] | None, str]:
    """Returns the interval, and why there is none or what qualifies it; empty when nothing does."""
    n = sum(len(array) for array in arrays)
    pooled = np.concatenate(arrays)
    if how.q is not None:
        needed = order.needed(how.q)
        ranks = order.quantile_interval(pooled, how.q)
        if ranks is None:
            return None, f"n too small for an interval: {n} requests, {needed} needed"
        if len(arrays) < 2:
            return ranks, order.TIED_SAID if order.has_tied_end(pooled, how.q) else ""
        spread = bootstrap.percentile_interval(draws(how, arrays, DRAWS, rng))
        return _hull(ranks, spread), bootstrap.FEW_PROCESSES_SAID
    if n < bootstrap.SMALLEST_N:
        what = "batches" if how.column is not None else "requests"
        return None, f"n too small for an interval: {n} {what}, {bootstrap.SMALLEST_N} needed"
    drawn = draws(how, arrays, DRAWS, rng)
    if len(arrays) > 1 or how.column is not None:
        return bootstrap.percentile_interval(drawn, n=n), bootstrap.FEW_PROCESSES_SAID if len(arrays) > 1 else ""
    left_out = (pooled.sum() - pooled) / (n - 1)
    remark = bootstrap.SKEWED if bootstrap.is_too_skewed(left_out) else ""
    return bootstrap.guarded_interval(drawn, float(pooled.mean()), left_out), remark


def _hull(a: tuple[float, float], b: tuple[float, float] | None) -> tuple[float, float]:
    return a if b is None else (max(0.0, min(a[0], b[0])), max(a[1], b[1]))
