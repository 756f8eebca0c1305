"""`bench recommend` and `bench compare` as they are typed."""

import csv
import json
from dataclasses import replace

import pytest

from bench.__main__ import main
from bench.store import Store
from tests.factories import Sketch, Task, make_run
from tests.store.nights import store_run

MODELS = [Sketch("a", skill=0.9, latency_s=0.010), Sketch("b", skill=0.6, latency_s=0.003)]


@pytest.fixture
def where(tmp_path):
    """Options that name a results folder of two runs."""
    for night in (1, 2):
        store_run(tmp_path, make_run(MODELS, seed=night), night=night)
    return ["--results", str(tmp_path)]


def said(capsys, *command):
    assert main(list(command)) == 0
    return capsys.readouterr().out


def runs(capsys, where):
    return [run["id"] for run in json.loads(said(capsys, "ls", "runs", "--json", *where))]


def test_limits_and_preferences_change_the_pick(where, capsys):
    assert "Ship a for 'topic'" in said(capsys, "recommend", *where)
    assert "Ship b for 'topic'" in said(capsys, "recommend", *where, "--where", "latency_p50_s <= 5 ms")
    assert "Ship b for 'topic'" in said(capsys, "recommend", *where, "--prefer", "latency_p50_s")
    nobody = said(capsys, "recommend", *where, "--where", "latency_p50_s <= 1 us")
    assert "No pick for 'topic': no model is shown to meet every limit." in nobody and "The least bad is b" in nobody
    found = json.loads(said(capsys, "recommend", *where, "--json", "--where", "latency_p50_s <= 5 ms"))
    assert found["tasks"]["topic"]["recommendation"]["pick"] == "b"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--where", "latncy_p50_s <= 5 ms"], "did you mean 'latency_p50_s'"),
        (["--where", "latency_p50_s 5 ms"], "NAME OPERATOR QUANTITY"),
        (["--where", "latency_p50_s <= 5 GiB"], "no unit of this quantity"),
        (["--prefer", "acuracy"], "did you mean 'accuracy'"),
        (["--rule", "weighted"], "needs decision.rates"),
    ],
)
def test_mistakes_are_one_line_and_exit_with_2(where, capsys, options, says):
    assert main(["recommend", *where, *options]) == 2
    error = capsys.readouterr().err
    assert says in error and len(error.strip().splitlines()) == 1


def test_two_models_two_models_of_two_runs_and_two_runs(where, capsys):
    last, first = runs(capsys, where)
    assert "a and b differ, a is better: accuracy" in said(capsys, "compare", "a", "b", *where)
    apart = said(capsys, "compare", f"{first}:a", f"{last}:a", *where)
    assert "The two runs were made at different times" in apart
    whole = said(capsys, "compare", first, last, *where)
    assert "'topic', a:" in whole and "'topic', b:" in whole and "tests are one family" in whole
    assert main(["compare", "a", "zzz", *where]) == 2
    assert "'zzz' is no run and no model of run" in capsys.readouterr().err


def test_the_answer_is_four_lines_a_task_and_all_of_it_is_to_be_had(where, capsys):
    short = said(capsys, "recommend", *where).splitlines()
    full = said(capsys, "recommend", *where, "--long").splitlines()
    assert short[0] == "topic" and 2 <= len(short) <= 5 < len(full)
    assert "100" in short[1]


def test_a_partial_run_says_so_wherever_it_is_shown(tmp_path, capsys):
    run = store_run(tmp_path, make_run(MODELS, examples=5), restrictions={"limit": 5})
    where = ["--results", str(tmp_path)]
    for command in ("recommend", "show"):
        text = said(capsys, command, run, *where)
        assert "partial: --limit 5" in text and "xamples: 5" in text
    assert json.loads(said(capsys, "recommend", run, "--json", *where))["partial"] == "--limit 5"
    assert json.loads(said(capsys, "show", run, "--json", *where))["run"]["partial"] == "--limit 5"
    said(capsys, "report", run, *where, "-o", str(tmp_path / "x.html"))
    assert "--limit 5" in (tmp_path / "x.html").read_text(encoding="utf-8")


def test_an_interrupted_run_says_so_wherever_it_is_shown(tmp_path, capsys):
    run = store_run(tmp_path, make_run(MODELS, examples=5))
    where = ["--results", str(tmp_path)]
    with Store.open(tmp_path) as store:
        store.finish_run(run, "interrupted")
    for command in ("recommend", "show"):
        assert "interrupted: the cells that had not run by then are missing" in said(capsys, command, run, *where)
    assert json.loads(said(capsys, "recommend", run, "--json", *where))["status"] == "interrupted"
    for form in ("html", "md"):
        page = tmp_path / f"x.{form}"
        said(capsys, "report", run, *where, "--format", form, "-o", str(page))
        assert "nterrupted: the cells that had not run by then" in page.read_text(encoding="utf-8")


def test_a_partial_run_takes_nobodys_place(tmp_path, capsys):
    """Every command that is given no run takes the whole one, and says that a newer one was passed over."""
    whole = store_run(tmp_path, make_run(MODELS, examples=60), night=1)
    partial = store_run(tmp_path, make_run(MODELS, examples=5), night=2, restrictions={"limit": 5})
    where, page = ["--results", str(tmp_path)], tmp_path / "report.html"
    writing = [["report", "-o", str(page)], ["export", "-o", str(tmp_path / "out")]]
    for command in (["show"], ["recommend"], ["compare", "a", "b"], ["tag", "latest", "good"], *writing):
        assert main([*command, *where]) == 0
        assert partial in capsys.readouterr().err
    assert "--limit 5" not in page.read_text(encoding="utf-8")
    with (tmp_path / "out" / "cells.csv").open(newline="", encoding="utf-8") as file:
        assert {row["run"] for row in csv.DictReader(file)} == {whole}
    history = json.loads(said(capsys, "history", "suite", "--json", *where))
    for series in history["series"]:
        if series["reading"] in ("accuracy", "latency_p50_s", "peak_rss_bytes"):
            assert [point["value"] is None for point in series["points"]] == [False, True]
        assert "--limit 5" in series["points"][1]["reason"]
    text = said(capsys, "history", "suite", *where)
    assert f"the newest {whole}" in text and f"{partial}: partial: --limit 5" in text


def test_a_pick_from_few_rows_warns_and_one_from_many_does_not(tmp_path, capsys):
    counts = []
    for night, examples in ((1, 5), (2, 200)):
        run = store_run(tmp_path, make_run(MODELS, examples=examples), night=night)
        task = json.loads(said(capsys, "recommend", run, "--json", "--results", str(tmp_path)))["tasks"]["topic"]
        counts.append(len(task["recommendation"]["warnings"]))
    assert counts[0] > counts[1]


def test_a_set_for_all_tasks_stands_in_the_answer_the_table_and_the_page(tmp_path, capsys):
    does = {"a": ("topic", "mood"), "b": ("mood", "tone")}
    records = [
        record
        if record.cell.task in does[record.cell.model]
        else replace(record, status="unsupported", reason="it is for other tasks", samples=(), timings=(), facts=())
        for record in make_run(MODELS, [Task("topic"), Task("mood"), Task("tone")])
    ]
    run = store_run(tmp_path, records)
    where = ["--results", str(tmp_path)]
    lines = said(capsys, "recommend", run, *where).splitlines()
    heads = [place for place, line in enumerate(lines) if not line.startswith(" ")]
    blocks = {lines[at]: lines[at + 1 : end] for at, end in zip(heads, [*heads[1:], len(lines)], strict=True)}
    assert list(blocks) == ["topic", "mood", "tone", "one model for all tasks", "a set for all tasks"]
    assert all(1 <= len(block) <= 4 for block in blocks.values())
    assert "a and b do not do every task" in blocks["one model for all tasks"][0]
    assert "b does not do it" in blocks["topic"][0] and "a does not do it" in blocks["tone"][0]
    cover = json.loads(said(capsys, "recommend", run, "--json", *where))["cover"]
    assert cover["cheapest"]["serves"] == {"topic": "a", "mood": "a", "tone": "b"} and cover["single"] is None
    assert "\na set for all tasks\n" in said(capsys, "show", run, *where)
    said(capsys, "report", run, *where, "-o", str(tmp_path / "x.html"))
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "A set for all tasks" in page and blocks["a set for all tasks"][0].strip()[:20] in page
