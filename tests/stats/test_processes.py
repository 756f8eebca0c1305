"""How much fresh processes differ, pooled over candidates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t as student

from bench.stats import processes
from bench.stats.processes import Levels, Spread

Floats = NDArray[np.float64]


def levels(*points: float, within: float = 0.0, numbers: tuple[int, ...] | None = None) -> Levels:
    logs, count = np.array(points), len(points)
    own = np.full(count, within)
    return Levels(numbers or tuple(range(count)), logs, own, np.ones(count), float(logs.mean()), within / count)


def test_one_candidate_has_students_interval_of_its_processes() -> None:
    own = levels(1.0, 1.2, 1.4)
    spread = processes.spread_of([own])
    assert spread is not None and spread.variance == pytest.approx(0.04) and spread.freedom == 2
    half = float(student.ppf(0.975, 2)) * 0.2 / 3**0.5
    assert processes.mean_interval(own, spread) == pytest.approx((math.exp(1.2 - half), math.exp(1.2 + half)))


def test_candidates_share_their_degrees_of_freedom() -> None:
    sides = [levels(0.0, 0.2), levels(3.0, 3.4), levels(1.0, 1.1)]
    spread = processes.spread_of(sides)
    assert spread is not None and spread.freedom == 3
    assert spread.variance == pytest.approx((0.02 + 0.08 + 0.005) / 3)
    assert processes.spread_of([levels(1.0), levels(2.0)]) is None


def test_what_the_samples_explain_is_no_spread_of_processes() -> None:
    rng = np.random.default_rng(0)
    noisy = [levels(*rng.normal(0, 0.1, 4), within=0.01) for _ in range(200)]
    apart = [levels(*rng.normal(0, math.hypot(0.1, 0.3), 4), within=0.01) for _ in range(200)]
    explained, seen = processes.spread_of(noisy), processes.spread_of(apart)
    assert explained is not None and seen is not None
    assert explained.variance < 0.001 and seen.variance == pytest.approx(0.09, rel=0.15)
    assert explained.variance > 0  # that none shows does not mean that there is none


def test_a_round_that_slows_all_is_taken_out_of_a_ratio() -> None:
    drift = np.array([0.0, 0.3, -0.2, 0.1])
    rng = np.random.default_rng(4)
    sides = [levels(*(level + drift + rng.normal(0, 0.01, 4))) for level in (0.0, 0.05, 1.0)]
    paired, whole = processes.paired_spread_of(sides), processes.spread_of(sides)
    assert paired is not None and whole is not None and paired.freedom == 6
    near = processes.paired_ratio(sides[0], sides[1], paired)
    far = processes.unpaired_ratio(sides[0], sides[1], (whole, whole))
    assert near is not None and near.interval()[0] < math.exp(0.05) < near.interval()[1]
    assert near.p < 0.01 < 0.5 < far.p


def test_rounds_are_joined_by_their_numbers() -> None:
    a, b = levels(0.0, 1.0, 2.0, numbers=(0, 1, 2)), levels(2.5, 0.5, numbers=(2, 0))
    found = processes.paired_ratio(a, b, Spread(0.01, 0.001, 5.0))
    assert found is not None and found.value == pytest.approx(0.5)
    assert processes.paired_ratio(a, levels(1.0, numbers=(7,)), Spread(0.01, 0.001, 5.0)) is None
    assert processes.paired_spread_of([a, levels(1.0, 2.0, numbers=(7, 8))]) is None


def test_a_candidate_with_one_process_does_not_switch_pairing_off() -> None:
    sides = [levels(0.0, 0.3, -0.2), levels(1.0, 1.31, 0.8)]
    paired = processes.paired_spread_of(sides)
    assert paired is not None and processes.paired_spread_of([*sides, levels(5.0)]) == paired
    assert processes.paired_spread_of([sides[0], levels(5.0)]) is None


def test_unequal_processes_count_by_their_samples() -> None:
    own = Levels((0, 1, 2), np.zeros(3), np.zeros(3), np.array([20.0, 20.0, 1000.0]), 0.0, 0.0)
    assert own.concentration == pytest.approx((2 * 20**2 + 1000**2) / 1040**2)
    error, freedom = Spread(0.01, 0.002, 8.0).of_mean(own.concentration, 0.0)
    assert error == pytest.approx((0.01 * own.concentration) ** 0.5) and freedom == 8.0


def test_draws_are_as_wide_as_the_interval() -> None:
    own = levels(1.0, 1.2, 1.4)
    spread = Spread(0.04, 0.02, 6.0)
    drawn = processes.mean_draws(own, spread, 40_000, np.random.default_rng(0))
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx(processes.mean_interval(own, spread), rel=0.03)


def test_equal_values_tell_nothing() -> None:
    spread = processes.paired_spread_of([levels(1.0, 1.0), levels(1.0, 1.0)])
    assert spread is not None
    found = processes.paired_ratio(levels(1.0, 1.0), levels(1.0, 1.0), Spread(0.0, 0.0, 1.0))
    assert found is not None and found.p == 1.0
