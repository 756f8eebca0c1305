import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.text import Text

from bench.decision.board import Column as Criterion
from bench.decision.sensitivity import BreakPoint
from bench.report import write_figures
from bench.report.advice import advice_of
from bench.report.charts.breaks import stretches
from bench.report.charts.front import front_chart
from bench.report.differences import differences
from bench.report.drawing.axes import log_ticks, main_range
from bench.report.drawing.svg import inline_svg, narrow_svg, style
from bench.report.marks import marks_of
from bench.report.wording import Measure
from bench.suite.limits import parse_limit
from tests.report.conftest import KINDS, plates_of, view_named

LATENCY = Measure("latency_p95_s", "Latency", "Latency", "s", higher_is_better=False)


def charts(name: str) -> dict[str, str]:
    return {p.chart.name: str(inline_svg(p.chart)) for kind in KINDS for p in plates_of(view_named(name), kind)}


def test_each_kind_of_the_quickstart_is_drawn_and_parses() -> None:
    found = charts("quickstart")
    kinds = {name.split("-")[0] for name in found}
    assert kinds >= {"front", "quality", "latency", "tokens", "memory", "energy", "parallel", "breaks", "confusion"}
    for svg in found.values():
        assert ET.fromstring(svg.replace("xlink:href", "href")).tag == "svg"
        assert not re.search(r"#[0-9a-f]{6}", svg), "a colour that does not follow the page"


@pytest.mark.parametrize("kind", ["front", "quality", "memory", "breaks", "confusion"])
def test_texts_of_the_page_are_those_that_were_drawn(kind: str) -> None:
    view = view_named("quickstart")
    chart = plates_of(view, kind)[0].chart
    with style():
        figure = chart.draw()
        figure.canvas.draw()
        drawn = {t.get_text() for t in figure.findobj(Text) if t.get_visible() and t.get_text()}
    root = ET.fromstring(str(inline_svg(chart)).replace("xlink:href", "href"))
    shown = {"".join(node.itertext()) for node in root.iter("text")}
    assert shown <= drawn | {"\u2212"}
    assert len(shown) > 8


def test_no_two_charts_share_an_id() -> None:
    ids = [i for svg in charts("quickstart").values() for i in re.findall(r' id="([^"]+)"', svg)]
    assert len(ids) == len(set(ids))


def test_a_redrawn_chart_has_the_same_bytes() -> None:
    view = view_named("two")
    advice, marks = advice_of(view.decision), marks_of(view.families)
    task = view.tasks[0]
    chart = front_chart(task, task.costs[0], advice[task.name], marks)
    assert chart is not None
    assert inline_svg(chart) == inline_svg(chart)


def test_names_cannot_be_mathematics_or_markup() -> None:
    found = "".join(charts("hostile").values())
    assert "<script" not in found
    assert r"$\frac{1}{0}$" in found


def test_few_far_below_the_rest_are_off_the_scale() -> None:
    assert main_range(LATENCY, [5e-5, 6e-5, 0.005, 0.02, 0.2]) == (0.005, 0.2)
    assert main_range(LATENCY, [0.001, 0.005, 0.02]) == (0.001, 0.02)
    assert main_range(LATENCY, [5e-5, 6e-5, 7e-5, 0.2]) == (5e-5, 0.2)


@pytest.mark.parametrize(("low", "high"), [(0.001, 1.0), (0.013, 0.017), (1e-5, 10.0)])
def test_log_ticks_are_round_and_inside(low: float, high: float) -> None:
    ticks = log_ticks(low, high, 0.001, "s")
    assert 2 <= len(ticks) <= 6
    assert all(low <= tick <= high for tick in ticks)


def test_byte_ticks_are_powers_of_two() -> None:
    ticks = [tick / 2**20 for tick in log_ticks(100 * 2**20, 3000 * 2**20, 2**20, "bytes")]
    assert ticks == [128, 256, 512, 1024, 2048]


def test_stretches_cover_the_limit_from_end_to_end() -> None:
    limit, column = parse_limit("latency_p50_s", "<= 2 s"), Criterion("latency_p50_s", "latency_p50_s", "s", False)
    points = [BreakPoint(limit, column, 1.0, None, "a"), BreakPoint(limit, column, 3.0, "a", "b")]
    found = [(s.low, s.high, s.pick) for s in stretches(points)]
    assert found == [(None, 1.0, None), (1.0, 3.0, "a"), (3.0, None, "b")]


def test_differences_are_those_of_the_shared_examples() -> None:
    view = view_named("quickstart")
    task = view.tasks[0]
    gaps = {g.entry.candidate: g for g in differences(task, advice_of(view.decision)[task.name])}
    entry = {e.candidate: e for e in task.entries}
    right = {
        name: np.array([s.prediction == s.reference for s in entry[name].samples], dtype=float)
        for name in ("bert-small", "majority")
    }
    paired = right["bert-small"] - right["majority"]
    assert gaps["bert-small"].value == pytest.approx(paired.mean())
    half = 1.96 * paired.std(ddof=1) / len(paired) ** 0.5
    assert gaps["bert-small"].interval is not None
    assert gaps["bert-small"].interval[0] == pytest.approx(paired.mean() - half, abs=0.03)
    assert "majority" not in gaps


@pytest.mark.slow
def test_figures_are_written_in_each_format_with_the_same_bytes(tmp_path) -> None:
    first = write_figures(view_named("two"), tmp_path / "a", ["svg", "png", "pdf"])
    second = write_figures(view_named("two"), tmp_path / "b", ["svg", "png", "pdf"])
    assert [p.name for p in first] == [p.name for p in second]
    assert {p.suffix for p in first} == {".svg", ".png", ".pdf"}
    for a, b in zip(first, second, strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_the_reference_that_was_asked_for_is_drawn_and_offered_first() -> None:
    from dataclasses import replace

    from bench.report.advice import advice_of
    from bench.report.charts.quality import Quality
    from bench.report.marks import marks_of

    view = view_named("quickstart")
    task = replace(view.tasks[0], reference="bert-small")
    plate = list(Quality().draw(task, advice_of(view.decision)["status"], marks_of(view.families)))[1]
    assert plate.chart.title.endswith("paired difference to bert-small")
    assert plate.switch is not None
    first = plate.switch["references"][0]
    assert plate.switch["names"][first["base"]] == "bert-small"
    assert f" {first['better']} of {first['of']} candidates" in plate.chart.takeaway


def test_an_unknown_reference_names_the_nearest() -> None:
    from bench.errors import UsageError
    from bench.report import view_of
    from bench.store import StoredRun

    view = view_named("quickstart")
    with pytest.raises(UsageError, match="bert-small"):
        view_of(StoredRun(view.info, ()), view.suite, view.decision, reference="bert-smal")


def test_a_fit_is_told_once_for_all_variants_of_its_model() -> None:
    from tests.report import runs

    plate = plates_of(runs.variants(), "training")[0]
    assert plate.table is not None
    assert len(plate.table.rows) == 2
    assert [row.items[2].text for row in plate.table.rows] == ["not measured", "not measured"]
    assert plate.chart.takeaway == "small took least to train, 3.00 s; large most, 9.00 s, 3.0 times as long."


def test_a_variant_is_told_with_what_its_quality_does() -> None:
    from tests.report import runs

    plate = plates_of(runs.variants(), "variants")[0]
    assert plate.chart.takeaway.startswith("large[bfloat16] gains most: latency p50 0.")
    assert "its accuracy " in plate.chart.takeaway


def test_a_phone_gets_every_chart_of_an_ordinary_run() -> None:
    view = view_named("quickstart")
    for kind in KINDS:
        assert all(narrow_svg(p.chart) is not None for p in plates_of(view, kind)), kind
