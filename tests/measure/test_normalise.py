from __future__ import annotations

import numpy as np
import pytest

from bench.measure.normalise import relative_times
from bench.record import Timing


def timing(example: int, duration: float, inputs: int = 0, outputs: int = 0) -> Timing:
    return Timing("latency", 0, 0, (example,), round(duration), input_tokens=inputs, output_tokens=outputs)


def test_repeats_are_divided_by_their_own_median() -> None:
    short, long = [100.0, 110.0, 90.0], [1000.0, 1000.0, 1200.0]
    timings = [timing(index, times[turn]) for turn in range(3) for index, times in enumerate((short, long))]
    found = relative_times(timings)
    assert found is not None
    np.testing.assert_allclose(found, [1.0, 1.0, 1.1, 1.0, 0.9, 1.2])


def test_long_inputs_are_no_scatter() -> None:
    """Every input once, from 10 to 500 tokens, time = 1 ms + 0.1 ms · tokens: raw scatter 50 %, relative
    none."""
    tokens = np.linspace(10, 500, 60).astype(int)
    timings = [timing(index, 1e6 + 1e5 * count, count) for index, count in enumerate(tokens)]
    raw = np.array([entry.duration_ns for entry in timings])
    found = relative_times(timings)
    assert raw.std() / raw.mean() > 0.5
    assert found is not None
    np.testing.assert_allclose(found, 1.0, atol=1e-6)


def test_line_in_input_and_output_tokens_withstands_outliers() -> None:
    rng = np.random.default_rng(3)
    inputs, outputs = rng.integers(10, 200, 80), rng.integers(1, 60, 80)
    times = 2e6 + 3e4 * inputs + 5e5 * outputs
    times[::10] *= 4
    timings = [timing(i, times[i], int(inputs[i]), int(outputs[i])) for i in range(80)]
    found = relative_times(timings)
    assert found is not None
    usual = np.delete(found, np.arange(0, 80, 10))
    np.testing.assert_allclose(usual, 1.0, atol=0.02)
    assert found[::10].min() > 3.5


def test_same_tokens_throughout_need_no_line() -> None:
    found = relative_times([timing(index, 100.0 + index % 2 * 20) for index in range(4)])
    assert found is not None
    np.testing.assert_allclose(found, [100 / 110, 120 / 110] * 2)


@pytest.mark.parametrize("count", [0, 9])
def test_too_few_different_inputs_say_nothing(count: int) -> None:
    assert relative_times([timing(index, 100.0, index) for index in range(count)]) is None


def test_no_time_at_all_says_nothing() -> None:
    assert relative_times([timing(0, 0.0)] * 20) is None
