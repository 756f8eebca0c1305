"""Dynamic int8 quantisation of linear layers: weights stored as int8, activations quantised per batch, CPU
only.

torch replaces layers that are exactly `nn.Linear`: a subclass may compute something else. transformers' Conv1D is made
one first. An output layer that is tied to the word embeddings gets an int8 copy beside them.

Small models may get slower: quantising the activations costs more than a small product saves. That is a
finding, and the report shows variant against parent.
"""

from __future__ import annotations

import warnings

import torch
from torch import nn

from bench.candidates.variants.reach import Reach, as_linear, is_conv1d, measure_reach


def quantise(module: nn.Module) -> tuple[nn.Module, Reach]:
    """Make a copy of `module` whose linear layers work in int8; with what was reached."""
    for name, layer in list(module.named_modules()):
        if is_conv1d(layer):
            module.set_submodule(name, as_linear(layer))
    plain = {id(layer.weight) for layer in module.modules() if type(layer) is nn.Linear}
    reach = measure_reach(module, plain)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantised: nn.Module = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            module, {nn.Linear}, dtype=torch.qint8
        )
    return quantised, reach
