"""How many of a network's weights pruning and int8 reach, in small networks of each way of multiplying."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from bench.candidates import variants
from bench.candidates.huggingface import stored_bytes
from bench.doubts import Evidence, examined
from bench.errors import UnsupportedError
from bench.suite import VariantSpec

INT8, PRUNED = VariantSpec(quantise="int8"), VariantSpec(prune=0.5)


def gpt2() -> GPT2LMHeadModel:
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=16, n_embd=16, n_layer=2, n_head=2)).eval()


class Subclass(nn.Linear):
    """A layer that torch's quantisation does not know."""


class Experts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(8, 4)
        self.up = nn.Parameter(torch.randn(4, 8, 8))


def test_int8_reaches_the_conv1d_layers_and_computes_nearly_the_same():
    ids = torch.arange(8)[None]
    before = gpt2()
    after, note = variants.apply(gpt2(), INT8, "cpu")
    assert note["variant_reach"]["reached"] == note["variant_reach"]["weights"] == 2 * 12 * 16 * 16
    assert not any(type(layer).__name__ == "Conv1D" for layer in after.modules())
    with torch.no_grad():
        assert torch.allclose(before(ids).logits, after(ids).logits, atol=0.05)


def test_pruning_leaves_the_tied_word_embeddings_and_halves_every_block():
    model, note = variants.apply(gpt2(), PRUNED, "cpu")
    assert note["variant_reach"]["reached"] == note["variant_reach"]["weights"]
    assert (model.transformer.wte.weight != 0).all()
    assert (model.transformer.h[0].mlp.c_fc.weight == 0).float().mean() == 0.5


@pytest.mark.parametrize("variant", [INT8, PRUNED])
def test_fused_experts_are_said_to_be_left(variant):
    _, note = variants.apply(Experts(), variant, "cpu")
    assert (note["variant_reach"]["reached"], note["variant_reach"]["weights"]) == (32, 32 + 256)
    found = examined("scored", Evidence(notes=note))
    assert [doubt.code for doubt in found] == ["variant_reaches_part"]
    assert "Experts" in found[0].message


def test_a_variant_that_reaches_nothing_is_unsupported():
    with pytest.raises(UnsupportedError, match=r"int8 reaches none.*Subclass"):
        variants.apply(nn.Sequential(nn.Embedding(5, 4), Subclass(4, 4)), INT8, "cpu")
    with pytest.raises(UnsupportedError, match="pruning reaches none"):
        variants.apply(nn.Embedding(5, 4), PRUNED, "cpu")


def test_weights_that_stay_as_they_are_have_no_reach():
    assert variants.apply(nn.Linear(2, 2), VariantSpec(), "cpu")[1] == {}


class Wrapped(torch.Tensor):
    """Shows float32 and is made of int8 and one scale, as torchao's quantised weights are."""

    @staticmethod
    def __new__(cls, data: torch.Tensor, scale: torch.Tensor) -> Wrapped:
        return torch.Tensor._make_wrapper_subclass(cls, data.shape, dtype=torch.float32)

    def __init__(self, data: torch.Tensor, scale: torch.Tensor) -> None:
        self.data_int8, self.scale = data, scale

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise NotImplementedError("nothing is computed with it here")

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["data_int8", "scale"], None


def test_a_tensor_made_of_others_has_their_bytes() -> None:
    assert stored_bytes(torch.zeros(3, dtype=torch.float16)) == 6
    assert stored_bytes(Wrapped(torch.zeros(10, dtype=torch.int8), torch.zeros(1))) == 10 + 4
