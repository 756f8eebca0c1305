"""`measure: off`: quality alone, and every reading says that it was not measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.catalogue.reasons import MEASURING_OFF
from bench.planning import Options, make_plan, open_suite
from bench.running.executors.inline import InlineExecutor
from bench.running.runner import run
from bench.running.worker.cell import run_cell
from bench.store import RunInfo, Store
from bench.suite import MeasureSpec, Suite
from tests.checkpoints import make_checkpoint

SUITE = """\
name: alone
defaults: {{device: cpu, threads: 1, batch_size: 4}}
models:
  - {{name: m, family: causal-lm, checkpoint: ./causal-lm}}
  - {{name: floor, family: baseline, strategy: lead}}
tasks:
  - {{name: one, kind: summarisation, data: {{path: rows.jsonl}}, max_new_tokens: 4}}
  - {{name: two, kind: summarisation, data: {{path: rows.jsonl}}, max_new_tokens: 6}}
measure: {measure}
objectives: [quality, latency_p50_s, peak_memory_bytes]
constraints: {{latency_p50_s: "<= 50 ms"}}
"""
QUICK = '{profile: quick, window_s: 0.05, energy: "off"}'
COUNTED = {"parameters", "weights_bytes"}


def suite_in(folder: Path, measure: str = "off") -> str:
    rows = [{"document": f"{word} boxes left. They went.", "summary": f"{word} boxes left."} for word in "abcdef"]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "suite.yaml").write_text(SUITE.format(measure=measure))
    return str(folder / "suite.yaml")


def test_off_alone_and_with_nothing_beside_it() -> None:
    model = {"name": "m", "family": "baseline", "strategy": "majority"}
    task = {"name": "t", "kind": "classification", "data": {"builtin": "pydocs"}}
    made = Suite.model_validate({"name": "s", "models": [model], "tasks": [task], "measure": "off"})
    assert made.measure == MeasureSpec(profile="off")
    with pytest.raises(ValueError, match="'window_s' means nothing"):
        MeasureSpec(profile="off", window_s=1.0)
    accepted = json.dumps(Suite.model_json_schema()["properties"]["measure"])
    assert '"const": "off"' in accepted


def test_the_command_line_turns_measuring_off_and_on(tmp_path: Path) -> None:
    make_checkpoint("causal-lm", tmp_path)
    asked, off = open_suite(suite_in(tmp_path, QUICK)), Options(profile="off")
    plan = make_plan(asked, tmp_path, off)
    assert (plan.measures, plan.processes, plan.measure) == (False, 1, MeasureSpec(profile="off"))
    assert all(plan.work(cell)["measured_s"] == 0.0 for cell in plan.cells)
    assert plan.sharing.groups == (("m", "float32", ("one", "two")),)  # no memory is measured that it could blur
    as_written = make_plan(open_suite(suite_in(tmp_path)), tmp_path)
    assert [cell.id for cell in as_written.cells] == [cell.id for cell in plan.cells]
    assert make_plan(asked, tmp_path).measures
    assert make_plan(open_suite(suite_in(tmp_path)), tmp_path, Options(profile="quick")).processes == 1
    assert not {cell.id for cell in make_plan(asked, tmp_path).cells} & {cell.id for cell in plan.cells}


@pytest.mark.slow
def test_a_cell_is_scored_as_when_measured_and_nothing_is_timed(tmp_path: Path) -> None:
    make_checkpoint("causal-lm", tmp_path)
    phases: list[str] = []
    found = {}
    for measure in ("off", QUICK):
        cell = make_plan(open_suite(suite_in(tmp_path, measure)), tmp_path).written(tmp_path)[0]
        found[measure] = run_cell(cell, 0, phases.append if measure == "off" else lambda _: None)
    alone = found["off"]
    assert phases == ["load", "evaluate"]
    assert alone.samples == found[QUICK].samples and len(alone.samples) == 6
    assert alone.timings == () and [doubt.code for doubt in alone.doubts] == ["outputs_at_limit"]
    shared: dict[str, Any] = {}
    for cell in make_plan(open_suite(suite_in(tmp_path)), tmp_path).written(tmp_path)[:2]:
        second = run_cell(cell, 0, lambda _: None, shared)
    assert second.notes["load_shared_with"] == "one"
    assert [doubt.code for doubt in second.doubts] == ["outputs_at_limit"]  # no memory is measured that it blurs
    assert {
        fact.name
        for fact in alone.facts
        if not fact.name.startswith(("window_", "peak_rss_evaluate", "peak_own_memory_evaluate"))
    } == {
        *COUNTED,
        "admission_s",
    }


def test_everything_that_shows_a_run_says_that_nothing_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    suite_in(tmp_path)
    text = (
        (tmp_path / "suite.yaml").read_text().replace("  - {name: m, family: causal-lm, checkpoint: ./causal-lm}\n", "")
    )
    (tmp_path / "suite.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "suite.yaml"]) == 0
    assert "nothing is measured" in capsys.readouterr().out
    assert main(["run", "suite.yaml", "--json", "--report", "page.html"]) == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    for cell in shown["cells"]:
        assert cell["quality"]["rougeL"]["value"] == 1.0
        missing = {name: q for name, q in cell["efficiency"].items() if name not in COUNTED}
        assert missing and all((q["value"], q["reason"]) == (None, MEASURING_OFF.sentence) for q in missing.values())
    assert "measuring was off" in (tmp_path / "page.html").read_text()
    assert "measured with the profile" not in (tmp_path / "page.html").read_text()
    assert main(["recommend"]) == 0
    said = capsys.readouterr().out
    assert "No pick" in said and MEASURING_OFF.sentence in said
    assert main(["show"]) == 0


def test_a_measured_run_takes_the_answers_that_were_scored_without_measuring(tmp_path: Path) -> None:
    make_checkpoint("causal-lm", tmp_path)
    results, runs = tmp_path / "results", {}
    for name, measure in (("alone", "off"), ("measured", QUICK), ("anew", QUICK)):
        plan = make_plan(open_suite(suite_in(tmp_path, measure)), results, Options(only=("m/one",)))
        with Store.open(results) as store:
            info = RunInfo("alone", "", measure, "bench run", "machine", plan.measure.profile)
            run(plan.written(results), InlineExecutor(), store, info, rerun=name == "anew")
            runs[name] = store.load("latest").records[0]
    alone, measured, anew = (runs[name] for name in ("alone", "measured", "anew"))
    assert measured.samples == alone.samples == anew.samples and len(measured.samples) == 6
    assert measured.timings and measured.cell.id == anew.cell.id != alone.cell.id == measured.cell.quality_id
    assert not [fact for fact in measured.facts if fact.name == "window_evaluate_s"]  # nothing was scored
    assert "scored" not in measured.cell.to_run().to_json()  # what is stored can be run again when the file is gone
    assert measured.notes["audit"]["compared"] > 0 and not measured.notes["audit"]["mismatched"]
    assert [doubt.code for doubt in measured.doubts if doubt.code == "answers_reused"] == ["answers_reused"]
    assert [fact for fact in anew.facts if fact.name == "window_evaluate_s"]
    assert "answers_reused" not in {doubt.code for doubt in anew.doubts}


def test_a_run_without_measuring_takes_the_answers_that_a_measured_run_scored(tmp_path: Path) -> None:
    make_checkpoint("causal-lm", tmp_path)
    results, runs = tmp_path / "results", {}
    for name, measure in (("measured", QUICK), ("alone", "off"), ("anew", "off")):
        plan = make_plan(open_suite(suite_in(tmp_path, measure)), results, Options(only=("m/one",)))
        with Store.open(results) as store:
            info = RunInfo("alone", "", measure, "bench run", "machine", plan.measure.profile)
            run(plan.written(results), InlineExecutor(), store, info, rerun=name == "anew")
            runs[name] = store.load("latest")
    measured, alone, anew = (runs[name].records[0] for name in ("measured", "alone", "anew"))
    assert alone.samples == measured.samples == anew.samples and len(alone.samples) == 6
    assert not alone.timings and alone.cell.id == measured.cell.quality_id != measured.cell.id
    assert not [fact for fact in alone.facts if fact.name == "window_evaluate_s"]  # nothing was scored
    (doubt,) = [doubt for doubt in alone.doubts if doubt.code == "answers_reused"]
    assert runs["measured"].info.id in doubt.message and doubt.readings == ()
    assert [fact for fact in anew.facts if fact.name == "window_evaluate_s"]
    assert "answers_reused" not in {doubt.code for doubt in anew.doubts}
