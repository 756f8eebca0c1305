from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from bench.stats.proportion import (
    clopper_pearson,
    grouped_design_effect,
    grouped_proportion,
    is_few,
    proportion_interval,
    wilson,
)


@given(st.integers(1, 5000), st.data())
@settings(deadline=None)
def test_agrees_with_statsmodels(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    expected = proportion_confint(k, n, method="wilson")
    assert wilson(k, n) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 5000), st.data())
@settings(deadline=None)
def test_the_exact_interval_agrees_with_statsmodels(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    expected = proportion_confint(k, n, method="beta")
    assert clopper_pearson(k, n) == pytest.approx(np.nan_to_num(expected, nan=float(k == n)), abs=1e-9)


def test_few_answers_of_one_kind_take_the_exact_interval() -> None:
    assert [is_few(k, 50) for k in (4, 5, 45, 46)] == [True, False, False, True]
    assert proportion_interval(4, 50) == clopper_pearson(4, 50)
    assert proportion_interval(5, 50) == wilson(5, 50)
    assert proportion_interval(0, 0) is None


def test_the_interval_covers_a_rare_error_at_least_as_often_as_claimed() -> None:
    # Exactly, by summing over all outcomes: Wilson's alone covers 91.1 % here.
    chances = binom.pmf(np.arange(51), 50, 0.99)

    def coverage(interval) -> float:  # type: ignore[no-untyped-def]
        ends = [interval(k, 50) for k in range(51)]
        return float(sum(p for p, (low, high) in zip(chances, ends, strict=True) if low <= 0.99 <= high))

    assert coverage(wilson) == pytest.approx(0.911, abs=0.001)
    assert coverage(proportion_interval) == pytest.approx(0.986, abs=0.001)


def test_ends_and_nothing() -> None:
    low, high = wilson(0, 5) or (1, 1)
    assert low == 0.0 and 0 < high < 1
    assert (wilson(5, 5) or (0, 0))[1] == 1.0
    assert wilson(0, 0) is None


def test_groups_of_right_answers_are_worth_a_third_of_their_examples() -> None:
    sizes = np.full(40, 5.0)
    low, high = grouped_proportion(sizes, sizes) or (1, 0)
    assert high == 1.0 and (clopper_pearson(200 / 3, 200 / 3) or (0, 1))[0] - 0.01 < low < 0.95


def test_groups_of_one_are_independent_examples() -> None:
    right = (np.arange(300) % 4 > 0).astype(np.float64)
    found, alone = grouped_proportion(right, np.ones(300)), wilson(225, 300)
    assert found == pytest.approx(alone, abs=2e-3)
    assert grouped_proportion(np.array([3.0]), np.array([5.0])) is None


def test_the_design_effect_is_that_of_repeated_answers() -> None:
    right = np.where(np.arange(200) % 3 > 0, 5.0, 0.0)  # all five of a group alike: five times the variance
    assert grouped_design_effect(right, np.full(200, 5.0)) == pytest.approx(5.0, rel=0.05)
