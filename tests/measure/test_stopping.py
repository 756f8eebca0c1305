from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest

from bench.measure.profiles import HARD_CAP
from bench.measure.stopping import CONFIDENCE, StopRule, half_width, is_precise
from bench.stats.order import serial_quantile_interval as quantile_interval
from tests.measure.fakes import profile


def test_half_width_of_a_hand_worked_interval() -> None:
    values = [float(value) for value in range(1, 101)]
    interval = quantile_interval(values, 0.5, 0.95)
    assert interval is not None
    low, high = interval
    assert half_width(values, 0.5) == pytest.approx(((high - low) / 2) / ((high + low) / 2))


def test_no_interval_is_no_precision() -> None:
    assert half_width([1.0] * 5, 0.5) == float("inf")
    assert not is_precise([1.0] * 71)
    assert is_precise([1.0] * 72)


def test_wide_tail_is_not_precise_though_the_median_is() -> None:
    values = [1.0] * 90 + [float(2 + position) for position in range(10)]
    assert half_width(values, 0.5) == 0
    assert not is_precise(values)


@pytest.mark.parametrize(
    ("count", "elapsed_s", "reason"),
    [
        (4, 0.9, None),
        (4, 1.5, None),
        (5, 1.0, "time_cap"),
        (4, HARD_CAP * 1.0, "hard_cap"),
        (72, 0.2, None),
        (72, 0.5, "precise"),
        (71, 0.5, None),
        (100_000, 0.2, None),
    ],
)
def test_what_ends_a_pass(count: int, elapsed_s: float, reason: str | None) -> None:
    rule = StopRule(profile(window_s=1.0, min_window_s=0.3, min_iterations=5))
    assert rule.decide([1.0] * count, elapsed_s) == reason


@pytest.mark.parametrize(("count", "elapsed_s", "reason"), [(5, 0.2, None), (5, 0.3, "time_cap"), (4, 0.9, None)])
def test_a_brief_pass_ends_after_the_least_window_but_not_below_its_floor(
    count: int, elapsed_s: float, reason: str | None
) -> None:
    rule = StopRule(profile(window_s=1.0, min_window_s=0.3, min_iterations=5).brief)
    assert rule.decide([1.0] * count, elapsed_s) == reason


def test_looks_become_rarer() -> None:
    rule = StopRule(profile(min_iterations=5, min_window_s=0.0))
    noisy = np.random.default_rng(1).lognormal(0, 1, 1000)
    looks = []
    for count in range(5, 1000):
        before = rule._next_look
        rule.decide(noisy[:count].tolist(), 0.5)
        if rule._next_look != before:
            looks.append(count)
    assert len(looks) < 30
    assert all(late / early >= 1.2 for early, late in pairwise(looks[5:]))


@pytest.mark.parametrize("sigma", [0.05, 0.1])
@pytest.mark.parametrize("quantile", [0.5, 0.95])
def test_interval_covers_the_truth_after_optional_stopping(sigma: float, quantile: float) -> None:
    """400 passes of lognormal times of known quantiles, each stopped by the rule: 95 % nominal, 3 binomial errors
    allowed."""
    truth = math.exp(sigma * NormalDist().inv_cdf(quantile))
    rng, covered, stopped = np.random.default_rng(7), 0, 0
    for _ in range(400):
        times = rng.lognormal(0.0, sigma, 5000)
        rule = StopRule(profile(min_iterations=20, min_window_s=0.0, window_s=100.0))
        count = _stopping_point(rule, times)
        stopped += count < 5000
        interval = quantile_interval(times[:count], quantile, CONFIDENCE)
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    assert stopped > 390
    assert covered / 400 >= 0.95 - 3 * (0.95 * 0.05 / 400) ** 0.5


def _stopping_point(rule: StopRule, times: np.ndarray) -> int:  # type: ignore[type-arg]
    count = 20
    while count < len(times):
        count = max(count + 1, rule._next_look)
        if rule.decide(times[:count].tolist(), 1.0) is not None:
            return count
    return len(times)
