"""Ranks, medians, slopes and tests by ranks against scipy and numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, mannwhitneyu, rankdata, theilslopes

from bench.stats.ranks import kendall, mann_whitney, median, ranks, theil_slope

FLOATS = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), min_size=1, max_size=40)


@given(FLOATS)
def test_ranks_and_medians_are_those_of_scipy_and_numpy(values):
    array = np.array(values)
    assert ranks(array) == pytest.approx(rankdata(array))
    assert median(array) == pytest.approx(float(np.median(array)))


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 4), (5, 12), (5, 30), (30, 8), (10, 30), (15, 30)])
@pytest.mark.parametrize("tied", [False, True])
def test_the_p_value_is_that_of_scipy(n, m, tied):
    rng = np.random.default_rng(n * m)
    for shift in (0.0, 0.5, 2.0, -3.0):
        a, b = rng.standard_normal(n) + shift, rng.standard_normal(m)
        if tied:
            a, b = a.round(), b.round()
        assert mann_whitney(a, b) == pytest.approx(float(mannwhitneyu(a, b).pvalue), rel=1e-9)


def test_equal_values_differ_in_nothing():
    assert mann_whitney(np.ones(10), np.ones(30)) == 1.0


@pytest.mark.parametrize("n", [3, 10, 33, 34, 200])
@pytest.mark.parametrize("tied", [False, True])
def test_slopes_and_trends_are_those_of_scipy(n, tied):
    rng = np.random.default_rng(n)
    for slope in (0.0, 0.01, -0.1, 2.0):
        values = rng.standard_normal(n) + slope * np.arange(n)
        values = values.round() if tied else values
        assert theil_slope(values) == float(theilslopes(values).slope)
        assert kendall(values) == pytest.approx(float(kendalltau(np.arange(n), values).pvalue), rel=1e-9, nan_ok=True)
