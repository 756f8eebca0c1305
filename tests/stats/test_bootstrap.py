from __future__ import annotations

import warnings
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import norm, t

from bench.stats import bootstrap, order


def test_percentile_interval_by_hand() -> None:
    assert bootstrap.percentile_interval(np.arange(1001.0)) == (25.0, 975.0)
    assert bootstrap.percentile_interval(np.array([])) is None
    assert bootstrap.percentile_interval(np.array([1.0, np.nan])) is None


def test_expanded_for_small_n_gives_students_interval() -> None:
    # On exactly normal draws of a mean of n values the expanded interval is the t interval.
    n, draws = 10, norm.ppf((np.arange(200_000) + 0.5) / 200_000) * np.sqrt(9 / 10) / np.sqrt(10)
    low, high = bootstrap.percentile_interval(draws, n=n) or (0, 0)
    assert high == pytest.approx(float(t.ppf(0.975, 9)) / np.sqrt(10), rel=1e-3)
    assert low == pytest.approx(-high)


def test_bca_agrees_with_scipy() -> None:
    values = np.random.default_rng(3).lognormal(0, 1, 400)
    theirs = scipy_bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    drawn = bootstrap.mean_draws(values, 20_000, np.random.default_rng(1))
    left_out = bootstrap.jackknife_values(
        np.column_stack([values, np.ones(400)]), lambda sums: sums[..., 0] / sums[..., 1]
    )
    low, high = bootstrap.bca_interval(drawn, float(values.mean()), left_out) or (0, 0)
    width = theirs.high - theirs.low
    assert low == pytest.approx(theirs.low, abs=0.03 * width)
    assert high == pytest.approx(theirs.high, abs=0.03 * width)


@given(st.lists(st.integers(-50, 50), min_size=3, max_size=30), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_both_intervals_agree_with_scipys_on_the_same_draws(observed: list[int], seed: int) -> None:
    values = np.array(observed, dtype=np.float64)
    drawn = bootstrap.mean_draws(values, 400, np.random.default_rng(seed))
    left_out = (values.sum() - values) / (values.size - 1)
    share = (np.mean(drawn < values.mean()) + np.mean(drawn <= values.mean())) / 2
    plain = bootstrap.widened_levels(0.95, None)
    with patch.object(bootstrap, "widened_levels", return_value=plain):  # scipy does not expand for small n
        ours = bootstrap.percentile_interval(drawn), bootstrap.bca_interval(drawn, float(values.mean()), left_out)
    theirs = [_scipys(values, drawn, method) for method in ("percentile", "BCa")]
    assert ours[0] == pytest.approx(theirs[0])
    if 0 < share < 1 and np.ptp(values) > 0:
        assert ours[1] == pytest.approx(theirs[1])


def _scipys(values: np.ndarray, drawn: np.ndarray, method: str) -> tuple[float, float]:
    earlier = SimpleNamespace(bootstrap_distribution=drawn)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = scipy_bootstrap((values,), np.mean, n_resamples=0, method=method, bootstrap_result=earlier)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def test_guarded_is_the_hull_of_bca_and_students_interval() -> None:
    heavy = np.random.default_rng(4).standard_t(3, 60)
    drawn = bootstrap.mean_draws(heavy, 20_000, np.random.default_rng(1))
    left_out = (heavy.sum() - heavy) / 59
    bca = bootstrap.bca_interval(drawn, float(heavy.mean()), left_out) or (0, 0)
    student = t.interval(0.95, 59, heavy.mean(), heavy.std(ddof=1) / 60**0.5)
    low, high = bootstrap.guarded_interval(drawn, float(heavy.mean()), left_out) or (0, 0)
    assert (low, high) == pytest.approx((min(bca[0], student[0]), max(bca[1], student[1])))


def test_guarded_stays_within_what_the_metric_can_be() -> None:
    right = np.array([1.0] * 38 + [0.0] * 2)
    drawn = bootstrap.mean_draws(right, 2000, np.random.default_rng(1))
    assert (bootstrap.guarded_interval(drawn, 0.95, (38.0 - right) / 39) or (0, 9))[1] == 1.0
    assert bootstrap.guarded_interval(np.ones(100), 1.0, np.ones(20)) == (1.0, 1.0)
    assert bootstrap.guarded_interval(np.ones(100), float("nan"), np.ones(20)) is None


def test_bca_without_spread_and_with_nan() -> None:
    assert bootstrap.bca_interval(np.ones(100), 1.0, np.ones(20)) == (1.0, 1.0)
    assert bootstrap.bca_interval(np.zeros(100), 1.0, np.ones(20)) == (0.0, 0.0)
    assert bootstrap.bca_interval(np.ones(100), float("nan"), np.ones(20)) is None


@pytest.mark.parametrize("n", [100, 6000])
def test_mean_draws_have_the_standard_error(n: int) -> None:
    values = np.random.default_rng(0).gamma(2, size=n)
    drawn = bootstrap.mean_draws(values, 4000, np.random.default_rng(1))
    assert drawn.mean() == pytest.approx(values.mean(), abs=4 * values.std() / n**0.5 / 4000**0.5)
    assert drawn.std() == pytest.approx(values.std() / n**0.5, rel=0.05)


def test_ratio_draws_keep_pairs_together() -> None:
    down = np.random.default_rng(0).uniform(1, 2, 50)
    drawn = bootstrap.ratio_draws(3 * down, down, 100, np.random.default_rng(1))
    np.testing.assert_allclose(drawn, 3.0)


@pytest.mark.parametrize(("n", "q"), [(200, 0.5), (400, 0.95), (1000, 0.99)])
def test_quantile_draws_agree_with_the_order_statistic_interval(n: int, q: float) -> None:
    values = np.random.default_rng(2).lognormal(0, 0.4, n)
    drawn = bootstrap.quantile_draws(values, q, 40_000, np.random.default_rng(1))
    low, high = order.quantile_interval(values, q) or (0, 0)
    inside = np.mean((drawn >= low) & (drawn <= high))
    assert 0.94 < inside < 0.985
    assert abs(np.median(drawn) - order.quantile(values, q)) < 0.2 * (high - low)


def test_quantile_draws_admit_what_few_values_cannot_exclude() -> None:
    values = np.linspace(1, 2, 30)
    drawn = bootstrap.quantile_draws(values, 0.95, 40_000, np.random.default_rng(1))
    assert np.mean(drawn > 2) == pytest.approx(0.95**30, abs=0.01)
    assert np.mean(drawn > 20) == pytest.approx(0.95**30 / 10, abs=0.005)


def test_cochrans_rule() -> None:
    rng = np.random.default_rng(0)
    skewed, plain = rng.lognormal(0, 2, 200), rng.normal(size=200)
    assert bootstrap.is_too_skewed((skewed.sum() - skewed) / 199)
    assert not bootstrap.is_too_skewed((plain.sum() - plain) / 199)
    assert not bootstrap.is_too_skewed(np.ones(10))


def test_bca_corrects_bias_by_hand() -> None:
    draws = (np.arange(100_000) + 0.5) / 100_000
    symmetric = np.concatenate([np.full(5000, -1.0), np.full(5000, 1.0)])
    low, high = bootstrap.bca_interval(draws, 0.6, symmetric) or (0, 0)
    bias = norm.ppf(0.6)
    assert low == pytest.approx(norm.cdf(2 * bias - 1.96), abs=1e-3)
    assert high == pytest.approx(norm.cdf(2 * bias + 1.96), abs=1e-3)


def test_added_parts_of_examples_give_what_was_always_right_a_variance() -> None:
    rows = np.ones((12, 2))  # twelve right answers, and what counts them

    def share(sums: np.ndarray) -> np.ndarray:
        return np.asarray(sums[..., 0] / sums[..., 1])

    low, high = bootstrap.smoothed_interval(rows, np.array([[0.5, 0.5], [0.0, 0.5]]), share)
    assert low < 12.5 / 13 < high and low == pytest.approx(2 * 12.5 / 13 - high)
    plain = np.column_stack([np.arange(40) % 2, np.ones(40)])
    low, high = bootstrap.smoothed_interval(plain, np.zeros((0, 2)), share)
    half = stdtrit(39, 0.975) * 0.5 / 39**0.5  # Student's, by hand: both values are as far from the middle
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), rel=2e-3)


def test_chunks_give_the_very_draws_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    up, down = np.random.default_rng(0).gamma(2, size=(2, 37))

    def both() -> np.ndarray:
        rng = np.random.default_rng(1)
        return np.concatenate([bootstrap.mean_draws(up, 101, rng), bootstrap.ratio_draws(up, down, 101, rng)])

    whole = both()
    monkeypatch.setattr(bootstrap, "CHUNK_CELLS", 37 * 9)
    np.testing.assert_array_equal(both(), whole)
