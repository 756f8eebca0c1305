"""Structured pruning takes parts out, and computes what the whole network does with those parts at zero."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from bench.candidates import variants
from bench.candidates.interface import Decoding
from bench.candidates.variants.shrink import shrink
from bench.candidates.variants.sparse import halved
from bench.errors import SuiteError, UnsupportedError
from bench.suite import ShrinkSpec, VariantSpec
from tests.candidates.test_adapters import planned as planned_entry
from tests.checkpoints import TEXTS, load

pytestmark = pytest.mark.slow

IDS = torch.arange(3, 11)[None]
SIZES = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 50}


def gpt2() -> Any:
    return GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=32, n_embd=32, n_layer=4, n_head=4))


def bert() -> Any:
    return BertForSequenceClassification(BertConfig(**SIZES))


def llama() -> Any:
    return LlamaForCausalLM(LlamaConfig(**SIZES, num_key_value_heads=2))


def t5() -> Any:
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_heads": 4, "vocab_size": 50}
    return T5ForConditionalGeneration(T5Config(num_layers=4, num_decoder_layers=2, decoder_start_token_id=0, **sizes))


MAKERS: dict[str, Callable[[], Any]] = {"gpt2": gpt2, "bert": bert, "llama": llama, "t5": t5}


def network(kind: str) -> Any:
    torch.manual_seed(0)
    net = MAKERS[kind]().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(std=0.2)
    return net


def logits(net: Any) -> torch.Tensor:
    more = {"decoder_input_ids": IDS} if net.config.is_encoder_decoder else {}
    with torch.no_grad():
        found: torch.Tensor = net(input_ids=IDS, **more).logits
    return found


def silenced(kind: str, part: str, small: Any) -> Any:
    """The whole network with the weights behind what was taken out at zero: columns that the small one has not."""
    whole = network(kind)
    with torch.no_grad():
        for name, left in small.named_modules():
            layer = whole.get_submodule(name)
            if not isinstance(getattr(layer, "weight", None), nn.Parameter) or left.weight.shape == layer.weight.shape:
                continue
            matrix, kept = (item.weight if isinstance(item, nn.Linear) else item.weight.T for item in (layer, left))
            if matrix.shape[0] != kept.shape[0]:
                continue
            for column in range(matrix.shape[1]):
                if not any(torch.equal(matrix[:, column], kept[:, other]) for other in range(kept.shape[1])):
                    matrix[:, column] = 0
    return whole


@pytest.mark.parametrize("part", ["neurons", "heads"])
@pytest.mark.parametrize("kind", list(MAKERS))
def test_what_is_left_computes_what_the_whole_does_without_the_rest(kind: str, part: str) -> None:
    spec = ShrinkSpec(**{part: 0.5})
    if (kind, part) == ("t5", "heads"):
        with pytest.raises(UnsupportedError, match="no heads of this network"):
            shrink(network(kind), spec)
        return
    small, note = shrink(network(kind), spec)
    before, after = note["variant_shrunk"][part]  # type: ignore[index]
    assert after == before // 2 and small.num_parameters() < network(kind).num_parameters()
    assert torch.allclose(logits(small), logits(silenced(kind, part, small)), atol=1e-4)
    assert not torch.allclose(logits(small), logits(network(kind)), atol=1e-2)


@pytest.mark.parametrize("kind", list(MAKERS))
def test_layers_are_thinned_between_the_first_and_the_last(kind: str) -> None:
    small, note = shrink(network(kind), ShrinkSpec(layers=0.5))
    before, after = note["variant_shrunk"]["layers"]  # type: ignore[index]
    assert (before, after) == ((6, 3) if kind == "t5" else (4, 2))
    whole = network(kind)
    stacks = [[m for m in net.modules() if isinstance(m, nn.ModuleList) and len(m) > 1] for net in (whole, small)]
    first, last = (next(iter(layers[place].parameters())) for layers in (stacks[0][0],) for place in (0, -1))
    kept = stacks[1][0]
    assert torch.equal(next(iter(kept[0].parameters())), first)
    assert torch.equal(next(iter(kept[-1].parameters())), last)
    assert logits(small).isfinite().all()


@pytest.mark.parametrize("kind", ["gpt2", "bert", "t5"])
def test_a_network_without_layers_and_neurons_can_be_saved_and_loaded(kind: str, tmp_path: Path) -> None:
    small, _ = shrink(network(kind), ShrinkSpec(layers=0.5, neurons=0.5))
    small.save_pretrained(tmp_path)
    again, report = type(small).from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["mismatched_keys"]
    assert torch.equal(logits(again.eval()), logits(small))


def test_a_shrunk_candidate_writes_with_its_cache_and_says_what_was_taken(checkpoints: dict[str, Path]) -> None:
    variant = VariantSpec(shrink=ShrinkSpec(layers=0.5, heads=0.5, neurons=0.25))
    assert variant.label == "layers-0.5+heads-0.5+neurons-0.25"
    model, plain = (load("causal-lm", checkpoints["causal-lm"], "question-answering", v) for v in (variant, None))
    note = model.facts().notes["variant_shrunk"]
    assert note["layers"] == [2, 1] and note["heads"] == [2, 1] and note["neurons"] == [64, 48]
    assert note["parameters"] == [plain.facts().parameters, model.facts().parameters]
    cached = [answer.text for answer in model.generate(list(TEXTS), Decoding(6))]
    assert cached == [answer.text for _, answer in sorted(model.generate_many(list(TEXTS), Decoding(6), 2))]
    model.plain = True
    assert cached == [answer.text for answer in model.generate(list(TEXTS), Decoding(6))]


def test_the_in_house_transformer_is_shrunk_too(checkpoints: dict[str, Path]) -> None:
    variant = VariantSpec(shrink=ShrinkSpec(layers=0.5, neurons=0.5))
    small, plain = (load("transformer", checkpoints["transformer"], "translation", v) for v in (variant, None))
    assert small.facts().parameters < plain.facts().parameters
    assert small.generate([TEXTS[0]], Decoding(4))[0].output_tokens > 0


def test_variants_say_which_library_made_them() -> None:
    note = variants.apply(gpt2(), VariantSpec(quantise="int8"), "cpu")[1]
    assert str(note["variant_made_by"]).startswith("torch ")


def test_int8_by_torchao_where_torch_has_no_dynamic_quantisation(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torchao")
    monkeypatch.delattr(torch.ao.quantization, "quantize_dynamic")
    model, note = variants.apply(network("gpt2"), VariantSpec(quantise="int8"), "cpu")
    assert str(note["variant_made_by"]).startswith("torchao ")
    reach: Any = note["variant_reach"]
    assert reach["reached"] == reach["weights"]
    assert torch.allclose(logits(model), logits(network("gpt2")), atol=0.2)


def planned(folder: Path, entry: str) -> Any:
    (folder / "plain").mkdir()
    (folder / "plain" / "config.json").write_text('{"architectures": ["GPT2LMHeadModel"]}')
    return planned_entry(folder, f"family: causal-lm, checkpoint: ./plain, {entry}")


UNSUPPORTED = {
    "int4": ("{quantise: int4}", "int4 products are torchao's on GPUs alone, and there is none here"),
    "2:4": ('{sparsity: "2:4"}', "compute capability 8.0"),
}


@pytest.mark.parametrize("name", list(UNSUPPORTED))
def test_what_needs_a_gpu_is_unsupported_when_it_is_planned(name: str, tmp_path: Path) -> None:
    form, message = UNSUPPORTED[name]
    plain, cell = planned(tmp_path, f"variants: [{{dtype: float32}}, {form}]")
    assert plain.unsupported is None and message in str(cell.unsupported) and cell.variant == name


def test_what_needs_a_gpu_is_refused_at_the_load_too() -> None:
    for variant in (VariantSpec(sparsity="2:4"), VariantSpec(quantise="int4")):
        with pytest.raises(UnsupportedError, match=r"GPUs|torchao"):
            variants.apply(network("gpt2"), variant, "cpu")


MISTAKES = {
    "nothing": ("{shrink: {}}", "shrink", "say what is taken out: a share of layers, heads or neurons"),
    "all": ("{shrink: {layers: 1.0}}", "shrink.layers", "less than 1"),
    "unknown": ("{shrink: {neuron: 0.5}}", "shrink.neuron", "did you mean 'neurons'?"),
    "int2": ("{quantise: int2}", "quantise", "is not one of the choices"),
}


@pytest.mark.parametrize("name", list(MISTAKES))
def test_a_mistake_is_one_line_with_place_and_remedy(name: str, tmp_path: Path) -> None:
    form, place, message = MISTAKES[name]
    with pytest.raises(SuiteError) as caught:
        planned(tmp_path, f"variants: [{form}]")
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 and ":3:" in lines[0] and f"models[0].variants[0].{place}: " in lines[0], lines
    assert message in lines[0]


def test_two_of_four_weights_are_left() -> None:
    weight = torch.randn(8, 16)
    left = halved(weight)
    assert ((left != 0).reshape(-1, 4).sum(1) == 2).all()
    assert torch.equal(left[left != 0], weight[left != 0])
    assert (left.reshape(-1, 4).abs().sum(1) >= weight.reshape(-1, 4).abs().sum(1) / 2).all()
