"""Bootstrap intervals and draws: percentile and BCa, and draws of means, ratios and quantiles.

Draws are replicates of an estimate, shape `(replicates,)`; an interval is read from them. Every function
takes the random generator that it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

Floats = NDArray[np.float64]

SMALLEST_N = 10
"""Fewest observations from which a bootstrap interval is given; below it a resample repeats too few distinct
sets."""
NORMAL_N = 5000
"""From this n the bootstrap mean is drawn from its normal limit: the skewness left over is under 1 % of a
standard error for any sample of kurtosis below n/10."""
CHUNK_CELLS = 2_000_000
"""Bootstrap indices held at once (16 MB)."""
COCHRAN = 25.0
"""Cochran's factor; see `is_too_skewed`."""
SKEWED = "n is small for such skewed values: the interval may cover 93 to 95 % instead of 95 %"
"""What is said of an interval when `is_too_skewed`; the range is that of `benchmarks/coverage.py`."""
INTERQUARTILE = 1.3489795
"""Interquartile range of a standard normal distribution."""


def widened_levels(confidence: float, n: int | None) -> Floats:
    """Compute the standard normal quantiles of both ends, moved out for a sample of `n`; as they are for
    None.

    The bootstrap's spread is too small by √((n − 1)/n), and it ignores that the variance is estimated; the
    normal quantile is replaced by √(n/(n − 1)) times Student's.

    Source: Hesterberg (2015), The American Statistician 69, 371-386, section 5.3 ("expanded percentile
    interval").
    """
    if n is None or n < 2:
        return np.asarray(ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2])), dtype=np.float64)
    end = (n / (n - 1)) ** 0.5 * float(stdtrit(n - 1, (1 + confidence) / 2))
    return np.array([-end, end])


def percentile_interval(draws: Floats, confidence: float = 0.95, n: int | None = None) -> tuple[float, float] | None:
    """Compute the percentile interval of the draws, expanded for a sample of `n`; None when one is not a
    number.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    """
    if draws.size == 0 or np.isnan(draws).any():
        return None
    low, high = np.quantile(draws, ndtr(widened_levels(confidence, n)))
    return float(low), float(high)


def bca_interval(
    draws: Floats, point: float, jackknife: Floats, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Compute the bias-corrected and accelerated interval, expanded for a small sample, in the unit of the
    draws; None where a value is undefined.

    Args:
        draws: bootstrap replicates of the estimate, shape `(replicates,)`.
        point: the estimate on the whole sample.
        jackknife: the estimate with each observation left out, shape `(n,)`.
        confidence: nominal coverage.

    Source: Efron (1987), Journal of the American Statistical Association 82, 171-185.
    """
    if draws.size == 0 or np.isnan(draws).any() or np.isnan(jackknife).any() or np.isnan(point):
        return None
    share = (np.count_nonzero(draws < point) + np.count_nonzero(draws == point) / 2) / draws.size
    if not 0 < share < 1:
        return percentile_interval(draws, confidence, jackknife.size)
    bias = ndtri(share)
    centred = jackknife.mean() - jackknife
    spread = float((centred**2).sum()) ** 1.5
    acceleration = float((centred**3).sum()) / (6 * spread) if spread > 0 else 0.0
    z = bias + widened_levels(confidence, jackknife.size)
    low, high = np.quantile(draws, ndtr(bias + z / np.maximum(1 - acceleration * z, 1e-3)))
    return float(low), float(high)


def guarded_interval(
    draws: Floats, point: float, jackknife: Floats, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Compute the hull of the BCa interval and Student's by the jackknife, in the unit of the draws; None where a
    value is undefined.

    Either falls short alone: BCa on heavy tails (92 % where 95 % is claimed, at n = 50), Student's on skewed values
    (90 %). The hull covers 94 to 97 % on both and is 2 % wider on plain values (`benchmarks/coverage.py`). Student's
    ends go no further than the draws did, so that a metric stays within its bounds.

    Args:
        draws: bootstrap replicates of the estimate, shape `(replicates,)`.
        point: the estimate on the whole sample.
        jackknife: the estimate with each observation left out, shape `(n,)`.
        confidence: nominal coverage.

    Source: Efron (1987) for BCa; Tukey (1958) for Student's t by the jackknife.
    """
    interval = bca_interval(draws, point, jackknife, confidence)
    if interval is None or jackknife.size < 2:
        return interval
    n = jackknife.size
    error = ((n - 1) / n * float(((jackknife - jackknife.mean()) ** 2).sum())) ** 0.5
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    low, high = max(point - half, float(draws.min())), min(point + half, float(draws.max()))
    return min(interval[0], low), max(interval[1], high)


def smoothed_interval(
    statistics: Floats, added: Floats, value: Callable[[Floats], Floats], confidence: float = 0.95
) -> tuple[float, float]:
    """Compute Student's interval by the jackknife of an estimate to which parts of examples were added.

    What Agresti and Coull do for a proportion, for any function of sums: the added rows draw the estimate to the middle
    where little was seen, and give a variance to what was always right. Degrees of freedom are those with which the
    variance is known: 2n/(kurtosis − 1) of the influence values, at most n − 1.

    Args:
        statistics: rows of the observations, shape `(n, k)`.
        added: rows that are added, shape `(m, k)`.
        value: from sums of rows to the estimate.
        confidence: nominal coverage.

    Source: Agresti and Coull (1998), The American Statistician 52, 119-126; Satterthwaite (1946), Biometrics
    Bulletin 2, 110-114, for the degrees of freedom.
    """
    whole = np.vstack([statistics, added])
    left_out = jackknife_values(whole, value)
    influence = left_out.mean() - left_out
    square = influence**2
    count = len(whole)
    error = ((count - 1) / count * float(square.sum())) ** 0.5
    kurtosis = float((square**2).mean()) / max(float(square.mean()) ** 2, np.finfo(np.float64).tiny)
    freedom = min(len(statistics) - 1.0, 2 * len(statistics) / max(kurtosis - 1, 1e-9))
    half = float(stdtrit(max(1.0, freedom), (1 + confidence) / 2)) * error
    point = float(value(whole.sum(axis=0)))
    return point - half, point + half


def is_too_skewed(jackknife: Floats) -> bool:
    """Tell whether n is too small for how skewed the observations are, so that an interval of a mean
    covers less.

    Cochran's rule: n should be at least 25 times the squared skewness, here of the jackknife's influence
    values.

    Source: Cochran, Sampling Techniques (1977), section 2.15.
    """
    centred = jackknife.mean() - jackknife
    variance = float((centred**2).mean())
    if variance == 0.0:
        return False
    skewness = float((centred**3).mean()) / variance**1.5
    return bool(jackknife.size < COCHRAN * skewness**2)


def jackknife_values(statistics: Floats, value: Callable[[Floats], Floats]) -> Floats:
    """Compute the estimate with each row left out, shape `(n,)`, for an estimate that is a function of sums
    of rows."""
    return np.asarray(value(statistics.sum(axis=0) - statistics), dtype=np.float64)


def mean_draws(values: Floats, replicates: int, rng: np.random.Generator) -> Floats:
    """Draw bootstrap means, shape `(replicates,)`."""
    n = values.size
    if n >= NORMAL_N:
        return rng.normal(float(values.mean()), float(values.std()) / n**0.5, replicates)
    means = [values[drawn].mean(axis=1) for drawn in _drawn(n, replicates, rng)]
    return np.asarray(np.concatenate(means), dtype=np.float64)


def _drawn(n: int, replicates: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield bootstrap indices, shape `(chunk, n)`, so that they are never held whole."""
    size = max(1, CHUNK_CELLS // n)
    for start in range(0, replicates, size):
        yield rng.integers(0, n, size=(min(size, replicates - start), n))


def ratio_draws(numerator: Floats, denominator: Floats, replicates: int, rng: np.random.Generator) -> Floats:
    """Draw bootstrap ratios of sums, shape `(replicates,)`; pairs stay together."""
    parts = [
        numerator[drawn].sum(axis=1) / denominator[drawn].sum(axis=1)
        for drawn in _drawn(numerator.size, replicates, rng)
    ]
    return np.asarray(np.concatenate(parts), dtype=np.float64)


def quantile_draws(
    values: Floats, q: float, replicates: int, rng: np.random.Generator, effective: int | None = None
) -> Floats:
    """Draw from the confidence distribution of the q-quantile of positive values, shape
    `(replicates,)`.

    The number of observations below the true quantile is Binomial(n, q); a draw of it picks the gap between
    two order statistics in which the quantile lies. So the draws agree with the order-statistic interval,
    where the ordinary bootstrap of p95 and p99 is far too sure. Beyond the largest observation the data say
    nothing: there the tail is taken as Pareto of index 1, the heaviest that is usual, which has no mean;
    below the smallest, as uniform down to 0. Values that are worth fewer independent ones (`effective`) are drawn as
    that many are, their ranks scaled to all.

    Source: the inversion of the binomial test, as in David and Nagaraja (2003), section 7.1.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = ordered.size
    fewer = n if effective is None else effective
    rank = np.rint(rng.binomial(fewer, q, size=replicates) * (n / fewer)).astype(np.int64)
    u = rng.uniform(size=replicates)
    low = np.where(rank == 0, 0.0, ordered[np.maximum(rank, 1) - 1])
    high = ordered[np.minimum(rank, n - 1)]
    inside = low + u * (high - low)
    drawn = np.where(rank == n, ordered[-1] / np.maximum(1 - u, 1e-12), inside)
    return np.asarray(drawn, dtype=np.float64)


def robust_variance(draws: Floats) -> float:
    """Compute the variance that the interquartile range of the draws implies for a normal distribution."""
    low, high = np.quantile(draws, [0.25, 0.75])
    return (float(high - low) / INTERQUARTILE) ** 2
