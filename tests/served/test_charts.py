"""What the report shows of a load: who is picked up to which rate, prices, the requests of a level."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.text import Text

from bench.decision import Question
from bench.decision.rates import PickAtRate, picks_by_rate
from bench.report.charts.load import At, takeaway
from bench.report.charts.load_capacity import break_points, per_million
from bench.report.charts.load_quality import not_compared
from bench.report.charts.load_timeline import bars_of
from bench.report.charts.load_timeline import takeaway as of_level
from bench.report.drawing.load import Curve, Panel, Spot, draw_curves
from bench.report.drawing.svg import style
from bench.report.marks import marks_of
from bench.report.view import TaskView
from bench.report.wording import Measure
from bench.suite.limits import parse_limit
from tests.served.test_levels import entry_of, judged_by, steady


def test_the_pick_changes_where_the_cheaper_one_no_longer_keeps_the_slo(tmp_path: Path) -> None:
    quick = entry_of({10.0: steady(10, 0.2), 30.0: steady(30, 0.2)}, tmp_path / "quick")
    slow = entry_of({10.0: steady(10, 0.5), 30.0: steady(30, 5.0)}, tmp_path / "slow")
    slow = replace(slow, cell=replace(slow.cell, model="slow"))
    cheap = replace(slow.efficiency["slo_rate_per_s"], value=1.0, higher_is_better=False, unit="currency")
    dear = replace(cheap, value=2.0)
    entries = [
        replace(quick, efficiency={**quick.efficiency, "cost_per_1000": dear}),
        replace(slow, efficiency={**slow.efficiency, "cost_per_1000": cheap}),
    ]
    question = Question(("cost_per_1000", "latency_p95_s"), (parse_limit("slo_rate_per_s", ">= 5 /s"),))
    picks = picks_by_rate(entries, question)
    assert [(at.rate, at.pick) for at in picks] == [(10, "slow"), (30, "served")]
    assert break_points(picks) == "Up to 10 requests a second: slow; up to 30: served."


def test_a_rate_between_whole_requests_is_borne_as_it_was_sent(tmp_path: Path) -> None:
    entry = entry_of({12.51: steady(12.51), 20.0: steady(20, 5.0)}, tmp_path)
    assert entry.efficiency["slo_rate_per_s"].value == 12.5, "125 requests in 10 s"
    picks = picks_by_rate([entry], Question(("latency_p95_s",), ()))
    assert [(at.rate, at.pick, at.kept) for at in picks] == [(12.5, "served", True), (20.0, None, False)]


def test_where_another_limit_bars_everybody_the_slo_is_not_blamed(tmp_path: Path) -> None:
    entry = entry_of({10.0: steady(10), 30.0: steady(30, 5.0)}, tmp_path)
    (barred, lost) = picks_by_rate([entry], Question(("latency_p95_s",), (parse_limit("good_share@30", ">= 90 %"),)))
    assert (barred.pick, barred.kept) == (None, True) and (lost.pick, lost.kept) == (None, False)
    assert "SLO can" in break_points([PickAtRate(5.0, "small", kept=True), barred])


def test_a_metric_that_no_level_has_is_left_out_and_the_reason_is_there(tmp_path: Path) -> None:
    entry = entry_of({10.0: steady(10), 30.0: steady(30)}, tmp_path)
    marks = marks_of([entry.cell.family])
    plate = not_compared(TaskView("questions", entry.cell.kind, 0, (judged_by(entry, "perplexity"),), ()), marks)
    assert plate is not None and "likelihoods" in plate.chart.takeaway
    with style():
        texts = [text.get_text() for text in plate.chart.draw().findobj(Text)]
    assert any("not compared" in text for text in texts)
    assert not_compared(TaskView("questions", entry.cell.kind, 0, (entry,), ()), marks) is None


def test_nobody_keeps_limits_up_to_0_requests(tmp_path: Path) -> None:
    entry = entry_of({10.0: steady(10, 5.0)}, tmp_path)
    rows = [At(entry, level.numbers) for level in entry.load]
    assert takeaway(rows).startswith("No candidate") and "withheld" not in takeaway(rows)
    rows += [At(entry, replace(rows[0].numbers, withheld="the client was late"))]
    assert "1 of 2 levels are withheld" in takeaway(rows)
    curve = Curve("served", entry.cell.family, (Spot(10.0, 5.0, second=0.0),))
    measure = Measure("goodput_per_s", "Goodput", "Goodput", "1/s", higher_is_better=True)
    panels = (Panel(measure, "Latency"), Panel(measure, "Goodput"))
    with style():
        axes = draw_curves([curve], *panels, marks_of([entry.cell.family])).axes
    assert axes[1].get_ylim()[0] > -0.5, "no goodput is below 0"


def test_a_timeline_counts_from_the_first_intended_moment(tmp_path: Path) -> None:
    entry = entry_of({10.0: steady(10)}, tmp_path, slo={"latency_p95": "<= 510 ms"})
    bars = bars_of(entry, entry.load[0])
    assert len(bars) == 100 and bars[0].intended == 0.0 and bars[1].intended == pytest.approx(0.1)
    assert all(bar.sent >= bar.intended and bar.first is not None and bar.first < bar.end for bar in bars)
    assert {bar.good for bar in bars} == {True, False} and not any(bar.failed for bar in bars)


def test_of_a_withheld_level_nobody_is_called_late(tmp_path: Path) -> None:
    lagging = [replace(row, lag_ns=10**9) for row in steady(10, 5.0)]
    entry = entry_of({10.0: lagging}, tmp_path)
    bars = bars_of(entry, entry.load[0])
    assert entry.load[0].numbers.withheld and {bar.good for bar in bars} == {None}
    assert "withheld" in of_level(entry.load[0], bars)
    kept = entry_of({10.0: steady(10, 5.0)}, tmp_path)
    assert of_level(kept.load[0], bars_of(kept, kept.load[0])).startswith("100 of")


def test_no_price_is_no_price_per_token(tmp_path: Path) -> None:
    assert per_million(entry_of({10.0: steady(10)}, tmp_path)) is None
