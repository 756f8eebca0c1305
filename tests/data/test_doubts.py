"""What is said of doubtful data, and that the plan says it before anything runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.data.doubts import data_doubts
from bench.planning import make_plan, open_suite
from tests.planning.test_cells import RECIPE

SUITE = """\
name: doubtful
models:
  - {name: ours, family: transformer, fit: {recipe: recipe.yaml}}
  - {name: floor, family: baseline, strategy: majority}
tasks:
  - {name: topic, kind: classification, data: {path: data}}
"""


def test_nothing_is_said_of_clean_data() -> None:
    assert data_doubts({"duplicates": 0, "empty_references": 0}, 0, 10) == []
    assert data_doubts({}, None, 10) == []


def test_each_doubt_has_its_number_and_its_remedy() -> None:
    found = data_doubts({"duplicates": 2, "empty_references": 3, "duplicate_ids": 1}, 4, 10, ("accuracy",))
    counts = {doubt.code: doubt.message[:7] for doubt in found}
    assert counts == {
        "train_overlap": "4 of 10",
        "duplicate_inputs": "2 of 10",
        "duplicate_ids": "1 of 10",
        "empty_references": "3 of 10",
    }
    assert all(doubt.remedy and doubt.readings == ("accuracy",) for doubt in found)


def suite(folder: Path) -> Path:
    (folder / "data").mkdir()
    for split, texts in {"train": "abcd", "validation": "ef", "test": "cdgg"}.items():
        rows = [{"text": text, "label": "xy"[i % 2]} for i, text in enumerate(texts)]
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "recipe.yaml").write_text(RECIPE)
    (folder / "suite.yaml").write_text(SUITE)
    return folder / "suite.yaml"


def test_the_plan_counts_scored_rows_that_the_model_learns(tmp_path: Path) -> None:
    plan = make_plan(open_suite(str(suite(tmp_path))), tmp_path / "results")
    ours, floor = plan.cells
    assert (ours.to_run().train_overlap, floor.to_run().train_overlap) == (2, None)
    assert "train_overlap" not in ours.identity
    said = [(where, doubt.code) for where, doubt in plan.doubts]
    assert sorted(said) == [("ours · topic", "train_overlap"), ("topic", "duplicate_inputs")]


@pytest.mark.parametrize(
    ("kind", "rows", "groups"),
    [
        ("classification", [{"label": "pos"}, {"label": "Pos"}], [["Pos", "pos"]]),
        ("sentence-pairs", [{"label": "pos"}, {"label": "pos "}], [["pos", "pos "]]),
        ("multi-label", [{"labels": ["wet", "cold"]}, {"labels": ["Wet"]}, {"labels": []}], [["Wet", "wet"]]),
        ("token-labels", [{"tags": ["B-Per", "O"]}, {"tags": ["O", "B-PER"]}], [["B-PER", "B-Per"]]),
        ("summarisation", [{"summary": "Rain"}, {"summary": "rain"}], None),
    ],
)
def test_labels_that_look_alike_are_seen_wherever_a_kind_has_labels(
    kind: str, rows: list[dict[str, Any]], groups: list[list[str]] | None, tmp_path: Path
) -> None:
    given = {"text": "a b", "text_pair": "c", "tokens": ["a", "b"], "document": "a"}
    lines = [json.dumps({**given, "id": place, **row}) for place, row in enumerate(rows)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    written = SUITE.replace("  - {name: ours, family: transformer, fit: {recipe: recipe.yaml}}\n", "")
    strategy = "majority" if groups else "lead"
    written = written.replace("classification, data: {path: data}", f"{kind}, data: {{path: rows.jsonl}}")
    (tmp_path / "suite.yaml").write_text(written.replace("majority", strategy))
    plan = make_plan(open_suite(str(tmp_path / "suite.yaml")), tmp_path / "results")
    alike = [doubt for _, doubt in plan.doubts if doubt.code == "labels_alike"]
    assert bool(alike) == (groups is not None)
    if groups:
        assert all(ascii(label) in alike[0].message for label in groups[0])


def test_the_command_prints_doubts_with_their_remedy(tmp_path: Path) -> None:
    from bench.cli.suite import plan

    path = suite(tmp_path)
    options = [str(path), "--results", str(tmp_path / "results")]
    shown = CliRunner().invoke(plan, options).output
    assert "doubt: ours · topic: 2 of 4 scored inputs are also in the data that the model was trained on; take" in shown
    listed = json.loads(CliRunner().invoke(plan, [*options, "--json"]).output)
    assert {doubt["code"] for doubt in listed["doubts"]} == {"train_overlap", "duplicate_inputs"}
