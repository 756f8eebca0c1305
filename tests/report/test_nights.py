"""The pages of nights: what they say, and in headless Chromium that everybody can read them."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.history.series import History, Night, Point, Series
from bench.history.trend import change_points
from bench.report.nights import NightRow, write_pages
from bench.report.nights.spark import frame_of, sparkline_svg
from tests.report.browser import console_of, opened, requests_of

WIDE_PARTS = ".scroll, nav, .vh, .skip"
HOSTILE = "<img src=x onerror=alert(1)>\u202e"


def points(values, segments=None):
    return tuple(
        Point(
            f"n{i:03d}",
            f"{date(2026, 1, 1) + timedelta(days=i)}T02:30:00+00:00",
            v,
            v and v * 0.99,
            v and v * 1.01,
            None if v is not None else "the cell is timeout",
            s,
        )
        for i, (v, s) in enumerate(zip(values, segments or [0] * len(values), strict=True))
    )


def slower(nights: int = 60, at: int = 40) -> list[float | None]:
    noise = np.random.default_rng(1).normal(0, 0.005, nights)
    values: list[float | None] = [0.01 * (1.1 if i >= at else 1.0) * float(np.exp(noise[i])) for i in range(nights)]
    values[10] = None
    return values


def history() -> History:
    segments = [0] * 20 + [1] * 40
    made = points(slower(), segments)
    series = [
        Series(name, "float32", task, "latency_p50_s", False, made, "s")
        for name, task in (("small", "topic"), (HOSTILE, "topic"), ("small", "title"))
    ]
    series.append(Series("small", "float32", "topic", "accuracy", True, points([0.9] * 60, segments), "ratio"))
    nights = tuple(
        Night(
            p.run_id,
            p.started_at,
            "m",
            "1",
            None,
            "complete",
            p.segment,
            ("torch 2.12 → 2.13",) if i == 20 else (),
            0.2,
            tags=("good",) if i == 30 else (),
        )
        for i, p in enumerate(made)
        if i != 45
    )
    return History("freight " + HOSTILE, nights, tuple(series))


def told(found: History) -> dict[str, NightRow]:
    rows = {
        n.run_id: NightRow("unchanged", "Nothing.", f"{n.run_id}/report.html", {"ok": 3}, 3, None) for n in found.nights
    }
    rows["n040"] = NightRow("regressed", f"Regressed: {HOSTILE}.", "n040/report.html", {"ok": 2, "oom": 1}, 3, None)
    del rows["n050"]
    return rows


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    found = history()
    return write_pages(found, told(found), tmp_path_factory.mktemp("nights"))


def test_a_line_breaks_at_a_missing_night_and_at_a_new_environment() -> None:
    one = Series("m", "float32", "t", "latency_p50_s", False, points([1, 1, None, 1, 1, 2], [0, 0, 0, 0, 1, 1]), "s")
    svg = str(sparkline_svg(one, one.points, (), {}, "x"))
    lines = re.findall(r'<polyline class="sl" points="([^"]*)"', svg)
    assert [len(line.split()) for line in lines] == [2, 1, 2]
    assert svg.count('class="se"') == 1
    assert "n002: the cell is timeout" in svg


def test_scatter_is_drawn_small_and_a_step_large() -> None:
    def height(values: list[float]) -> float:
        one = Series("m", "float32", "t", "latency_p50_s", False, points(values), "s")
        frame = frame_of(one, one.points)
        assert frame is not None
        places = [frame.y(value) for value in values]
        return max(places) - min(places)

    assert height([1.0, 1.005]) < 4
    assert height([1.0, 1.5]) > 45


def test_a_change_point_stands_at_its_night_and_leads_there() -> None:
    one = Series("m", "float32", "t", "latency_p50_s", False, points(slower()), "s")
    (change,) = change_points(one)
    svg = str(sparkline_svg(one, one.points, (change,), {change.run_id: "there.html"}, "x"))
    place = int(change.run_id[1:])
    frame = frame_of(one, one.points)
    assert frame is not None
    assert abs(place - 40) <= 2
    assert '<a href="there.html" tabindex="-1"><g class="sc worse"><title>Worse: m · t · latency_p50_s: ' in svg
    assert f'd="M{frame.x(place):.1f} 2l4 7h-8z"' in svg
    assert "Worse: " in re.findall(r"<desc[^>]*>([^<]*)", svg)[0]


def test_the_index_lists_the_newest_first_with_gaps_tags_and_what_was_not_judged(pages: tuple[Path, Path]) -> None:
    text = pages[0].read_text()
    table = text[text.index('id="nights"') :]
    dates = re.findall(r'<th scope="row">(?:<a [^>]*>)?(2026-\d\d-\d\d)', table)
    assert len(dates) == 59
    assert dates == sorted(dates, reverse=True)
    assert table.count('class="gap"') == 1 and "1 day without a night" in table
    assert "environment changed: torch 2.12 → 2.13" in table
    assert "good</bdi></span>" in table
    assert "not judged" in table
    assert "2 of 3" in table


def test_both_pages_name_what_moved_and_link_to_its_night(pages: tuple[Path, Path]) -> None:
    index, trends = (page.read_text() for page in pages)
    for text in (index, trends):
        assert "▼ Worse" in text
        assert '/report.html">2026-02-' in text
    anchors = set(re.findall(r'href="trends.html#(r\d+)"', index))
    assert anchors
    assert anchors <= set(re.findall(r'id="(r\d+)"', trends))


def test_no_name_is_obeyed(pages: tuple[Path, Path]) -> None:
    for page in pages:
        text = page.read_text()
        assert "<img" not in text and "\u202e" not in text
        assert "script" not in re.findall(r"<(\w+)", text)


def test_every_tag_is_closed(pages: tuple[Path, Path]) -> None:
    class Tags(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open = []

        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "br", "link", "img"):
                self.open.append(tag)

        def handle_startendtag(self, tag, attrs):
            pass

        def handle_endtag(self, tag):
            while self.open and self.open[-1] != tag:
                assert self.open[-1] in ("li", "th", "td", "tr"), self.open
                self.open.pop()
            self.open.pop()

    for page in pages:
        tags = Tags()
        tags.feed(page.read_text())
        assert tags.open == []


def test_what_moved_speaks_of_the_nights_that_are_drawn(tmp_path: Path) -> None:
    values: list[float | None] = [0.01 * (1.5 if i >= 20 else 1.0) for i in range(120)]
    made = points(values)
    nights = tuple(Night(p.run_id, p.started_at, "m", "1", None, "complete") for p in made)
    found = History("s", nights, (Series("a", "float32", "t", "latency_p50_s", False, made, "s"),))
    text = write_pages(found, {}, tmp_path)[0].read_text()
    assert "No level of the 1 readings has changed over the last 90 nights" in text  # it moved at the 20th of 120


def test_a_history_without_nights_makes_pages(tmp_path: Path) -> None:
    index, trends = write_pages(History("none", (), ()), {}, tmp_path)
    assert "There is no night yet." in index.read_text()
    assert "Trends of" in trends.read_text()


@pytest.fixture(scope="module", params=[(1440, False), (380, True)], ids=["wide", "narrow-dark"])
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    width, dark = request.param
    with opened(tmp_path_factory.mktemp("profile"), width=width, dark=dark, javascript=False) as found:
        yield found


@pytest.mark.browser
@pytest.mark.parametrize("number", [0, 1], ids=["index", "trends"])
def test_it_asks_for_nothing_and_fits(driver: Any, pages: tuple[Path, Path], number: int) -> None:
    driver.get(pages[number].as_uri())
    assert requests_of(driver) == []
    assert console_of(driver) == []
    from selenium.webdriver.common.by import By

    width = driver.get_window_size()["width"]
    figures = driver.find_elements(By.CSS_SELECTOR, "figure.reading")
    assert figures
    for figure in figures:
        place = figure.rect
        assert place["x"] >= 0 and place["x"] + place["width"] <= width
        svg = figure.find_element(By.CSS_SELECTOR, "svg.spark")
        assert svg.rect["height"] > 40
    levels = [int(e.tag_name[1]) for e in driver.find_elements(By.CSS_SELECTOR, "h1, h2, h3, h4")]
    assert levels[0] == 1
