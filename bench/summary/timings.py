"""Efficiency readings from raw timings: latency, TTFT, TPOT, token gaps and throughput, each with its
interval.

Percentiles have order-statistic intervals, means and ratios a bootstrap: these are intervals over the samples. Over
processes, their spread is pooled over the candidates of the task (`bench.stats.processes`), and a percentile has the
hull of both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.catalogue import reasons
from bench.catalogue.readings import READINGS, Derivation, Reading, TimedValues
from bench.catalogue.reasons import Reason, ReasonCode
from bench.record import Record, Timing
from bench.stats import bootstrap, order, processes
from bench.stats.processes import Levels, Spread
from bench.summary.entry import Quantity

Floats = NDArray[np.float64]
NS = 1e-9

DRAWS = 2000
"""Bootstrap draws of an interval; the end of a 95 % interval then moves by under 3 % of its length between
seeds."""

PROCESS_DRAWS = 400
"""Draws of each process's own reading: their variance is then known to 7 %."""
NORMAL_END = 1.959964
"""Standard deviations from the middle of a normal distribution to the end of its 95 % interval."""

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
    return {kind: tuple(arrays.values()) for kind, arrays in collect_by_process(records).items()}


def collect_by_process(records: Sequence[Record]) -> dict[str, dict[int, Floats]]:
    """Collect the timed values of each kind by the number of the process; those without any are left out; seconds."""
    kinds: dict[TimedValues, Callable[[Sequence[Timing]], Floats]] = {
        "latency": lambda timings: np.array([t.duration_ns * NS for t in _of(timings, "latency")]),
        "ttft": lambda timings: np.array([t.token_ns[0] * NS for t in _of(timings, "latency") if t.token_ns]),
        "tpot": lambda timings: np.array([_tpot(t) for t in _of(timings, "latency") if len(t.token_ns) > 1]),
        "itl": lambda timings: np.concatenate([np.empty(0), *gaps(timings)]),
        "throughput": _windows,
    }
    timed = {kind: [(record.process, make(record.timings)) for record in records] for kind, make in kinds.items()}
    return {kind: {number: array for number, array in arrays if array.size} for kind, arrays in timed.items()}


def gaps(timings: Sequence[Timing]) -> list[Floats]:
    """Find the gaps between consecutive output tokens, one array per request; seconds."""
    return [np.diff(np.array(t.token_ns)) * NS for t in _of(timings, "latency") if len(t.token_ns) > 1]


def _of(timings: Sequence[Timing], phase: str) -> list[Timing]:
    return [timing for timing in timings if timing.phase == phase]


def _tpot(timing: Timing) -> float:
    """Compute (latency − TTFT) / (output tokens − 1); seconds."""
    tokens = timing.output_tokens if timing.output_tokens > 1 else len(timing.token_ns)
    return (timing.duration_ns - timing.token_ns[0]) * NS / (tokens - 1)


def _windows(timings: Sequence[Timing]) -> Floats:
    rows = [(t.duration_ns * NS, len(t.examples), t.input_tokens, t.output_tokens) for t in _of(timings, "throughput")]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def readings(
    timed: Mapping[str, tuple[Floats, ...]], token_gaps: Sequence[Floats], rng: np.random.Generator
) -> dict[str, Quantity]:
    """Compute every reading of `DERIVATIONS`, with intervals over the samples alone; one without values is None with
    its reason."""
    return {name: reading(name, timed, token_gaps, rng) for name in DERIVATIONS}


def reading(
    name: str, timed: Mapping[str, tuple[Floats, ...]], token_gaps: Sequence[Floats], rng: np.random.Generator
) -> Quantity:
    """Compute one reading of `DERIVATIONS`, with its interval over the samples and what qualifies it."""
    how, about = DERIVATIONS[name], READINGS[name]
    arrays = timed.get(how.timed, ())
    if not arrays:
        return _without(about, _MISSING[how.timed])
    pooled = np.concatenate(arrays)
    refused = impossible(how, pooled)
    if refused is not None:
        return _without(about, refused)
    value = estimate(how, pooled)
    if how.column is not None and value == 0.0:
        return _without(about, reasons.NO_TOKENS)
    if how.clustered and how.q is not None:
        interval = order.clustered_quantile_interval(token_gaps, how.q)
        reason = None if interval else reasons.too_few_clusters(len(token_gaps), order.CLUSTERS_NEEDED)
    else:
        interval, reason = _interval(how, arrays, rng)
    if interval is not None and interval[0] == interval[1]:
        interval, reason = None, reasons.all_equal(len(pooled), "values around it")
    low, high = interval or (None, None)
    return Quantity(value, low, high, len(pooled), about.unit, "clock", about.higher_is_better, reason)


def _without(about: Reading, reason: Reason) -> Quantity:
    return Quantity(None, None, None, 0, about.unit, "clock", about.higher_is_better, reason)


def impossible(how: Derivation, values: Floats) -> Reason | None:
    """Refuse durations that no clock gives; None where all are possible.

    A request or a window takes time. Two tokens may share a stamp, but none comes before the one before it.
    """
    seconds = values[:, 0] if how.column is not None else values
    wrong = seconds < 0 if how.clustered else seconds <= 0
    if not wrong.any():
        return None
    return reasons.impossible_durations(int(np.count_nonzero(wrong)), len(seconds), float(seconds[wrong][0]))


def estimate(how: Derivation, values: Floats) -> float:
    """Compute the reading on pooled values, in its base unit."""
    if how.column is not None:
        return float(values[:, how.column].sum() / values[:, 0].sum())
    if how.q is not None:
        return order.quantile(values, how.q)
    return float(values.mean())


def levels(
    name: str, numbers: Sequence[int], arrays: Sequence[Floats], alone: Quantity, rng: np.random.Generator
) -> Levels | None:
    """Compute what each process read of a reading, on the scale of logarithms; None where that is not defined.

    Args:
        name: of the reading.
        numbers: of the processes.
        arrays: the timed values of each.
        alone: the reading of all of them together, with its interval over the samples.
        rng: of the bootstrap of the samples.
    """
    how = DERIVATIONS[name]
    values = [estimate(how, array) for array in arrays]
    if not values or alone.value is None or min(*values, alone.value) <= 0:
        return None
    if how.clustered:  # gaps of one request are alike: their spread is in that of the processes
        within = np.zeros(len(arrays))
        whole = _variance_of(alone)
    else:
        within = np.array([_log_variance(how, array, rng) for array in arrays])
        whole = max(_log_variance(how, np.concatenate(arrays), rng), _variance_of(alone))
    sizes = np.array([len(array) for array in arrays], dtype=np.float64)
    return Levels(tuple(numbers), np.log(values), within, sizes, float(np.log(alone.value)), whole)


def _log_variance(how: Derivation, values: Floats, rng: np.random.Generator) -> float:
    drawn = sample_draws(how, values, PROCESS_DRAWS, rng)
    return bootstrap.robust_variance(np.log(np.maximum(drawn, np.finfo(np.float64).tiny)))


def _variance_of(quantity: Quantity) -> float:
    """Compute the variance of the logarithm that an interval over the samples implies; 0 without one."""
    if quantity.ci_low is None or quantity.ci_high is None or quantity.ci_low <= 0:
        return 0.0
    return float((np.log(quantity.ci_high / quantity.ci_low) / (2 * NORMAL_END)) ** 2)


def over_processes(name: str, alone: Quantity, own: Levels | None, spread: Spread | None) -> Quantity:
    """Widen an interval over samples to one over processes, and say what it is of.

    Args:
        name: of the reading.
        alone: with the interval over the samples.
        own: what each process read; None where that is not defined.
        spread: between processes; None where no candidate has two.
    """
    if alone.value is None:
        return alone
    if own is None or spread is None:
        return replace(alone, reason=_also(alone, processes.ONE_PROCESS_SAID)) if alone.has_interval else alone
    said = processes.FEW_PROCESSES_SAID if len(own.processes) > 1 else processes.ONE_POOLED_SAID
    if alone.reason is not None and alone.reason.settles_nothing:
        return alone
    low, high = processes.mean_interval(own, spread)
    if DERIVATIONS[name].q is not None and alone.ci_low is not None and alone.ci_high is not None:
        low, high = min(low, alone.ci_low), max(high, alone.ci_high)
    if low == high:
        return alone
    return replace(alone, ci_low=low, ci_high=high, reason=reasons.loose(said))


def _also(quantity: Quantity, sentence: str) -> Reason:
    """Say that an interval is of one process, beside what is said of it already."""
    loose = quantity.reason is not None and quantity.reason.code is ReasonCode.LOOSE
    return reasons.one_process(f"{sentence}; {quantity.reason}" if loose else sentence)


def draws(
    how: Derivation,
    arrays: Sequence[Floats],
    replicates: int,
    rng: np.random.Generator,
    own: Levels | None = None,
    spread: Spread | None = None,
) -> Floats:
    """Draw the reading, shape `(replicates,)`: over processes where their spread is known, else over the samples."""
    if own is not None and spread is not None:
        return processes.mean_draws(own, spread, replicates, rng)
    pooled = np.concatenate(arrays)
    if how.q is not None and not how.clustered and len(arrays) == 1:
        return bootstrap.quantile_draws(pooled, how.q, replicates, rng, order.serial_size(pooled, how.q))
    return sample_draws(how, pooled, replicates, rng)


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
    """Find the interval over the samples, and why there is none or what qualifies it; None when nothing does."""
    if how.q is not None:
        return _quantile_interval(how.q, arrays)
    pooled = np.concatenate(arrays)
    n = len(pooled)
    if n < bootstrap.SMALLEST_N:
        what = "batches" if how.column is not None else "requests"
        return None, reasons.too_few(n, what, bootstrap.SMALLEST_N)
    drawn = sample_draws(how, pooled, DRAWS, rng)
    if how.column is not None:
        return bootstrap.percentile_interval(drawn, n=n), None
    left_out = (pooled.sum() - pooled) / (n - 1)
    remark = reasons.loose(bootstrap.SKEWED) if bootstrap.is_too_skewed(left_out) else None
    return bootstrap.guarded_interval(drawn, float(pooled.mean()), left_out), remark


def _quantile_interval(q: float, arrays: Sequence[Floats]) -> tuple[tuple[float, float] | None, Reason | None]:
    """Find the interval of a quantile by its ranks; in one process, of as many requests as those are worth that depend
    on each other."""
    pooled = np.concatenate(arrays)
    if order.quantile_interval(pooled, q) is None:
        return None, reasons.too_few(len(pooled), "requests", order.needed(q))
    if len(arrays) > 1:
        return order.quantile_interval(pooled, q), None
    ranks = order.serial_quantile_interval(pooled, q)
    if ranks is None:
        return None, reasons.too_few_dependent(len(pooled), order.needed(q))
    if order.depends_too_long(pooled):
        return ranks, reasons.loose(order.DEPENDENT_SAID)
    return ranks, reasons.loose(order.TIED_SAID) if order.has_tied_end(pooled, q) else None
