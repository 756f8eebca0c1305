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
from torch.ao.nn.quantized import dynamic

from bench.candidates.variants.reach import Reach, as_linear, is_conv1d, measure_reach


class Int8Linear(dynamic.Linear):
    """torch's own, whose `weight` and `bias` are tensors as in the layer that it replaces, not methods."""

    exact_arithmetic = False
    """Whether it multiplies in float32 for now, its inputs not rounded; its weights are."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply in int8, or in float32 by the rounded weights."""
        if self.exact_arithmetic:
            return nn.functional.linear(x, self.weight.to(x.dtype), self.bias)
        product: torch.Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return product

    @property
    def weight(self) -> torch.Tensor:  # type: ignore[override]  # a tensor where torch has a method: that is the point
        """The weights as the products see them, in float32."""
        weight: torch.Tensor = self._weight_bias()[0].dequantize()  # type: ignore[no-untyped-call]
        return weight

    @property
    def bias(self) -> torch.Tensor | None:  # type: ignore[override]
        """The bias; None without one."""
        bias: torch.Tensor | None = self._weight_bias()[1]  # type: ignore[no-untyped-call]
        return bias

    def packed(self) -> list[torch.Tensor]:
        """List the tensors as they are in memory: the weights in int8, and the bias."""
        both = self._weight_bias()  # type: ignore[no-untyped-call]
        return [tensor for tensor in both if tensor is not None]


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
    for part in quantised.modules():
        if type(part) is dynamic.Linear:
            part.__class__ = Int8Linear
    return quantised, reach
