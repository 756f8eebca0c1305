"""Mistakes with runtimes, adapters, variants and prompts: one line each, with place and remedy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.planning import Plan, make_plan, open_suite

TASK = "kind: classification"
ENCODER = "family: encoder, checkpoint: ./encoder"
WRITER = "family: causal-lm, checkpoint: ./causal-lm"
ROWS = [
    {"text": "a red box", "label": "red", "value": 1.5},
    {"text": "a green box", "label": "green", "value": 2.5},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, checkpoints: dict[str, Path]) -> Path:
    """Folder with tiny checkpoints, data, and an adapter that names no base."""
    folder = tmp_path_factory.mktemp("mistakes")
    for family in ("encoder", "causal-lm", "seq2seq"):
        shutil.copytree(checkpoints[family], folder / family)
    (folder / "data").mkdir()
    for split in ("train", "validation", "test"):
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (folder / "adapter").mkdir()
    about = {"peft_type": "LORA", "task_type": "SEQ_CLS", "base_model_name_or_path": None}
    (folder / "adapter" / "adapter_config.json").write_text(json.dumps(about))
    (folder / "recipe.yaml").write_text("{steps: 10, warmup_steps: 1, learning_rate: 1.0e-3}\n")
    (folder / "solver.yaml").write_text("{}\n")
    return folder


def planned(folder: Path, model: str, task: str) -> Plan:
    (folder / "suite.yaml").write_text(
        f"name: wrong\ndefaults: {{device: cpu}}\nmodels:\n  - {{name: m, {model}}}\n"
        f"tasks:\n  - {{name: t, {task}, data: {{path: data}}}}\n"
    )
    return make_plan(open_suite(str(folder / "suite.yaml")), folder / "results")


REFUSED = {
    # name: (model, task, place, part of the message with its remedy)
    "unknown runtime": (f"{ENCODER}, runtime: onnxruntim", TASK, "models[0].runtime", "did you mean 'onnxruntime'?"),
    "adapter without base": (
        "family: encoder, checkpoint: ./adapter",
        TASK,
        "models[0].checkpoint",
        "name it in the model's entry: 'adapter: {base: …}'",
    ),
    "base that is not there": (
        "family: encoder, checkpoint: ./adapter, adapter: {base: ./nothing}",
        TASK,
        "models[0].adapter",
        "there is no folder",
    ),
    "adapter of nothing": (
        "family: encoder, fit: {recipe: recipe.yaml, adapter: lora}",
        TASK,
        "models[0].fit",
        "name one with 'checkpoint'",
    ),
    "adapter of a solver": (
        "family: linear, fit: {recipe: solver.yaml, adapter: lora}",
        TASK,
        "models[0].fit.adapter",
        "knows no 'adapter'; leave it out",
    ),
    "shots that are scored": (
        f"{WRITER}, shots: {{number: 1, split: test}}",
        TASK,
        "models[0].shots.split",
        "give its answers away; name another",
    ),
    "more shots than rows": (f"{WRITER}, shots: {{number: 9}}", TASK, "models[0].shots.number", "lower 'number'"),
    "shots for a head": (f"{ENCODER}, shots: {{number: 1}}", TASK, "models[0].shots", "leave it out of a model of"),
    "half an expression": (
        f"{WRITER}, answer: {{regex: '('}}",
        TASK,
        "models[0].answer.regex",
        "no regular expression",
    ),
    "unknown language": (
        "family: seq2seq, checkpoint: ./seq2seq, options: {source_lang: de}",
        TASK,
        "models[0].options",
        "did you mean 'src_lang'?",
    ),
    "vectors that are not there": (
        "family: embedding, checkpoint: ./glove, fit: {recipe: solver.yaml}",
        TASK,
        "models[0].checkpoint",
        "there is no folder",
    ),
    "labels of numbers": (
        ENCODER,
        "kind: regression, labels: [a, b]",
        "tasks[0].labels",
        "leave it out of a regression task",
    ),
    "temperature without draws": (
        f"{WRITER}, generation: {{temperature: 0.5}}",
        TASK,
        "models[0].generation",
        "set 'do_sample: true' too, or leave it",
    ),
}
UNSUPPORTED = {
    "int4 where there is none": (f"{ENCODER}, variants: [{{quantise: int4}}]", "leave it out, or take int8"),
    "a compiled graph": (f"{ENCODER}, runtime: openvino, variants: [{{compile: true}}]", "leave it out of a variant"),
    "a rule of numbers": ("family: baseline, strategy: mean", "use 'majority' or 'nearest'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_refused_in_one_line(name: str, folder: Path) -> None:
    model, task, place, part = REFUSED[name]
    with pytest.raises(BenchError) as caught:
        planned(folder, model, task)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{folder / 'suite.yaml'}:"), line
    assert f" {place}: " in line and part in line, line


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_cannot_be_done_here_is_told_by_the_plan(name: str, folder: Path) -> None:
    model, part = UNSUPPORTED[name]
    (cell,) = planned(folder, model, TASK).cells
    (line,) = str(cell.unsupported).splitlines()
    assert part in line
