import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.report import as_csv, as_markdown, render, view_of, write_figures
from bench.report.page import share_styles
from bench.report.tables import Column, Item, Row, Table
from bench.report.templating import environment
from bench.store import StoredRun
from tests.report import runs
from tests.report.conftest import page_text, view_named

PAGES = ("quickstart", "one", "two", "none", "hostile")
VOID = {"meta", "br", "input", "link", "img", "hr", "wbr"}


class Outline(HTMLParser):
    """Elements, ids, headings and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self._in: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._in.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._in and self._in.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "script" in self._in:
            self.scripts.append(data)
        elif "style" not in self._in:
            self.text += data

    def ids(self) -> list[str]:
        return [a["id"] for _, a in self.tags if a.get("id")]


@pytest.mark.parametrize("name", PAGES)
def test_the_page_has_unique_ids_and_every_reference_leads_somewhere(name: str) -> None:
    page = Outline(page_text(name))
    ids = page.ids()
    assert sorted(ids) == sorted(set(ids))
    wanted = [a["href"][1:] for _, a in page.tags if (a.get("href") or "").startswith("#")]
    wanted += [i for _, a in page.tags for i in (a.get("aria-labelledby") or "").split()]
    assert set(wanted) - set(ids) - {""} == set()


@pytest.mark.parametrize("name", PAGES)
def test_nothing_in_the_page_can_ask_the_network(name: str) -> None:
    page = Outline(page_text(name))
    for tag, attributes in page.tags:
        assert tag not in {"img", "link", "iframe", "object", "embed", "base", "form"}
        assert "src" not in attributes
        assert not any(key.startswith("on") for key in attributes)
        link = attributes.get("href") or attributes.get("xlink:href") or "#"
        assert link.startswith("#"), (tag, link)


@pytest.mark.parametrize("name", PAGES)
def test_the_policy_names_every_script_by_hash_and_forbids_the_rest(name: str) -> None:
    text = page_text(name)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    rules = dict(part.strip().split(" ", 1) for part in policy.group(1).replace("&#39;", "'").split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in rules["script-src"]
    for code in re.findall(r"<script>(.*?)</script>", text, re.S):
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in rules["script-src"]


def test_the_same_records_give_the_same_bytes() -> None:
    assert render(runs.two()) == render(runs.two())


def test_figures_drawn_in_several_processes_make_the_same_page(monkeypatch: pytest.MonkeyPatch) -> None:
    view = view_named("two")
    crowded = replace(view, tasks=tuple(replace(task, crowded=True) for task in view.tasks))
    alone = render(crowded)
    monkeypatch.setattr("bench.host.pool.affinity", lambda: [0, 1])
    monkeypatch.setattr("bench.host.pool._may_fork", lambda: True)
    assert render(crowded) == alone


def test_a_headline_names_the_picks_and_the_undecided() -> None:
    heading = re.search(r"<h1>(.*?)</h1>", page_text("quickstart"))
    assert heading is not None
    for name, part in view_named("quickstart").decision.tasks.items():
        assert name in heading.group(1)
        assert (part.recommendation.pick or "no pick") in heading.group(1)


def test_every_cell_has_a_row_with_its_status_and_every_reason_is_told() -> None:
    page = Outline(page_text("quickstart"))
    view = view_named("quickstart")
    rows = [i for i in page.ids() if re.fullmatch(r"t\d+c\d+", i)]
    assert len(rows) == len(view.entries)
    for entry in view.entries:
        if entry.status != "ok":
            assert entry.reason is not None
            assert entry.reason in page.text


def test_charts_are_described_and_have_a_takeaway() -> None:
    page = Outline(page_text("quickstart"))
    charts = [a for tag, a in page.tags if tag == "svg"]
    assert len(charts) >= 15
    assert all(a["role"] == "img" and a["aria-labelledby"] for a in charts)
    wide = [a for a in charts if "narrow" not in (a["aria-labelledby"] or "")]
    assert page_text("quickstart").count('class="takeaway"') == len(wide)


def test_table_heads_have_scopes() -> None:
    page = Outline(page_text("quickstart"))
    assert {a.get("scope") for tag, a in page.tags if tag == "th"} == {"col", "row"}


def test_n_is_told_once_where_a_column_has_one_and_in_each_cell_where_it_has_several() -> None:
    columns = (Column("candidate", numeric=False), Column("same"), Column("several"))
    rows = tuple(
        Row((Item(str(n)), Item("1 s", 1.0, n="n = 7"), Item("1 s", 1.0, "0 to 2 s", f"n = {n}"))) for n in (8, 9)
    )
    gap = Row((Item("gap"), Item("–", css="none"), Item("–", css="none")))
    assert Table("", columns, (*rows, gap)).shared == ["", "n = 7", ""]
    page = environment().from_string('{% from "macros.html.j2" import table %}{{ table(t) }}')
    shown = page.render(t=Table("", columns, (*rows, gap)))
    assert re.findall("<small>(.*?)</small>", shown) == ["n = 7", "0 to 2 s, n = 8", "0 to 2 s, n = 9"]
    assert Table("", columns, (rows[0],)).shared == ["", "", ""]


def test_hostile_texts_are_shown_as_text() -> None:
    page = Outline(page_text("hostile"))
    assert "<script>alert(1)</script>" in page.text
    assert not any("alert(" in code and "explorer" not in code for code in page.scripts if "u003c" not in code)
    assert "49" not in re.findall(r"\{\{ (.*?) \}\}", page.text)
    assert "\x00" not in page_text("hostile")
    assert "\u202e" not in page_text("hostile")
    assert "x" * 1500 not in page_text("hostile")
    assert "␀" in page.text


def test_a_run_without_success_says_so() -> None:
    page = Outline(page_text("none"))
    assert "no model can be recommended yet" in page.text
    for word in ("failed", "out of memory", "out of time"):
        assert word in page.text
    assert "explorer-data" not in page.ids()


def test_one_model_gives_a_page_that_reads() -> None:
    page = Outline(page_text("one"))
    assert "Ship only for" in page.text or "No pick for" in page.text
    assert "None" not in page.text
    assert "nan" not in page.text.lower().split()


def test_shared_styles_keep_each_style_once() -> None:
    page = '<style></style></head><svg a><g style="fill: red"/><g style="fill:red;"/></svg><p style="x:y">'
    assert share_styles(page) == (
        '<style>.z0{fill:red}</style></head><svg a><g class="z0"/><g class="z0"/></svg><p style="x:y">'
    )


@pytest.mark.slow
def test_sixty_models_on_eight_tasks_stay_within_the_size() -> None:
    text = page_text("many")
    assert len(text.encode()) <= 1_500_000
    assert len([i for i in Outline(text).ids() if re.fullmatch(r"t\d+c\d+", i)]) == 480
    assert "models, at most" in text


def test_a_run_without_a_finished_cell_gives_a_page(tmp_path: Path) -> None:
    view = view_named("one")
    empty = view_of(StoredRun(view.info, ()), view.suite)
    assert "no model can be recommended yet" in Outline(render(empty)).text
    assert as_markdown(empty).startswith("## bench: ")
    assert len(as_csv(empty).splitlines()) == 1
    assert write_figures(empty, tmp_path) == []
