from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from bench.report.drawing.axes import set_axis
from bench.report.wording import Measure


def latency() -> Measure:
    return Measure("latency_p95_s", "Latency, 95th percentile", "Latency p95", "s", False)


@pytest.mark.parametrize(
    ("values", "label", "ticks"),
    [
        ((0.005, 0.05, 0.2), "Latency, 95th percentile (ms), log scale", ["10", "100"]),
        ((3e-6, 2.0), "Latency, 95th percentile, log scale", ["10 µs", "1 ms", "100 ms"]),
    ],
)
def test_ticks_are_in_units_that_people_read(values: tuple[float, ...], label: str, ticks: list[str]) -> None:
    axes = Figure().add_subplot()
    assert set_axis(axes, "x", latency(), values)
    assert axes.get_xlabel() == label
    shown = [axes.xaxis.get_major_formatter()(place, 0) for place in axes.xaxis.get_major_locator()()]
    assert set(ticks) <= set(shown)
