from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from bench.stats import order

finite = st.floats(-1e6, 1e6)


def test_hand_worked_median_interval() -> None:
    # n = 10, q = 0.5: P(2 <= B < 9) = 1 - 2 * (1 + 10) / 1024 = 0.9785, and neither end can move in.
    assert order.quantile_interval(range(1, 11), 0.5) == (2.0, 9.0)
    assert order.quantile_interval(range(1, 6), 0.5) is None


@pytest.mark.parametrize(("q", "least"), [(0.5, 6), (0.95, 72), (0.99, 368)])
def test_interval_exists_from_the_known_n_on(q: float, least: int) -> None:
    assert order.needed(q) == least
    assert order.interval_ranks(least - 1, q) is None
    assert order.interval_ranks(least, q) is not None


@given(st.integers(6, 3000), st.sampled_from([0.1, 0.5, 0.9, 0.95, 0.99]))
@settings(deadline=None)
def test_exact_coverage_is_at_least_the_claim_and_no_end_can_move_in(n: int, q: float) -> None:
    ranks = order.interval_ranks(n, q)
    if ranks is None:
        assert min(q, 1 - q) ** n > 0.025 or max(q, 1 - q) ** n > 0.025
        return
    low, high = ranks
    pmf = binom.pmf(np.arange(n + 1), n, q)
    assert 1 <= low < high <= n
    assert pmf[low:high].sum() >= 0.95 - 1e-9
    assert pmf[low + 1 : high].sum() < 0.95 and pmf[low : high - 1].sum() < 0.95


@given(st.lists(finite, min_size=1, max_size=60), st.floats(0.01, 0.99))
@settings(deadline=None)
def test_quantile_is_the_inverse_of_the_empirical_distribution(values: list[float], q: float) -> None:
    assert order.quantile(values, q) == np.quantile(values, q, method="inverted_cdf")


def test_quantile_of_nothing_is_nan() -> None:
    assert np.isnan(order.quantile([], 0.5))
    assert order.quantile_interval([], 0.5) is None
    assert order.clustered_quantile_interval([], 0.5) is None


def test_singletons_are_not_clusters() -> None:
    values = np.random.default_rng(0).normal(size=400)
    plain = order.quantile_interval(values, 0.95) or (0, 0)
    clustered = order.clustered_quantile_interval([[v] for v in values], 0.95) or (0, 0)
    places = np.searchsorted(np.sort(values), [*plain, *clustered])
    assert abs(places[2] - places[0]) <= 1 and abs(places[3] - places[1]) <= 1


def test_identical_values_within_clusters_count_once() -> None:
    rng = np.random.default_rng(1)
    levels = rng.normal(size=100)
    repeated = [np.full(20, level) for level in levels]
    low, high = order.clustered_quantile_interval(repeated, 0.5) or (0, 0)
    narrow = order.quantile_interval(np.concatenate(repeated), 0.5) or (0, 0)
    wide = order.quantile_interval(levels, 0.5) or (0, 0)
    assert high - low > 2 * (narrow[1] - narrow[0])
    assert high - low == pytest.approx(wide[1] - wide[0], rel=0.25)


def test_few_clusters_have_no_interval() -> None:
    rng = np.random.default_rng(2)
    requests = [rng.normal(size=60) for _ in range(20)]
    assert order.clustered_quantile_interval(requests, 0.5) is not None
    assert order.clustered_quantile_interval(requests[:19], 0.5) is None


def test_few_clusters_widen_the_interval_as_students_quantile_does() -> None:
    rng = np.random.default_rng(3)
    requests = [rng.normal() + 0.01 * rng.normal(size=40) for _ in range(20)]  # each request counts as one
    pooled = np.sort(np.concatenate(requests))
    effective = int(20 * (1.959964 / 2.093024) ** 2 * 1.0)
    low, high = order.clustered_quantile_interval(requests, 0.5) or (0, 0)
    plain = order.interval_ranks(20, 0.5) or (0, 0)
    assert effective < 20 and high - low >= pooled[(plain[1] - 1) * 40] - pooled[plain[0] * 40]


def test_ties_at_an_end_are_seen() -> None:
    values = np.round(np.random.default_rng(0).normal(size=300), 1)
    assert order.has_tied_end(values, 0.5) and not order.has_tied_end(np.arange(300.0), 0.5)
    assert not order.has_tied_end([1.0, 1.0], 0.5)  # no interval at all


def test_values_that_depend_on_those_before_are_worth_fewer() -> None:
    rng = np.random.default_rng(0)
    level, serial = 0.0, []
    for step in rng.normal(size=400):
        level = 0.7 * level + step
        serial.append(level)
    plain, blocked = order.quantile_interval(serial, 0.5), order.serial_quantile_interval(serial, 0.5)
    assert plain is not None and blocked is not None
    assert blocked[1] - blocked[0] > 1.5 * (plain[1] - plain[0])
    shuffled = order.serial_quantile_interval(rng.permutation(serial), 0.5)
    assert shuffled is not None and shuffled[1] - shuffled[0] < 1.4 * (plain[1] - plain[0])


def test_a_dependence_longer_than_the_blocks_is_told() -> None:
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(size=200))
    assert order.depends_too_long(walk) and not order.depends_too_long(rng.normal(size=200))
    assert not order.depends_too_long(np.ones(200)) and not order.depends_too_long([1.0, 2.0])


def test_the_error_of_a_median() -> None:
    rng = np.random.default_rng(2)
    for n in (2, 3, 4, 5, 9):
        medians = np.median(rng.normal(size=(60_000, n)), axis=1)
        claimed = np.array([order.median_error(row) ** 2 for row in rng.normal(size=(4_000, n))]).mean()
        assert claimed == pytest.approx(medians.var(), rel=0.06)
