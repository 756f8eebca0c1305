"""What counts as a change of each metric: by what its values are, not by a unit that several share."""

import pytest

from bench.gate import quality
from bench.gate.result import conclude
from bench.gate.verdict import Line
from bench.history.effects import Scale, scale_of
from bench.history.trend import trend_alarm
from bench.metrics.catalogue import METRICS
from bench.summary import summarise
from tests.factories import Sketch, Task, make_record
from tests.history.nights import series


@pytest.mark.parametrize("name", ["bleu", "chrf", "ter"])
def test_a_score_to_a_hundred_counts_from_half_a_point_on(name):
    assert scale_of(name, METRICS[name].unit) == Scale(False, 0.5)


@pytest.mark.parametrize("name", ["bits_per_byte", "perplexity", "mine:score"])
def test_a_score_of_any_other_size_counts_from_a_hundredth_of_itself_on(name):
    assert scale_of(name, "score") == Scale(True, 0.01)


def test_a_correlation_is_judged_as_a_share():
    assert scale_of("matthews", METRICS["matthews"].unit) == Scale(False, 0.005)


def test_a_language_model_that_takes_more_bits_has_regressed():
    task = Task("text", "language-modelling", ("bits_per_byte",))
    old, new = (summarise([make_record(Sketch("a", skill=s), task, examples=200)])[0] for s in (0.80, 0.75))
    [line] = quality.lines(quality.tests_of(new, old))
    assert line.change is not None and 0.05 < line.change < 0.4  # bits per byte: far below half a point
    assert (line.verdict, line.power) == ("regressed", None)
    assert "points" not in line.text


def test_the_trend_of_bits_per_byte_is_told_in_percent():
    values = [1.17 + 0.001 * (i % 3) + (0.06 if i >= 40 else 0) for i in range(45)]
    alarm = trend_alarm(series(values, reading="bits_per_byte", unit="score"))
    assert alarm is not None and alarm.worse and "+5.1 %" in alarm.text


def test_shares_and_scores_are_put_in_order_by_points():
    def line(reading: str, unit: str, detectable: float) -> Line:
        return Line(
            "m",
            "float32",
            "t",
            reading,
            "unchanged",
            0.5,
            0.5,
            unit,
            True,
            0.0,
            None,
            None,
            None,
            None,
            0.005,
            detectable,
            False,
            "",
        )

    found = conclude("b", "a", "a", (line("accuracy", "ratio", 0.05), line("bleu", "score", 1.2)), (), (), ())
    assert "changes of 1.2 points to 5.0 points in quality" in found.sentence
