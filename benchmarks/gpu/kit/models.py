"""Models of published sizes with random weights, made on the machine by their configurations.

The tokenizer is the benchmarks' own, of one token per byte; vocabularies keep their published size. Source of the
sizes: the model cards and papers of GPT-2, BERT, T5 and LLaMA (7B), whose configurations transformers knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.random_models import LABELS, byte_tokenizer

if TYPE_CHECKING:
    import torch
    from torch import nn

HEAD = {"id2label": dict(enumerate(LABELS)), "label2id": {name: place for place, name in enumerate(LABELS)}}


@dataclass(frozen=True, slots=True)
class Shape:
    """One model of the suite."""

    name: str
    family: str
    task: str
    dtype: str
    parameters: int
    """Published; shared ones once."""
    build: Callable[[], Any]


def _gpt2(layers: int, width: int, heads: int) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(GPT2Config(n_layer=layers, n_embd=width, n_head=heads, bos_token_id=1, eos_token_id=1))


def _bert(layers: int, width: int, heads: int) -> Any:
    from transformers import BertConfig, BertForSequenceClassification

    sizes: dict[str, Any] = {"num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": heads}
    return BertForSequenceClassification(BertConfig(**sizes, intermediate_size=4 * width, **HEAD))


def _t5(layers: int, width: int, heads: int) -> Any:
    from transformers import T5Config, T5ForConditionalGeneration

    sizes: dict[str, Any] = {
        "num_layers": layers,
        "d_model": width,
        "num_heads": heads,
        "d_ff": 4 * width,
        "d_kv": width // heads,
    }
    config = T5Config(**sizes, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0)
    return T5ForConditionalGeneration(config)


def _llama(layers: int, width: int, heads: int, inner: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes: dict[str, Any] = {"num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": heads}
    config = LlamaConfig(
        **sizes,
        num_key_value_heads=heads,
        intermediate_size=inner,
        vocab_size=32000,
        max_position_embeddings=2048,
        bos_token_id=1,
        eos_token_id=1,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config)


FULL = (
    Shape("gpt2-124m", "causal-lm", "write", "float32", 124_439_808, partial(_gpt2, 12, 768, 12)),
    Shape("gpt2-355m", "causal-lm", "write", "float16", 354_823_168, partial(_gpt2, 24, 1024, 16)),
    Shape("gpt2-774m", "causal-lm", "write", "bfloat16", 774_030_080, partial(_gpt2, 36, 1280, 20)),
    Shape("gpt2-1.5b", "causal-lm", "write", "bfloat16", 1_557_611_200, partial(_gpt2, 48, 1600, 25)),
    Shape("bert-large", "encoder", "topic", "bfloat16", 335_143_938, partial(_bert, 24, 1024, 16)),
    Shape("t5-large", "seq2seq", "write", "bfloat16", 737_668_096, partial(_t5, 24, 1024, 16)),
    Shape("llama-7b", "causal-lm", "write", "bfloat16", 6_738_415_616, partial(_llama, 32, 4096, 32, 11008)),
)
"""The full-size suite, small models first, so that a run that is cut short has most of them."""
TINY = (
    Shape("gpt2-tiny", "causal-lm", "write", "float32", 3_382_080, partial(_gpt2, 2, 64, 2)),
    Shape("bert-tiny", "encoder", "topic", "float32", 2_090_690, partial(_bert, 2, 64, 2)),
    Shape("t5-tiny", "seq2seq", "write", "float32", 2_286_464, partial(_t5, 2, 64, 2)),
    Shape("llama-tiny", "causal-lm", "write", "float32", 4_178_240, partial(_llama, 2, 64, 2, 128)),
)
"""Of the same kinds, for a dry run."""


@contextmanager
def made_as(device: str, dtype: str) -> Iterator[None]:
    """Have modules be made on a device in a dtype."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(before)


def build(shape: Shape, device: str, seed: int = 0) -> Any:
    """Make a model with random weights.

    Raises:
        AssertionError: it is not of the published size.
    """
    import torch

    if device != "meta":
        torch.manual_seed(seed)
    with made_as(device, shape.dtype):
        module = shape.build()
    count = sum(parameter.numel() for parameter in module.parameters())
    assert count == shape.parameters, f"{shape.name} has {count:,} parameters, not {shape.parameters:,}"
    return module.eval()


def save(module: Any, shape: Shape, folder: Path) -> Path:
    """Write a checkpoint with its tokenizer; returns its folder."""
    target = folder / shape.name
    module.save_pretrained(target)
    byte_tokenizer(whole=shape.family != "causal-lm").save_pretrained(target)
    return target


def weight_bytes(module: nn.Module) -> int:
    """Add up the bytes of all parameters; shared ones once."""
    return sum(map(_bytes, module.parameters()))


def decoded_bytes(module: nn.Module) -> int:
    """Add up the bytes of the parameters that every step of a decoder must read.

    Left out are tables of which a step reads one row (embeddings that are not the output layer too), and of an
    encoder-decoder what is worked out once for a request: the encoder, and the keys and values of its output.
    """
    from torch import nn as layers

    heads = [module.get_output_embeddings()] if hasattr(module, "get_output_embeddings") else []  # type: ignore[operator]
    output = {id(head.weight) for head in heads if head is not None}
    tables = {id(layer.weight) for layer in module.modules() if isinstance(layer, layers.Embedding)} - output
    skipped = ("encoder.", ".EncDecAttention.k.", ".EncDecAttention.v.")
    kept = {
        id(parameter): parameter
        for name, parameter in module.named_parameters()
        if id(parameter) not in tables and not name.startswith(skipped[0]) and not any(x in name for x in skipped[1:])
    }
    return sum(map(_bytes, kept.values()))


def _bytes(parameter: torch.Tensor) -> int:
    return parameter.numel() * parameter.element_size()
