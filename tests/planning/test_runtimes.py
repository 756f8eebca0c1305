"""The key `runtime`: the candidates that it makes, their ids, and every mistake with its place and its remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.candidates import runtime as declaration
from bench.candidates.runtimes import RUNTIMES
from bench.errors import SuiteError
from bench.planning import Plan, make_plan, open_suite
from tests.checkpoints import make_checkpoint


def suite(models: str, *, device: str = "cpu") -> str:
    return f"""\
name: runtimes
defaults: {{device: {device}}}
models:
  - {models}
tasks:
  - {{name: colour, kind: classification, data: {{path: rows.jsonl}}}}
  - {{name: short, kind: summarisation, data: {{path: rows.jsonl, columns: {{document: text, summary: label}}}}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runtimes")
    for family in ("encoder", "causal-lm", "seq2seq", "transformer"):
        make_checkpoint(family, folder)
    (folder / "rows.jsonl").write_text('{"text": "a red house", "label": "red"}\n{"text": "tea", "label": "green"}\n')
    return folder


def planned(folder: Path, models: str, **options: str) -> Plan:
    path = folder / "suite.yaml"
    path.write_text(suite(models, **options))
    return make_plan(open_suite(str(path)), folder / "results")


def variants_of(plan: Plan) -> list[str]:
    return [cell.variant for cell in plan.cells if cell.task == "colour"]


def test_every_variant_is_a_candidate_in_every_runtime(folder: Path) -> None:
    keys = "runtime: [torch, ctranslate2], variants: [{}, {quantise: int8}]"
    plan = planned(folder, f"{{name: m, family: encoder, checkpoint: ./encoder, {keys}}}")
    assert variants_of(plan) == ["float32", "int8", "ctranslate2", "int8+ctranslate2"]
    own = "{name: m, family: encoder, checkpoint: ./encoder, runtime: torch, variants: [{}, {runtime: openvino}]}"
    assert variants_of(planned(folder, own)) == ["float32", "openvino"]


def test_an_id_holds_the_runtime_with_its_version_and_torch_leaves_ids_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = planned(folder, "{name: m, family: encoder, checkpoint: ./encoder}")
    both = planned(folder, "{name: m, family: encoder, checkpoint: ./encoder, runtime: [torch, ctranslate2]}")
    torch_cell, other = (cell for cell in both.cells if cell.task == "colour")
    assert torch_cell.id == plain.cells[0].id and "variant" not in torch_cell.identity
    assert other.identity["variant"] == {"runtime": "ctranslate2", "release": RUNTIMES["ctranslate2"].release}
    monkeypatch.setattr(declaration, "package_version", lambda name: "0.0.1")
    newer = planned(folder, "{name: m, family: encoder, checkpoint: ./encoder, runtime: ctranslate2}").cells[0]
    assert newer.id != other.id
    assert newer.to_run().artifact != other.to_run().artifact


def test_tasks_that_ask_the_same_of_a_network_share_its_conversion(folder: Path) -> None:
    plan = planned(folder, "{name: m, family: seq2seq, checkpoint: ./seq2seq, runtime: ctranslate2}")
    assert len({cell.to_run().artifact for cell in plan.cells}) == 1
    headed = planned(folder, "{name: m, family: causal-lm, checkpoint: ./causal-lm, runtime: [ctranslate2, openvino]}")
    assert len({cell.to_run().artifact for cell in headed.cells}) == 2


WRONG = {
    "unknown runtime": ("runtime: onnxruntim", ":4:55 models[0].runtime", "did you mean 'onnxruntime'?"),
    "unknown in a list": ("runtime: [torch, tensorrt]", ":4:72 models[0].runtime[1]", "no runtime is named 'tensorrt'"),
    "unknown of a variant": (
        "variants: [{runtime: openvin}]",
        ":4:67 models[0].variants[0].runtime",
        "did you mean 'openvino'?",
    ),
    "none at all": ("runtime: []", ":4:55 models[0].runtime", "or a list of names"),
    "a number": ("runtime: 3", ":4:55 models[0].runtime", "or a list of names"),
    "the same twice": ("runtime: [torch, torch]", "models[0]", "two variants are the same: float32, float32"),
}


@pytest.mark.parametrize(("keys", "place", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_runtime_is_told_with_its_place(keys: str, place: str, message: str, folder: Path) -> None:
    with pytest.raises(SuiteError) as caught:
        planned(folder, f"{{name: m, family: encoder, checkpoint: ./encoder, {keys}}}")
    assert place in str(caught.value) and message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


UNSUPPORTED = {
    "a form that it lacks": (
        "encoder",
        "runtime: onnxruntime, variants: [{dtype: float16}]",
        "does float32, int8, not",
    ),
    "compiled": ("encoder", "runtime: openvino, variants: [{compile: true}]", "'compile' is for the runtime 'torch'"),
    "pruned": ("encoder", "runtime: ctranslate2, variants: [{prune: 0.5}]", "'prune' is for the runtime 'torch'"),
    "a network that it does not know": ("transformer", "runtime: ctranslate2", "no network of the kind"),
    "a rule": ("baseline", "runtime: openvino", "has no variants; leave 'openvino' out"),
    "a model of one's own": ("torch-module", "runtime: onnxruntime", "executes nothing"),
}


@pytest.mark.parametrize(("family", "keys", "reason"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_a_runtime_cannot_do_is_unsupported_with_the_reason(
    family: str, keys: str, reason: str, folder: Path
) -> None:
    where = {"baseline": "strategy: majority", "torch-module": "factory: tests.contract.module:Lengths"}
    entry = where.get(family, f"checkpoint: ./{family}")
    cell = planned(folder, f"{{name: m, family: {family}, {entry}, {keys}}}").cells[0]
    assert reason in str(cell.unsupported)
    assert re.search("run it under torch|leave .* out", str(cell.unsupported)), "with the remedy"


def test_a_decoder_that_is_no_graph_and_draws_are_unsupported(folder: Path) -> None:
    entry = "{name: m, family: transformer, checkpoint: ./transformer, runtime: openvino}"
    head, text = planned(folder, entry).cells
    assert head.unsupported is None and "this task needs 'source-text'" in str(text.unsupported)
    drawn = "{name: m, family: causal-lm, checkpoint: ./causal-lm, runtime: openvino, generation: {do_sample: true}}"
    assert "draws no tokens" in str(planned(folder, drawn).cells[1].unsupported)


def test_a_gpu_is_none_of_theirs(folder: Path) -> None:
    plan = planned(folder, "{name: m, family: encoder, checkpoint: ./encoder, runtime: openvino}", device="cuda:0")
    assert "set 'device: cpu'" in str(plan.cells[0].unsupported)


@pytest.mark.parametrize("name", [name for name, runtime in RUNTIMES.items() if runtime.converts])
def test_an_absent_package_is_told_with_the_command(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declaration, "package_version", lambda package: None)
    plan = planned(folder, f"{{name: m, family: encoder, checkpoint: ./encoder, runtime: {name}}}")
    assert f"pip install 'bench[{RUNTIMES[name].extra}]'" in str(plan.cells[0].unsupported)
    assert len(str(plan.cells[0].unsupported).splitlines()) == 1
