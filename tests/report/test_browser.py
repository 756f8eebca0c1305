"""The page in headless Chromium: nothing is asked of the network, everything works, nobody is left out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.decision import decide
from tests.report.browser import console_of, explorer_ready, opened, requests_of
from tests.report.conftest import page_text, view_named

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WIDE_PARTS = ".scroll, .plot, nav, .vh, .skip, pre"
"""What may be wider than the page, because it scrolls by itself or is hidden."""


@pytest.fixture(scope="module")
def driver(page_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with opened(tmp_path_factory.mktemp("profile")) as found:
        found.get(page_file.as_uri())
        explorer_ready(found)
        yield found


def choose(driver: Any, part: str, value: str) -> int:
    """Sets a control of the explorer; returns how often it had drawn before."""
    before = int(driver.execute_script("return document.getElementById('panel').dataset.ready"))
    driver.execute_script(
        "const c = document.querySelector(`#panel [data-part='${arguments[0]}']`); c.value = arguments[1];"
        "c.dispatchEvent(new Event('change', {bubbles: true}))",
        part,
        value,
    )
    return before


def test_it_opens_from_disk_without_a_request_or_an_error(driver: Any) -> None:
    assert requests_of(driver) == []
    assert console_of(driver) == []


def test_moving_a_limit_moves_the_pick_as_the_decision_does(driver: Any) -> None:
    view = view_named("quickstart")
    explorer_ready(driver, choose(driver, "task", "1"))
    picks = set()
    for place in (0.0, 0.3, 0.6, 0.8, 1.0):
        value = driver.execute_script(
            "const r = document.querySelector('#panel input[data-name=latency_p95_s]'); r.value = arguments[0];"
            "r.dispatchEvent(new Event('input', {bubbles: true})); return r.dataset.value",
            place,
        )
        shown = driver.execute_script("return document.getElementById('panel').dataset.pick")
        question = view.decision.question.asking([f"latency_p95_s <= {value} s"])
        assert shown == (decide(view.entries, question).tasks["headline"].recommendation.leader or ""), value
        picks.add(shown)
    assert len(picks) >= 2
    explorer_ready(driver, choose(driver, "task", "0"))


def test_other_axes_can_be_chosen(driver: Any) -> None:
    drawn = explorer_ready(driver, choose(driver, "x", "2"))
    assert "Peak memory" in driver.find_element("css selector", "#panel .vega").text
    explorer_ready(driver, choose(driver, "x", "1"))
    assert drawn > 0


def test_a_click_on_a_head_sorts_by_number(driver: Any) -> None:
    script = (
        "const t = document.querySelector('#cells table.sortable');"
        "t.tHead.rows[0].cells[2].querySelector('button').click();"
        "return [[...t.tBodies[0].rows].map(r => r.cells[2].dataset.s ?? ''), t.tHead.rows[0].cells[2].ariaSort]"
    )
    values, direction = driver.execute_script(script)
    numbers = [float(value) for value in values if value]
    assert direction == "descending"
    assert numbers == sorted(numbers, reverse=True)
    assert "" not in values[: len(numbers)]
    values, direction = driver.execute_script(script)
    assert [float(value) for value in values if value] == sorted(numbers)


def test_samples_can_be_kept_to_the_disagreements(driver: Any) -> None:
    driver.execute_script("document.querySelectorAll('.filter input').forEach(i => i.click())")
    shown = driver.execute_script(
        "return [...document.querySelectorAll('.sample:not([hidden])')].map(s => s.dataset.disagree)"
    )
    assert set(shown) == {"1"}


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_violation(driver: Any, dark: bool) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: 'npm install --no-save axe-core'")
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    driver.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text()})
    found = driver.execute_async_script("axe.run().then(r => arguments[0](r.violations))")
    serious = [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [380, 1440])
def test_nothing_overflows(page_file: Path, tmp_path: Path, width: int, dark: bool) -> None:
    with opened(tmp_path, width=width, dark=dark) as driver:
        driver.get(page_file.as_uri())
        explorer_ready(driver)
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        wide = driver.execute_script(
            "return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth+1"
            " && !e.closest(arguments[0])).map(e => e.outerHTML.slice(0, 120))",
            WIDE_PARTS,
        )
        assert wide == []


def test_without_javascript_all_tables_and_charts_are_there(page_file: Path, tmp_path: Path) -> None:
    with opened(tmp_path, javascript=False) as driver:
        driver.get(page_file.as_uri())
        text = page_file.read_text(encoding="utf-8")
        charts = driver.find_elements("css selector", ".plot svg")
        assert len(charts) == text.count("<svg ")
        folded = driver.find_elements("css selector", "details.folded")
        assert sum(chart.is_displayed() for chart in charts) == text.count('class="takeaway"') - len(folded)
        assert all(chart.size["height"] > 50 for chart in charts if chart.is_displayed())
        assert len(driver.find_elements("css selector", "#cells tbody tr")) == len(view_named("quickstart").entries)
        assert not driver.find_element("id", "panel").is_displayed()
        assert driver.find_element("css selector", "noscript").text


def test_hostile_texts_run_nothing(tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(page_text("hostile"), encoding="utf-8")
    with opened(tmp_path / "profile") as driver:
        driver.get(path.as_uri())
        explorer_ready(driver)
        assert requests_of(driver) == []
        assert console_of(driver) == []
        assert (
            driver.execute_script(
                "return [...document.scripts].filter(s => s.src || s.text.startsWith('alert')).length"
            )
            == 0
        )


def test_another_reference_redraws_the_differences_as_the_decision_has_them(driver: Any) -> None:
    from bench.report.advice import advice_of
    from bench.report.differences import by_quality, differences
    from bench.report.wording import signed

    view = view_named("quickstart")
    task = view.tasks[0]
    names = driver.execute_script("return [...document.querySelectorAll('.switch select')[0].options].map(o => o.text)")
    assert sorted(names) == sorted(e.candidate for e in by_quality(task))
    reference = next(e for e in task.scored if e.candidate == "gpt2-large")
    script = (
        "const s = document.querySelector('.switch select'); s.value = arguments[0];"
        "s.dispatchEvent(new Event('change')); const pair = s.closest('.pair');"
        "return [pair.querySelector('h3').textContent, pair.querySelectorAll('svg circle').length,"
        " [...pair.querySelector('tbody').rows].map(r => [...r.cells].slice(0, 2).map(c => c.innerText.trim()))]"
    )
    before = driver.execute_script(script, "0")
    title, circles, rows = driver.execute_script(script, str(names.index("gpt2-large")))
    wanted = differences(task, advice_of(view.decision)["status"], reference)
    assert "gpt2-large" in title and circles == len(wanted)
    assert [(name, text.splitlines()[0]) for name, text in rows] == [
        (g.entry.candidate, signed(g.value)) for g in wanted
    ]
    assert driver.execute_script(script, "0") == before


def test_an_axis_from_microseconds_to_seconds_has_a_prefix_on_each_number(tmp_path: Path) -> None:
    path = tmp_path / "wide.html"
    path.write_text(page_text("wide"), encoding="utf-8")
    with opened(tmp_path / "profile") as driver:
        driver.get(path.as_uri())
        explorer_ready(driver)
        texts = driver.execute_script("return [...document.querySelectorAll('.vega text')].map(t => t.textContent)")
        assert console_of(driver) == []
    assert {"100 µs", "1 ms", "10 ms", "100 ms", "1 s"} <= set(texts)
    assert not [text for text in texts if text.startswith("0.0") and "s" in text]
