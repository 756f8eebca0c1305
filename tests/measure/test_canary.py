"""The fixed workload, with a clock of its own."""

import itertools

import pytest

from bench.measure.canary import VERSION, measure_canary


def test_the_seconds_are_the_sum_of_the_medians_of_the_parts():
    ticks = itertools.count(0, 1_000_000)
    found = measure_canary(repeats=3, clock=lambda: next(ticks))
    assert found.version == VERSION and set(found.parts) == {"matmul", "python", "copy"}
    assert found.seconds == pytest.approx(0.003) and found.parts["python"] == pytest.approx(0.001)
