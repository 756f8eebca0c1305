import csv
import io
import json

from bench.report import as_csv, as_json, as_markdown
from tests.report.conftest import view_named


def test_json_holds_cells_fronts_and_decision() -> None:
    view = view_named("quickstart")
    found = json.loads(json.dumps(as_json(view), allow_nan=False))
    assert set(found) == {"run", "cells", "fronts", "decision"}
    assert len(found["cells"]) == 33
    assert found["fronts"] == view.decision.fronts()


def test_csv_has_a_row_per_measure_and_keeps_what_is_missing_empty() -> None:
    view = view_named("quickstart")
    rows = list(csv.DictReader(io.StringIO(as_csv(view))))
    entry = next(e for e in view.entries if e.candidate == "ours-small" and e.cell.task == "status")
    mine = {r["measure"]: r for r in rows if r["model"] == "ours-small" and r["task"] == "status"}
    quantity = entry.quality["accuracy"]
    assert float(mine["accuracy"]["value"]) == quantity.value
    assert mine["ttft_p50_s"]["value"] == ""
    assert mine["ttft_p50_s"]["reason"]
    assert {r["status"] for r in rows} == {"ok", "unsupported", "timeout"}


def test_csv_holds_no_formula() -> None:
    rows = csv.reader(io.StringIO(as_csv(view_named("hostile"))))
    texts = [cell for row in rows for cell in (*row[:6], row[12])]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in texts)


def test_markdown_gives_the_answer_and_one_table_per_task() -> None:
    view = view_named("quickstart")
    text = as_markdown(view)
    assert text.count("| candidate | standing |") == 3
    assert "**ours-small**" in text
    assert "gpt2-large · german: out of time" in text


def test_markdown_shows_hostile_names_as_text() -> None:
    text = as_markdown(view_named("hostile"))
    assert "<script>" not in text
    assert "\x00" not in text
    assert max(len(line) for line in text.splitlines()) < 4000
