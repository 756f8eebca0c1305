"""Settle a suspicion from an interleaved rerun: the same reading of both sides, in pairs of fresh processes that
ran one after the other.

A machine that slows down does so for both sides of a pair alike, and nights are not in it at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from bench.gate.verdict import Verdict
from bench.stats.paired import POWER

Floats = NDArray[np.float64]

LEVEL = 0.01
"""Of the verdicts of one night, for the family of all readings that were tested together: at most one night in a
hundred may cry wolf."""
ROUNDS = (6, 12, 24)
"""Pairs at each look; the later ones only for what those before leave open. With at most 12 pairs, half of all 5 %
steps were confirmed the same night (`benchmarks/gate.py`)."""
LOOKS = len(ROUNDS)
"""Looks that share the level (Bonferroni)."""
TRIMMED = 6
"""One pair in this many is cut off at either end."""
REFUTED_STEPS = 2.0
"""A rerun clears a reading when it bounds the change below this many times the smallest change that counts."""
FEWEST = 3
"""Pairs below which their scatter says nothing."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the pairs of one reading say, on the scale of the logarithms."""

    shift: float
    """Trimmed mean over pairs of log(candidate ÷ baseline)."""
    low: float
    """Lower end of the 95 % interval of the shift, Yuen's t over the pairs."""
    high: float
    p: float
    """Two-sided, Yuen's t over the pairs."""
    detectable: float
    """Smallest true shift that as many pairs find 4 times in 5 at `LEVEL`."""
    pairs: int


def settle(baseline: Sequence[float], candidate: Sequence[float]) -> Settled | None:
    """Settle one reading by its pairs of values; None for too few pairs, or a value that is not above 0.

    Args:
        baseline: the reading in each fresh process of the baseline.
        candidate: in the process of the candidate that ran beside it.

    >>> found = settle([1.0, 1.01, 0.99, 1.0], [1.1, 1.12, 1.09, 1.1])
    >>> round(math.exp(found.shift), 2), found.p < 0.001
    (1.1, True)
    """
    a, b = np.asarray(baseline, dtype=np.float64), np.asarray(candidate, dtype=np.float64)
    if a.size < FEWEST or (a <= 0).any() or (b <= 0).any():
        return None
    gaps = np.log(b) - np.log(a)
    n, (shift, error, freedom) = gaps.size, trimmed_mean(gaps)
    if error < 1e-12:  # a count, the same in every process
        p = 1.0 if abs(shift) < 1e-12 else 0.0
        return Settled(shift, shift, shift, p, 0.0, n)
    p = 2 * float(stdtr(freedom, -abs(shift) / error))
    half = float(stdtrit(freedom, 0.975)) * error
    detectable = float(stdtrit(freedom, 1 - LEVEL / 2) + stdtrit(freedom, POWER)) * error
    return Settled(shift, shift - half, shift + half, p, detectable, n)


def trimmed_mean(values: Floats) -> tuple[float, float, int]:
    """Compute the mean without the extreme sixth at either end, its standard error and its degrees of freedom.

    The error is that of the winsorised values: s_w √(n − 1) / √(h (h − 1)) with h values left. In a process now and
    then another program runs, and one such pair of twelve hides a 10 % step from Student's t once in four times; from
    the trimmed test once in thirty (`benchmarks/gate.py`).

    Source: Yuen (1974), Biometrika 61, 165-170; for one sample Tukey and McLaughlin (1963).

    >>> trimmed_mean(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 90.0]))[0]
    3.5
    """
    n, cut = values.size, values.size // TRIMMED
    ordered = np.sort(values)
    remaining = n - 2 * cut
    winsorised = np.clip(ordered, ordered[cut], ordered[n - cut - 1])
    error = float(winsorised.std(ddof=1)) * math.sqrt((n - 1) / (remaining * (remaining - 1)))
    return float(ordered[cut : n - cut].mean()), error, remaining - 1


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Compute Benjamini and Hochberg's adjusted p-values, in the order given.

    Source: Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.

    >>> [round(p, 3) for p in adjusted([0.01, 0.04, 0.03])]
    [0.03, 0.04, 0.04]
    """
    order, values = np.argsort(p_values), np.array(p_values, dtype=np.float64)
    scaled = values[order] * (values.size / np.arange(1, values.size + 1))
    values[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1.0)
    return [float(p) for p in values]


def verdict(shift: float, p_adjusted: float, step: float, larger_is_better: bool, level: float = LEVEL) -> Verdict:
    """Decide between `regressed`, `improved` and `unchanged`: certain enough, and large enough to count."""
    if p_adjusted > level or abs(shift) < step:
        return "unchanged"
    return "regressed" if (shift < 0) == larger_is_better else "improved"


def is_open(settled: Settled, step: float) -> bool:
    """Tell whether more pairs might show a change that counts: the interval holds one."""
    return max(abs(settled.low), abs(settled.high)) >= step


def is_refuted(settled: Settled, step: float, larger_is_better: bool, suspected: float) -> bool:
    """Tell whether pairs that confirm nothing speak against a worse model.

    The shift must be below the smallest that counts, and the 95 % interval must not reach what was suspected (or
    twice what counts, where that is more): a machine too noisy to tell refutes nothing.

    Args:
        settled: what the pairs say.
        step: the smallest shift that counts.
        larger_is_better: of the reading.
        suspected: the shift at first sight.
    """
    shift, end = (-settled.shift, -settled.low) if larger_is_better else (settled.shift, settled.high)
    return shift < step and end < max(REFUTED_STEPS * step, abs(suspected))


@dataclass(frozen=True, slots=True)
class PairedReading:
    """One suspected reading with the values of its pairs."""

    baseline: Sequence[float]
    candidate: Sequence[float]
    step: float
    """Smallest shift that counts."""
    larger_is_better: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer to one question."""

    settled: Settled | None
    """None when there were too few pairs."""
    p_adjusted: float
    verdict: Verdict
    """`regressed`, `improved`, `unchanged`, or `suspected` when there were too few pairs."""
    open: bool
    """Whether more pairs might decide it."""


def judge(questions: Sequence[PairedReading]) -> list[Judged]:
    """Judge the readings that were tested together, at one of the looks.

    The level is shared by the looks (Bonferroni), and by the readings (Benjamini and Hochberg).
    """
    results = [settle(question.baseline, question.candidate) for question in questions]
    p_values = iter(adjusted([min(1.0, LOOKS * settled.p) for settled in results if settled is not None]))
    out = []
    for question, settled in zip(questions, results, strict=True):
        if settled is None:
            out.append(Judged(None, 1.0, "suspected", False))
            continue
        p = next(p_values)
        outcome = verdict(settled.shift, p, question.step, question.larger_is_better)
        out.append(Judged(settled, p, outcome, outcome == "unchanged" and is_open(settled, question.step)))
    return out
