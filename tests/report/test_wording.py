import pytest

from bench.report.wording import interval, listed, measure_of, plural, signed, times
from bench.summary import Quantity
from tests.report.conftest import view_named


def test_intervals_use_the_unit_of_the_value() -> None:
    assert interval(Quantity(0.0123, 0.0098, 0.02, 9, "s", "clock", False)) == "9.80 to 20.0 ms"
    assert interval(Quantity(5.0, None, None, 9, "s", "clock", False)) == ""
    assert interval(Quantity(5.0, 5.0, 5.0, 1, "count", "torch", False, exact=True)) == ""


def test_small_words() -> None:
    assert (times(2.0), plural(1, "cell"), signed(-0.5)) == ("2.0 times", "1 cell", "−0.500")
    assert listed([]) == "none"


@pytest.mark.parametrize(
    ("name", "title", "cost"),
    [("quality", "Accuracy", False), ("peak_memory_bytes", "Peak memory (RSS)", True), ("latency_p95_s", None, True)],
)
def test_measures_know_title_and_kind(name: str, title: str | None, cost: bool) -> None:
    measure = measure_of(name, view_named("quickstart").tasks[0].entries)
    assert measure is not None
    assert measure.is_cost is cost
    assert title is None or measure.title == title
    assert measure_of("no_such_thing", view_named("quickstart").entries) is None
