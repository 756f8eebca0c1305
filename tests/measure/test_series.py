"""Simulated series of known truth: each doubt is raised when its cause is there, and rarely when it is
not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.measure.series import block_medians, drift, otsu, outliers, series_doubts, too_few, two_modes, variation

Rng = np.random.Generator
Floats = NDArray[np.float64]


def calm(rng: Rng, n: int) -> Floats:
    """Lognormal noise of 3 % with 1 % of interrupts that take 30 % more."""
    values = rng.lognormal(0, 0.03, n)
    values[rng.random(n) < 0.01] *= 1.3
    return values


def share(finder: Callable[[Floats], object], make: Callable[[Rng], Floats], runs: int = 200) -> float:
    rng = np.random.default_rng(11)
    return sum(finder(make(rng)) is not None for _ in range(runs)) / runs


@pytest.mark.parametrize("n", [10, 50, 200, 1000])
@pytest.mark.parametrize(("finder", "most"), [(variation, 0.01), (outliers, 0.02), (drift, 0.01), (two_modes, 0.01)])
def test_false_alarms_on_calm_series(finder: Callable[[Floats], object], most: float, n: int) -> None:
    if finder is variation and n == 10:
        most = 0.1  # one interrupt in ten requests is a tenth of them: scatter of 10 % is then real
    assert share(finder, lambda rng: calm(rng, n)) <= most


def test_scatter_is_found() -> None:
    assert share(variation, lambda rng: rng.lognormal(0, 0.15, 100)) >= 0.99


def test_outliers_are_found() -> None:
    def make(rng: Rng) -> Floats:
        values = rng.lognormal(0, 0.03, 200)
        values[rng.choice(200, 20, replace=False)] *= 1.5
        return values

    assert share(outliers, make) >= 0.99


@pytest.mark.parametrize(("change", "word"), [(0.15, "slower"), (-0.15, "faster")])
def test_drift_is_found_with_its_direction(change: float, word: str) -> None:
    def make(rng: Rng) -> Floats:
        return calm(rng, 100) * np.linspace(1, 1 + change, 100)

    assert share(drift, make) >= 0.99
    found = drift(make(np.random.default_rng(0)))
    assert found is not None
    assert word in found.message


def test_a_step_in_the_middle_is_a_drift() -> None:
    assert share(drift, lambda rng: calm(rng, 400) * np.repeat([1.0, 1.2], 200)) >= 0.99


def test_two_modes_are_found() -> None:
    def make(rng: Rng) -> Floats:
        return rng.choice([1.0, 1.4], 200, p=[0.7, 0.3]) * rng.lognormal(0, 0.03, 200)

    assert share(two_modes, make) >= 0.99


@pytest.mark.parametrize("make", [lambda rng: rng.uniform(0.8, 1.2, 200), lambda rng: rng.lognormal(0, 0.3, 200)])
def test_wide_but_single_modes_are_not_two(make: Callable[[Rng], Floats]) -> None:
    assert share(two_modes, make) <= 0.01


def test_otsu_against_the_definition() -> None:
    ordered = np.sort(np.random.default_rng(5).gamma(2.0, 1.0, 30))
    shares = []
    for cut in range(1, 30):
        low, high = ordered[:cut], ordered[cut:]
        within = (len(low) * low.var() + len(high) * high.var()) / 30
        shares.append(1 - within / ordered.var())
    best, cut = otsu(ordered)
    assert best == pytest.approx(max(shares))
    assert cut == int(np.argmax(shares)) + 1


def test_block_medians_keep_short_series_and_shorten_long_ones() -> None:
    assert block_medians(np.arange(5.0), 5).tolist() == [0, 1, 2, 3, 4]
    assert block_medians(np.arange(9.0), 3).tolist() == [1, 4, 7]


def test_doubts_carry_numbers_and_remedies() -> None:
    values = np.tile([1.0, 1.0, 1.0, 2.0], 30)
    doubts = series_doubts(values, process=2)
    assert {doubt.code for doubt in doubts} >= {"high_variation", "outliers"}
    assert all(doubt.process == 2 and doubt.remedy and any(map(str.isdigit, doubt.message)) for doubt in doubts)
    assert series_doubts(values[:9], 0) == []


@pytest.mark.parametrize(
    ("count", "processes", "needed"),
    [(5, 1, "median"), (24, 3, None), (23, 3, "95th"), (72, 1, None), (71, 1, "95th")],
)
def test_too_few_samples_are_pooled_over_processes(count: int, processes: int, needed: str | None) -> None:
    doubts = too_few(count, processes, 0)
    assert [doubt.code for doubt in doubts] == (["too_few_samples"] if needed else [])
    if needed:
        assert needed in doubts[0].message
    if needed == "95th":
        assert "72 would" in doubts[0].message
        assert doubts[0].readings == ("latency_p95_s", "ttft_p95_s")
