"""`fit: {adapter: lora}` trains low-rank changes and writes those alone; `fit: {shrink: …}` trains what is left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.errors import SuiteError
from bench.fit.session import fit
from bench.planning import Plan, make_plan, open_suite
from bench.running.worker.cell import run_cell
from tests.fit.jobs import COLOURS, rows

pytestmark = pytest.mark.slow

RECIPE = "{steps: 60, warmup_steps: 5, learning_rate: 2.0e-2, batch_tokens: 600, evaluate_every: 30, lora: {rank: 4}}"


def suite_in(folder: Path, base: Path, family: str, recipe: str = RECIPE, keys: str = "adapter: lora") -> Path:
    (folder / "data").mkdir(exist_ok=True)
    for split in ("train", "validation", "test"):
        lines = [json.dumps(dict(example.columns)) for example in rows("classification", 30).examples]
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(lines))
    (folder / "recipe.yaml").write_text(recipe)
    if not (folder / "base").exists():
        shutil.copytree(base, folder / "base")
    path = folder / "suite.yaml"
    path.write_text(
        "name: s\ndefaults: {device: cpu, threads: 1}\nmodels:\n"
        f"  - {{name: m, family: {family}, checkpoint: ./base, fit: {{recipe: recipe.yaml, {keys}}}}}\n"
        "tasks:\n  - {name: topic, kind: classification, data: {path: data}}\nmeasure: off\n"
    )
    return path


def planned(path: Path) -> Plan:
    return make_plan(open_suite(str(path)), path.parent / "results")


@pytest.mark.parametrize("family", ["encoder", "causal-lm"])
def test_an_adapter_is_trained_kept_alone_and_scored_on_its_base(
    family: str, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    pytest.importorskip("peft")
    path = suite_in(tmp_path, checkpoints[family], family)
    (job,) = planned(path).fits
    provenance: dict[str, Any] = fit(job, lambda _: None)
    names = {file.name for file in job.output.iterdir()}
    assert "adapter_model.safetensors" in names and not names & {"model.safetensors", "pytorch_model.bin"}
    curve = [loss for _, loss in provenance["validation_curve"]]
    assert curve[-1] < curve[0]
    plan = planned(path)
    assert not plan.fits
    (cell,) = plan.written(tmp_path / "results")
    assert cell.to_run().model.adapter is not None and cell.to_run().model.adapter.base == str(tmp_path / "base")
    record = run_cell(cell, 0, lambda _: None)
    right = sum(sample.prediction == sample.reference for sample in record.samples)
    assert right > 1.5 * len(record.samples) / len(COLOURS), "it learnt more than a guess"
    assert record.notes["generation_settings_left_out"] == [] and not record.notes["weights_unused"]


def test_what_is_left_of_a_checkpoint_is_trained_and_loads_as_any_other(
    checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    recipe = RECIPE.replace(", lora: {rank: 4}", "")
    path = suite_in(tmp_path, checkpoints["causal-lm"], "causal-lm", recipe, "shrink: {layers: 0.5, neurons: 0.5}")
    (job,) = planned(path).fits
    whole = planned(suite_in(tmp_path, checkpoints["causal-lm"], "causal-lm", recipe, "teacher: null")).fits[0]
    assert job.id != whole.id
    fit(job, lambda _: None)
    planned(suite_in(tmp_path, checkpoints["causal-lm"], "causal-lm", recipe, "shrink: {layers: 0.5, neurons: 0.5}"))
    config = json.loads((job.output / "config.json").read_text())
    assert (config["n_layer"], config["n_inner"]) == (1, 32)
    (cell,) = planned(path).written(tmp_path / "results")
    record = run_cell(cell, 0, lambda _: None)
    right = sum(sample.prediction == sample.reference for sample in record.samples)
    assert right > 1.5 * len(record.samples) / len(COLOURS), "it learnt more than a guess"


@pytest.mark.parametrize(
    ("family", "recipe", "message"),
    [
        ("encoder", RECIPE.replace("lora", "shrink: {heads: 0.5}, lora"), "leave out 'start' and 'lora'"),
        ("encoder", RECIPE.replace("lora: {rank: 4}", "shrink: {heads: 0.5}"), "no config.json says that heads"),
        ("transformer", RECIPE, "no adapter is trained of a transformer model; that is for causal-lm"),
        ("encoder", RECIPE.replace("steps: 60", "freeze: body, steps: 60"), "an adapter is learnt on the weights"),
        ("encoder", RECIPE.replace("rank: 4", "rang: 4"), "unknown key 'rang'; did you mean 'rank'?"),
    ],
)
def test_what_no_adapter_can_be_trained_of_is_one_line(
    family: str, recipe: str, message: str, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(SuiteError) as caught:
        planned(suite_in(tmp_path, checkpoints[family], family, recipe))
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 and message in lines[0], lines
