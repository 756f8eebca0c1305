"""Quantisation by torchao: weights in 8 bits, and in 4 bits on GPUs.

On a CPU torch's own dynamic quantisation is kept for int8 while torch has it, since it is faster: one token through two
layers of 768 × 3,072 took 1.1 ms there and 8.9 ms (weights alone) or 19.9 ms (weights and activations) here, 32 tokens
2.0 ms for 13.7 and 10.2 (one thread, torch 2.13, torchao 0.18).
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import Literal

import torch
from torch import nn

from bench.candidates.untyped import Loader
from bench.candidates.variants.reach import Reach, as_linear, is_conv1d, measure_reach
from bench.errors import UnsupportedError
from bench.meters.clock import on_cuda

NO_TORCHAO = "{} is made by the library torchao, which is not installed; pip install 'bench[quantise]'"
GROUP = 64
"""Weights in 4 bits that share a scale: half of torchao's default, so that narrower layers are reached."""


def quantise_by_torchao(module: nn.Module, bits: Literal["int8", "int4"], device: str) -> tuple[nn.Module, Reach]:
    """Quantise the linear layers' weights, in place; with what was reached.

    Args:
        module: on its device.
        bits: of a weight.
        device: that it is on.

    Raises:
        UnsupportedError: torchao is not there, or has no such form on this device or for this dtype.
    """
    if find_spec("torchao") is None:
        raise UnsupportedError(NO_TORCHAO.format(bits))
    for name, layer in list(module.named_modules()):
        if is_conv1d(layer):
            module.set_submodule(name, as_linear(layer))
    layers = [layer for layer in module.modules() if type(layer) is nn.Linear]
    if bits == "int4":
        _check_int4(layers, device)
        layers = [layer for layer in layers if layer.in_features % GROUP == 0]
    chosen = {id(layer) for layer in layers}
    reach = measure_reach(module, {id(layer.weight) for layer in layers})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchao import quantization

        library: Loader = quantization
        library.quantize_(module, _config(library, bits), filter_fn=lambda layer, name: id(layer) in chosen)
    return module, reach


def _config(library: Loader, bits: str) -> object:
    if bits == "int8":
        return library.Int8WeightOnlyConfig()
    return library.Int4WeightOnlyConfig(group_size=GROUP, int4_packing_format="tile_packed_to_4d")


def _check_int4(layers: list[nn.Linear], device: str) -> None:
    if not on_cuda(device):
        raise UnsupportedError(f"{WHY_GPU}; this one is computed on {device}")
    if any(layer.weight.dtype != torch.bfloat16 for layer in layers):
        raise UnsupportedError("int4 is for weights in bfloat16; add 'dtype: bfloat16' to the variant")


WHY_GPU = "int4 products are torchao's on GPUs alone; leave 'quantise: int4' out, or take int8"
