from __future__ import annotations

import numpy as np
import pytest

from bench.measure.steady import is_steady


@pytest.mark.parametrize(
    ("durations", "window", "steady"),
    [
        ([1.0, 1.0], 3, False),
        ([1.0, 1.0, 1.0], 3, True),
        ([1.0, 1.0, 1.0], 2, True),
        ([1.0, 1.0], 2, False),
        ([10.0, 1.0, 1.01, 0.99, 1.0], 5, False),
        ([10.0, 1.0, 1.01, 0.99, 1.0, 1.0], 5, True),
        ([1.0, 0.95, 0.9, 0.85, 0.8], 5, False),
        ([1.0, 1.01, 1.02, 1.03, 1.04], 5, True),
        ([1.0, 1.1, 1.2, 1.3, 1.4], 5, False),
        ([0.5, 1.0, 1.0, 1.0, 1.0], 5, True),
    ],
)
def test_rule(durations: list[float], window: int, steady: bool) -> None:
    assert is_steady(durations, window) is steady


def test_scale_does_not_matter() -> None:
    durations = [3.0, 1.0, 1.01, 1.0, 1.02, 1.0]
    assert [is_steady([value * scale for value in durations], 5) for scale in (1e-9, 1.0, 1e9)] == [True] * 3


def test_finds_the_end_of_an_exponential_warm_up() -> None:
    """Time 1 + 2·exp(−i/5) with 1 % noise: within the rule's 5 % over five iterations from i of about 17
    on."""
    rng = np.random.default_rng(0)
    ends = []
    for _ in range(50):
        series = (1 + 2 * np.exp(-np.arange(100) / 5)) * rng.normal(1, 0.01, 100)
        ends.append(next(n for n in range(100) if is_steady(series[:n].tolist(), 5)))
    assert min(ends) >= 14
    assert max(ends) <= 35
