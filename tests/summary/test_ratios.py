from __future__ import annotations

import numpy as np
import pytest

from bench.stats.bootstrap import percentile_interval
from bench.summary.ratios import ratio_draws
from bench.summary.timings import DERIVATIONS, draws

MEDIAN, TAIL = DERIVATIONS["latency_p50_s"], DERIVATIONS["latency_p95_s"]
DRIFT = (1.0, 1.2, 0.85, 1.4, 1.1)
"""How slow the machine was in each round."""


def arms(rng: np.random.Generator, truth: float, n: int = 60) -> tuple[list[np.ndarray], list[np.ndarray]]:
    one = [0.01 * slow * rng.lognormal(0.0, 0.02, n) for slow in DRIFT]
    two = [0.01 * truth * slow * rng.lognormal(0.0, 0.02, n) for slow in DRIFT]
    return one, two


def test_drift_common_to_both_does_not_hide_the_ratio() -> None:
    rng = np.random.default_rng(1)
    one, two = arms(rng, 1.05)
    paired = percentile_interval(ratio_draws(MEDIAN, one, two, 2000, rng))
    apart = percentile_interval(draws(MEDIAN, two, 2000, rng) / draws(MEDIAN, one, 2000, rng))
    assert paired is not None and apart is not None
    assert 1.0 < paired[0] < 1.05 < paired[1] < 1.1
    assert apart[0] < 1.0 and apart[1] - apart[0] > 4 * (paired[1] - paired[0])


def test_interval_covers_one_where_repeats_differ_by_chance() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        luck = rng.lognormal(0.0, 0.03, (2, 3))
        one, two = ([0.01 * slow * rng.lognormal(0.0, 0.02, 40) for slow in side] for side in luck)
        found = percentile_interval(ratio_draws(MEDIAN, one, two, 500, rng))
        covered += found is not None and found[0] <= 1 <= found[1]
    assert covered >= 184  # 95 % of 200 less two standard errors


def test_by_hand_for_constant_values() -> None:
    drawn = ratio_draws(MEDIAN, [np.full(80, 0.01)] * 2, [np.full(80, 0.02)] * 2, 50, np.random.default_rng(0))
    assert np.median(drawn) == pytest.approx(2.0, rel=0.05)


def test_short_repeats_of_a_tail_are_pooled() -> None:
    rng = np.random.default_rng(3)
    one, two = arms(rng, 1.0, n=30)
    assert np.isfinite(ratio_draws(TAIL, one, two, 300, rng)).all()
    assert np.quantile(ratio_draws(TAIL, one, two, 1000, rng), 0.9) < 2


def test_repeats_must_come_in_pairs() -> None:
    with pytest.raises(ValueError, match="2 and 1"):
        ratio_draws(MEDIAN, [np.ones(5)] * 2, [np.ones(5)], 10, np.random.default_rng(0))
