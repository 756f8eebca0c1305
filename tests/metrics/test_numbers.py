"""Correlations and distances of numbers: against scipy and scikit-learn, and where they are undefined."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from bench.metrics.catalogue import METRICS
from bench.record import Sample


def samples(given, right) -> list[Sample]:
    pairs = enumerate(zip(given, right, strict=True))
    return [Sample(i, str(i), repr(float(r)), repr(float(g)), scores=(float(g),)) for i, (g, r) in pairs]


def value(name: str, given, right) -> float:
    metric = METRICS[name]()
    return float(metric.value(metric.statistics(samples(given, right), ()).sum(axis=0)))


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (1e9, 1.0), (0.0, 1e-9)])
def test_correlations_are_scipys_for_numbers_of_any_size(shift: float, scale: float) -> None:
    rng = np.random.default_rng(5)
    right = rng.integers(0, 20, 60) * scale + shift  # with ties
    given = right + rng.normal(size=60) * 5 * scale
    assert value("pearson", given, right) == pytest.approx(pearsonr(given, right).statistic, abs=1e-6)
    assert value("spearman", given, right) == pytest.approx(spearmanr(given, right).statistic, abs=1e-9)
    assert value("mae", given, right) == pytest.approx(float(np.abs(given - right).mean()))


def test_a_resample_is_weighed_rows() -> None:
    rng = np.random.default_rng(6)
    right, given = rng.normal(size=(2, 30))
    metric = METRICS["pearson"]()
    rows = metric.statistics(samples(given, right), ())
    chosen = rng.integers(0, 30, 30)
    resampled = float(metric.value(np.bincount(chosen, minlength=30) @ rows))
    assert resampled == pytest.approx(pearsonr(given[chosen], right[chosen]).statistic)


@pytest.mark.parametrize("name", ["pearson", "spearman"])
def test_a_constant_has_no_correlation(name: str) -> None:
    assert np.isnan(value(name, [0.1, 0.1, 0.1], [1, 2, 3]))
    assert np.isnan(value(name, [1, 2, 3], [1e9 + 0.1] * 3))
    assert value(name, [1, 2, 3], [3, 2, 1]) == pytest.approx(-1)


@pytest.mark.parametrize("name", ["pearson", "spearman", "mae"])
def test_a_number_that_is_lacking_is_no_rank(name: str) -> None:
    metric = METRICS[name]()
    rows = [*samples([1, 2, 3], [1, 2, 4]), Sample(3, "3", "5.0", None)]
    assert np.isnan(float(metric.value(metric.statistics(rows, ()).sum(axis=0))))


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_kept_ranks_spread_as_ranking_anew_does(correlation: float) -> None:
    rng = np.random.default_rng(8)
    right, other = rng.normal(size=(2, 200))
    given = correlation * right + (1 - correlation**2) ** 0.5 * other
    metric = METRICS["spearman"]()
    rows = metric.statistics(samples(given, right), ())
    drawn = rng.integers(0, 200, size=(400, 200))
    kept = np.asarray(metric.value(rows[drawn].sum(axis=1)))
    anew = [spearmanr(given[own], right[own]).statistic for own in drawn]
    assert kept.std() == pytest.approx(np.std(anew), rel=0.1)
