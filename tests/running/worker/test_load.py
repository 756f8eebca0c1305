"""One load for two tasks: the same answers as two processes, and honest facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.planning import make_plan, open_suite
from bench.record import Record
from bench.running.worker.cell import run_cell
from tests.checkpoints import LABELS, TEXTS, make_checkpoint

pytestmark = pytest.mark.slow

SUITE = """\
name: two
defaults: {{device: cpu, threads: 1, batch_size: 4, {defaults}}}
models:
  - {{name: m, family: {family}, checkpoint: ./{family}, variants: [{{dtype: float32}}, {{dtype: bfloat16}}]}}
tasks:
  - {{name: colour, kind: classification, data: {{path: colour.jsonl}}}}
  - {{name: other, kind: classification, data: {{path: other.jsonl}}, max_input_tokens: 16}}
measure: {{profile: quick, window_s: 0.05, energy: "off"}}
objectives: [quality, latency_p50_s]
"""


def records_of(folder: Path, family: str, share: bool, defaults: str = "") -> dict[tuple[str, str], Record]:
    for name in ("colour", "other"):
        rows = [{"text": f"{text} {name}", "label": LABELS[place % 3]} for place, text in enumerate(TEXTS)]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    text = SUITE.format(family=family, defaults=f"share_load: {str(share).lower()}{defaults}")
    (folder / "suite.yaml").write_text(text)
    plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results")
    states: dict[str, dict[str, Any]] = {}
    found = {}
    for cell in plan.written(folder / "results"):
        state = states.setdefault(cell.variant, {}) if share else None
        found[cell.variant, cell.task] = run_cell(cell, 0, lambda _: None, state)
    return found


def facts(record: Record) -> dict[str, Any]:
    return {fact.name: fact for fact in record.facts}


@pytest.mark.parametrize(
    "family", ["causal-lm", *(pytest.param(name, marks=pytest.mark.whole) for name in ("encoder", "transformer"))]
)
def test_shared_loads_give_the_same_answers(family: str, tmp_path: Path) -> None:
    make_checkpoint(family, tmp_path)
    alone, shared = records_of(tmp_path, family, False), records_of(tmp_path, family, True)
    assert alone.keys() == shared.keys()
    for key, record in alone.items():
        assert shared[key].samples == record.samples
        assert facts(shared[key])["parameters"].value == facts(record)["parameters"].value
    assert alone["float32", "colour"].samples != alone["bfloat16", "colour"].samples
    first, second = shared["float32", "colour"], shared["float32", "other"]
    assert (first.notes["load_shared_with"], second.notes["load_shared_with"]) == (None, "colour")
    assert facts(second)["load_s"].value == facts(first)["load_s"].value
    assert "once" in facts(second)["load_s"].reason and facts(first)["load_s"].reason is None
    assert facts(second)["first_request_s"].value is None and "share_load" in facts(second)["first_request_s"].reason
    assert facts(first)["first_request_s"].value is not None
    assert facts(second)["task_baseline_rss_bytes"].value > 0
    assert [doubt.code for doubt in second.doubts if doubt.code == "shared_process"] == ["shared_process"]
    assert not [doubt for doubt in first.doubts if doubt.code == "shared_process"]


def test_auto_records_the_batches_it_used(tmp_path: Path) -> None:
    make_checkpoint("encoder", tmp_path)
    record = records_of(tmp_path, "encoder", False)["float32", "colour"]
    assert record.notes["batching"]["examples"] == 4 and record.notes["batching"]["largest_examples"] == 4
    suite = tmp_path / "suite.yaml"
    suite.write_text(suite.read_text().replace("batch_size: 4", "batch_size: auto"))
    plan = make_plan(open_suite(str(suite)), tmp_path / "results")
    cell = plan.written(tmp_path / "results")[0]
    phases: list[str] = []
    record = run_cell(cell, 0, phases.append)
    assert phases.index("cold") < phases.index("evaluate"), "scoring and trying batches would warm the model"
    assert record.notes["batching"]["auto"] and record.notes["batching"]["largest_examples"] == len(TEXTS)
    assert facts(record)["first_request_s"].value > 0
