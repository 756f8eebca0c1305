"""Adapters in PEFT's layout: they load merged and beside their base, and what does not fit is one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.candidates.adapters import with_lora
from bench.candidates.interface import Decoding
from bench.errors import AdmissionError, SuiteError
from bench.planning import make_plan, open_suite
from bench.suite import AdapterSpec
from tests.checkpoints import LABELS, TEXTS, load

AUTO = {"causal-lm": "AutoModelForCausalLM", "encoder": "AutoModelForSequenceClassification"}
TASK_TYPES = {"causal-lm": "CAUSAL_LM", "encoder": "SEQ_CLS"}


@pytest.fixture(scope="module")
def adapters(checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of an adapter with random changes for each of two families."""
    import transformers

    pytest.importorskip("peft")
    folder = tmp_path_factory.mktemp("adapters")
    for family, name in AUTO.items():
        torch.manual_seed(3)
        base = getattr(transformers, name).from_pretrained(checkpoints[family])
        net = with_lora(base, TASK_TYPES[family], rank=2, alpha=4, dropout=0.0, targets=None)
        with torch.no_grad():
            for parameter in net.parameters():
                if parameter.requires_grad:
                    parameter.normal_(std=0.3)
        net.save_pretrained(folder / family)
    return {family: folder / family for family in AUTO}


def test_a_merged_adapter_answers_as_one_beside_its_base(
    checkpoints: dict[str, Path], adapters: dict[str, Path]
) -> None:
    merged, beside = (
        load("causal-lm", adapters["causal-lm"], "classification", adapter=AdapterSpec(merge=merge))
        for merge in (True, False)
    )
    plain = load("causal-lm", checkpoints["causal-lm"], "classification")
    for one, other, base in zip(*(model.classify(TEXTS) for model in (merged, beside, plain)), strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-3)
        assert one.scores != pytest.approx(base.scores, abs=1e-2)
    counts = [model.facts().parameters for model in (merged, beside, plain)]
    assert counts[0] == counts[2] < counts[1]
    assert not any("lora" in name for name, _ in merged.module.named_modules())
    assert beside.generate([TEXTS[0]], Decoding(4))[0].output_tokens > 0


def test_the_head_that_an_adapter_brings_along_is_its_own(
    checkpoints: dict[str, Path], adapters: dict[str, Path]
) -> None:
    names = {str(place): label for place, label in enumerate(LABELS)}
    model = load("encoder", adapters["encoder"], "classification", head_labels=names)
    from safetensors.torch import load_file

    stored = load_file(adapters["encoder"] / "adapter_model.safetensors")
    head = next(tensor for name, tensor in stored.items() if name.endswith("classifier.weight") and "lora" not in name)
    assert torch.equal(model.module.classifier.weight, head)
    assert len(model.classify(TEXTS)[0].scores) == len(LABELS)


def test_a_base_of_another_shape_and_one_with_other_parts_are_one_line(
    checkpoints: dict[str, Path], adapters: dict[str, Path], tmp_path: Path
) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    base = shutil.copytree(checkpoints["causal-lm"], tmp_path / "wider")
    own = GPT2Config.from_pretrained(base)
    for change, message in (({"n_embd": 64}, "size mismatch"), ({"n_layer": 1}, "of it have no place in the base")):
        config = GPT2Config(**{**own.to_dict(), **change})
        GPT2LMHeadModel(config).save_pretrained(base)
        with pytest.raises(AdmissionError, match=message) as caught:
            load("causal-lm", adapters["causal-lm"], "classification", adapter=AdapterSpec(base=str(base)))
        assert "name the base that it was trained on" in str(caught.value) and "\n" not in str(caught.value)


def planned(folder: Path, entry: str) -> Any:
    rows = [json.dumps({"text": f"t {n}", "label": LABELS[n % 3], "answers": "x", "question": "y"}) for n in range(6)]
    (folder / "rows.jsonl").write_text("\n".join(rows))
    path = folder / "suite.yaml"
    path.write_text(
        f"name: s\nmodels:\n  - {{name: m, {entry}}}\ntasks:\n"
        "  - {name: topic, kind: classification, data: {path: rows.jsonl}}\nmeasure: off\n"
    )
    return make_plan(open_suite(str(path)), folder / "results").cells


def without_base(folder: Path) -> None:
    _change(folder, base_model_name_or_path=None)


def base_that_is_gone(folder: Path) -> None:
    _change(folder, base_model_name_or_path="/nowhere/base")


def base_that_is_an_adapter(folder: Path) -> None:
    _change(folder, base_model_name_or_path=str(folder))


def _change(folder: Path, **changes: object) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_base, "does not say which model it changes; name it in the model's entry"),
        (base_that_is_gone, "there is no folder '/nowhere/base'"),
        (base_that_is_an_adapter, "which is an adapter itself"),
    ],
)
def test_a_base_that_is_not_there_is_told_at_its_place(
    change: Callable[[Path], None], message: str, adapters: dict[str, Path], tmp_path: Path
) -> None:
    change(shutil.copytree(adapters["causal-lm"], tmp_path / "adapter"))
    with pytest.raises(SuiteError) as caught:
        planned(tmp_path, "family: causal-lm, checkpoint: ./adapter")
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 and ":3:" in lines[0] and "models[0].checkpoint: " in lines[0] and message in lines[0]


def test_plans_know_base_task_type_and_library(
    adapters: dict[str, Path], checkpoints: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = shutil.copytree(adapters["causal-lm"], tmp_path / "adapter")
    base = shutil.copytree(checkpoints["causal-lm"], tmp_path / "base")
    entry = "family: causal-lm, checkpoint: ./adapter, adapter: {base: ./base}"
    (cell,) = planned(tmp_path, entry)
    assert cell.unsupported is None and cell.to_run().model.adapter.base == str(base)
    beside = planned(tmp_path, entry.replace("./base}", "./base, merge: false}"))[0]
    assert cell.id != beside.id
    (base / "generation_config.json").write_text('{"num_beams": 2}')
    assert planned(tmp_path, entry)[0].id != cell.id, "the base's files are part of the weights"
    _change(adapter, task_type="SEQ_CLS")
    assert "trained for SEQ_CLS, and this needs CAUSAL_LM" in str(planned(tmp_path, entry)[0].unsupported)
    _change(adapter, task_type=None, peft_type="PROMPT_TUNING")
    assert "PROMPT_TUNING" in str(planned(tmp_path, entry)[0].unsupported)
    _change(adapter, peft_type="LORA")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'bench[adapters]'" in str(planned(tmp_path, entry)[0].unsupported)


def test_other_runtimes_take_a_merged_adapter_alone(
    adapters: dict[str, Path], checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(adapters["causal-lm"], tmp_path / "adapter")
    shutil.copytree(checkpoints["causal-lm"], tmp_path / "base")
    entry = "family: causal-lm, checkpoint: ./adapter, adapter: {base: ./base}, variants: [{runtime: onnxruntime}]"
    merged = planned(tmp_path, entry)[0].unsupported
    beside = planned(tmp_path, entry.replace("./base}", "./base, merge: false}"))[0].unsupported
    assert merged is None or "pip install" in merged
    assert "executes one network, and this adapter lies beside its base" in str(beside)


def test_the_key_for_a_whole_model_is_refused(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "whole").symlink_to(checkpoints["causal-lm"])
    with pytest.raises(SuiteError, match=r"models\[0\].adapter: .* holds no adapter"):
        planned(tmp_path, "family: causal-lm, checkpoint: ./whole, adapter: {merge: false}")


QUANTISED = {
    "gptq": ({"quant_method": "gptq", "bits": 4}, "pip install gptqmodel optimum"),
    "awq": ({"quant_method": "awq"}, "pip install gptqmodel"),
    "mxfp4": ({"quant_method": "fp8"}, "computes on a GPU alone"),
    "unknown": ({"quant_method": "tiny"}, "method 'tiny', which is not known here"),
    "old bitsandbytes": ({"load_in_8bit": True}, "pip install bitsandbytes"),
}


@pytest.mark.parametrize("name", list(QUANTISED))
def test_weights_that_are_stored_quantised_say_what_they_need(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, message = QUANTISED[name]
    monkeypatch.setattr("bench.candidates.quantised.importlib.util.find_spec", lambda module: None)
    (tmp_path / "stored").mkdir()
    (tmp_path / "stored" / "config.json").write_text(
        json.dumps({"architectures": ["GPT2LMHeadModel"], "quantization_config": settings})
    )
    plain, int8 = planned(
        tmp_path,
        "family: causal-lm, checkpoint: ./stored, variants: [{dtype: float32}, {quantise: int8}]",
    )
    assert message in str(plain.unsupported)
    assert "are quantised already" in str(int8.unsupported)


def test_weights_in_8_bits_load_where_their_library_is(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    plain, stored = checkpoints["causal-lm"], tmp_path / "stored"
    settings = BitsAndBytesConfig(load_in_8bit=True)
    AutoModelForCausalLM.from_pretrained(plain, quantization_config=settings, device_map={"": "cpu"}).save_pretrained(
        stored
    )
    AutoTokenizer.from_pretrained(plain).save_pretrained(stored)
    eight, whole = (load("causal-lm", folder, "classification") for folder in (stored, plain))
    assert eight.facts().weights_bytes < whole.facts().weights_bytes
    scores = [model.classify(TEXTS)[0].scores for model in (eight, whole)]
    assert scores[0] == pytest.approx(scores[1], rel=0.05) and scores[0] != scores[1]
