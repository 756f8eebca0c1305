"""int4 and 2:4 on a GPU: they compute nearly what the whole network does, in less memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from bench.candidates import variants
from bench.candidates.huggingface import count_bytes
from bench.suite import VariantSpec

pytestmark = pytest.mark.gpu
IDS = torch.arange(64)[None]


def network(device: str) -> Any:
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=512, n_positions=64, n_embd=256, n_layer=2, n_head=4)
    return GPT2LMHeadModel(config).eval().to(device, torch.bfloat16)


@pytest.mark.parametrize("form", [{"quantise": "int4"}, {"quantise": "int8"}, {"sparsity": "2:4"}])
def test_it_is_smaller_and_computes_nearly_the_same(device: str, form: dict[str, Any]) -> None:
    if device == "cpu":
        pytest.skip("these variants are a GPU's")
    if "quantise" in form:
        pytest.importorskip("torchao")
    if torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("this GPU has no 2:4 products")
    whole = network(device)
    changed, note = variants.apply(network(device), VariantSpec(dtype="bfloat16", **form), device)
    assert count_bytes(changed) < count_bytes(whole)
    assert note["variant_reach"]["reached"] > 0  # type: ignore[index]
    with torch.no_grad():
        one, other = (net(IDS.to(device)).logits.float().flatten() for net in (whole, changed))
    assert torch.nn.functional.cosine_similarity(one, other, dim=0) > (0.8 if "sparsity" in form else 0.95)
