"""Intervals where nearly all observations are alike."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats import few
from bench.stats.proportion import clopper_pearson


@given(st.integers(1, 2000))
def test_of_a_share_it_is_the_exact_interval(n: int) -> None:
    assert few.with_unseen(1.0, 0, n, (0.0, 1.0)) == pytest.approx(clopper_pearson(n, n))
    assert few.with_unseen(0.0, 0, n, (0.0, 1.0)) == pytest.approx(clopper_pearson(0, n))


def test_in_the_middle_it_reaches_both_ways_and_without_bounds_nowhere() -> None:
    low, high = few.with_unseen(0.25, 1, 30, (0.0, 1.0)) or (1.0, 0.0)
    unseen = (clopper_pearson(1, 30) or (0, 0))[1] - 1 / 30
    assert (low, high) == pytest.approx((0.25 - 0.25 * unseen, 0.25 + 0.75 * unseen))
    assert few.with_unseen(0.25, 1, 30, (0.0, math.inf)) is None


def test_odd_ones_are_counted_up_to_rounding() -> None:
    assert few.odd_ones(np.array([0.3, 0.1 + 0.2, 0.3, 0.4])) == 1
    assert few.odd_ones(np.zeros(5)) == 0 and few.odd_ones(np.zeros(0)) == 0


def test_draws_are_as_wide_as_the_interval_and_shared() -> None:
    rng = [np.random.default_rng(3) for _ in range(2)]
    one, two = (few.alike_draws(1.0, (0.7, 1.0), 20_000, each) for each in rng)
    assert (one == two).all() and one.max() <= 1.0
    assert np.quantile(one, 0.025) == pytest.approx(0.7, abs=0.01)
    both = few.alike_draws(0.5, (0.4, 0.7), 20_000, np.random.default_rng(1))
    assert np.mean(both > 0.5) == pytest.approx(2 / 3, abs=0.02)
