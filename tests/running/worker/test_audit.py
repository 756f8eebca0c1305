"""The timed answers of every process are compared with what the first one was scored on."""

from __future__ import annotations

import json
from pathlib import Path

from bench.planning import make_plan, open_suite
from bench.record import Record
from bench.running.executors.inline import InlineExecutor
from bench.running.runner import run
from bench.running.worker.cell import run_cell
from bench.store import RunInfo, Store

SUITE = """\
name: audit
defaults: {{device: cpu, threads: 1, batch_size: 2}}
models:
  - {{name: byo, family: torch-module, factory: "audited_{name}:build"}}
tasks:
  - {{name: colour, kind: classification, data: {{path: colour.jsonl}}, labels: [red, blue]}}
measure: {{profile: quick, window_s: 0.02, processes: 2, energy: "off"}}
objectives: [quality, latency_p50_s]
"""
MODULE = """
from pathlib import Path

LOADS = Path(__file__).with_suffix(".loads")

class Model:
    def __init__(self):
        self.loads = len(LOADS.read_text()) if LOADS.exists() else 0
        LOADS.write_text("x" * (self.loads + 1))
    def classify(self, texts, labels):
        swapped = {cheats} and self.loads > 0
        return [(-0.1, -2.3) if ("red" in text) != swapped else (-2.3, -0.1) for text in texts]

def build():
    return Model()
"""


def records_of(folder: Path, name: str, cheats: bool) -> list[Record]:
    rows = [{"text": f"{colour} {n}", "label": colour} for n, colour in enumerate(["red", "blue"] * 3)]
    (folder / "colour.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / f"audited_{name}.py").write_text(MODULE.format(cheats=cheats))
    (folder / "suite.yaml").write_text(SUITE.format(name=name))
    results = folder / "results"
    plan = make_plan(open_suite(str(folder / "suite.yaml")), results)
    with Store.open(results) as store:
        info = RunInfo("audit", "", "hash", "bench run", "machine", "quick")
        run(plan.written(results), InlineExecutor(), store, info, processes=plan.processes)
        return list(store.load().records)


def codes(record: Record) -> set[str]:
    return {doubt.code for doubt in record.doubts}


def test_a_later_process_that_answers_as_scored_passes(tmp_path: Path) -> None:
    first, later = records_of(tmp_path, "honest", cheats=False)
    assert (first.status, later.status, later.process, later.samples) == ("ok", "ok", 1, ())
    assert later.notes["audit"]["compared"] >= 6
    assert later.notes["audit"]["mismatched"] == []
    assert not {"output_mismatch", "not_audited"} & (codes(first) | codes(later))


def test_a_later_process_that_answers_otherwise_is_caught(tmp_path: Path) -> None:
    first, later = records_of(tmp_path, "cheat", cheats=True)
    assert "output_mismatch" not in codes(first)
    assert "output_mismatch" in codes(later)
    assert later.notes["audit"]["mismatched"] == [0, 1, 2, 3, 4, 5]
    alone = run_cell(later.cell, 1, lambda phase: None)
    assert "not_audited" in codes(alone)
    assert alone.notes["audit"]["compared"] == 0
