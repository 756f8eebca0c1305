"""Dynamic int8 quantisation of linear layers: weights stored as int8, activations quantised per batch, CPU
only.

Small models may get slower: quantising the activations costs more than a small product saves. That is a
finding, and the report shows variant against parent.
"""

from __future__ import annotations

import warnings

import torch
from torch.ao.nn.quantized import dynamic


class Int8Linear(dynamic.Linear):
    """torch's own, whose `weight` and `bias` are tensors as in the layer that it replaces, not methods."""

    @property
    def weight(self) -> torch.Tensor:
        """The weights as the products see them, in float32."""
        weight: torch.Tensor = self._weight_bias()[0].dequantize()
        return weight

    @property
    def bias(self) -> torch.Tensor | None:
        """The bias; None without one."""
        bias: torch.Tensor | None = self._weight_bias()[1]
        return bias

    def packed(self) -> list[torch.Tensor]:
        """List the tensors as they are in memory: the weights in int8, and the bias."""
        return [tensor for tensor in self._weight_bias() if tensor is not None]


def quantise(module: torch.nn.Module) -> torch.nn.Module:
    """Returns a copy of `module` whose linear layers work in int8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantised: torch.nn.Module = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            module, {torch.nn.Linear}, dtype=torch.qint8
        )
    for part in quantised.modules():
        if type(part) is dynamic.Linear:
            part.__class__ = Int8Linear
    return quantised
