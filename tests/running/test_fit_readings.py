"""What a training costs, from the training to the report: every reading of it is produced by a real run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.catalogue.readings import READINGS
from bench.cli import bench
from bench.planning import make_plan, open_suite
from bench.running.executors.inline import InlineExecutor
from bench.running.fits import run_fits
from bench.running.runner import run
from bench.store import RunInfo, Store

pytestmark = pytest.mark.slow

SHAPE = "architecture: {layers: 1, d_model: 32, heads: 2, d_ff: 64, max_length: 64, vocab_size: 300}"
PLAIN = f"start: scratch\n{SHAPE}\nsteps: 6\nlearning_rate: 1.0e-3\nwarmup_steps: 2\n"
FULL = f"{PLAIN}folds: 2\nsearch: {{method: grid, space: {{learning_rate: [1.0e-3, 2.0e-3]}}}}\n"
SUITE = """\
name: costs
defaults: {device: cpu, threads: 1, batch_size: 4}
models:
  - {name: teacher, family: encoder, fit: {recipe: plain.yaml}}
  - {name: student, family: encoder, fit: {recipe: full.yaml, teacher: teacher}}
  - {name: floor, family: baseline, strategy: majority}
tasks:
  - {name: colour, kind: classification, data: {path: data}}
measure: {profile: quick, window_s: 0.05}
objectives: [quality, latency_p50_s]
"""
LABELS = ("red", "green")
FIT_READINGS = sorted(name for name in READINGS if name.startswith("fit_"))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of a run whose student was searched, folded and taught; its teacher was trained first."""
    folder = tmp_path_factory.mktemp("costs")
    (folder / "data").mkdir()
    for split, count in (("train", 24), ("validation", 8), ("test", 8)):
        rows = [{"text": f"{split} {n} is {LABELS[n % 2]}", "label": LABELS[n % 2]} for n in range(count)]
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name, text in (("plain.yaml", PLAIN), ("full.yaml", FULL), ("suite.yaml", SUITE)):
        (folder / name).write_text(text)
    results, suite = folder / "results", open_suite(str(folder / "suite.yaml"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.running.fits.LocalExecutor", lambda **_: InlineExecutor())
        done = run_fits(make_plan(suite, results).fits, results, lambda _: None)
    assert [made["model"] for made in done.made] == ["teacher", "student"]
    plan = make_plan(suite, results)
    assert plan.fits == ()
    info = RunInfo("costs", "", "hash", "bench run", "machine", "quick", settings=suite.value.model_dump(mode="json"))
    with Store.open(results) as store:
        finished = run(plan.written(results), InlineExecutor(), store, info)
    assert finished.counts == {"ok": 3}
    return results


@pytest.fixture(scope="module")
def shown(results: Path) -> dict[str, dict[str, Any]]:
    """Return what `bench show --json` says of each model."""
    said = CliRunner().invoke(bench, ["show", "latest", "--results", str(results), "--json"])
    assert said.exit_code == 0, said.output
    return {cell["model"]: cell["efficiency"] for cell in json.loads(said.stdout)["cells"]}


@pytest.mark.parametrize("reading", FIT_READINGS)
def test_a_model_with_search_folds_and_teacher_has_the_reading(reading: str, shown: dict[str, dict[str, Any]]) -> None:
    value = shown["student"][reading]["value"]
    assert value is not None and value > 0, shown["student"][reading]


def test_the_whole_is_the_sum_of_its_parts(shown: dict[str, dict[str, Any]]) -> None:
    for unit in ("s", "energy_j"):
        values = {
            part: shown["student"][f"fit_{part}{unit}"]["value"] for part in ("search_", "folds_", "teacher_", "")
        }
        assert shown["student"][f"fit_total_{unit}"]["value"] == pytest.approx(sum(values.values()))
        assert values["teacher_"] == pytest.approx(shown["teacher"][f"fit_{unit}"]["value"])


def test_what_a_training_did_not_have_is_null_with_a_reason(shown: dict[str, dict[str, Any]]) -> None:
    for part in ("search", "folds", "teacher"):
        for unit in ("s", "energy_j"):
            reading = shown["teacher"][f"fit_{part}_{unit}"]
            assert reading["value"] is None and part in reading["reason"]
    assert shown["teacher"]["fit_total_s"]["value"] == shown["teacher"]["fit_s"]["value"]
    assert all(shown["floor"][reading]["value"] is None for reading in FIT_READINGS)


def test_the_report_charts_the_cost_of_training(results: Path) -> None:
    from bench.report.charts.training import Training
    from bench.report.marks import marks_of
    from bench.report.view import view_of

    with Store.open(results) as store:
        view = view_of(store.load())
    (plate,) = Training().draw(view, marks_of({entry.cell.family for entry in view.entries}))
    assert plate.chart.name == "training-0"
    assert len(plate.table.rows) == 2
