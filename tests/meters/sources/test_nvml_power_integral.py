from __future__ import annotations

import numpy as np
import pytest

from bench.meters.sources.nvml_power_integral import READINGS, bounds_j, seen_share, trapezoid_j

INSTANT, AVERAGE, _ = READINGS
S = 1_000_000_000


def test_trapezoid_against_numpy() -> None:
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.integers(1, 30_000_000, 200))
    watts = rng.uniform(50, 400, 200)
    samples = [(int(time), float(power)) for time, power in zip(times, watts, strict=True)]
    assert trapezoid_j(samples) == pytest.approx(np.trapezoid(watts, times / S))
    assert trapezoid_j(samples[:1]) == 0


def test_share_seen_is_the_mean_over_the_refresh_period() -> None:
    """Refreshed every 100 ms, looked at every 12.5 ms: a 25 ms mean sees a quarter, a 1 s mean everything."""
    samples = [(turn * 12_500_000, float(turn // 8)) for turn in range(80)]
    assert seen_share(samples, INSTANT) == pytest.approx(0.25)
    assert seen_share(samples, AVERAGE) == 1.0
    assert seen_share([(0, 5.0), (S, 5.0)], INSTANT) == 1.0


def test_bounds_by_hand() -> None:
    """100 W and 300 W in turn over 4 s, 800 J, half seen: 400 + 0.5 · (100 or 300) · 4, ± 25 ms · 200 W /
    2."""
    samples = [(turn * S, 100.0 + turn % 2 * 200) for turn in range(5)]
    low, high = bounds_j(samples, trapezoid_j(samples), 0.5, INSTANT)
    assert (low, high) == (pytest.approx(400 + 200 - 2.5), pytest.approx(400 + 600 + 2.5))
    constant = [(0, 50.0), (4 * S, 50.0)]
    assert bounds_j(constant, 200.0, 1.0, AVERAGE) == (200.0, 200.0)
