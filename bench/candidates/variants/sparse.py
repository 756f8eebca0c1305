"""2:4 sparsity: of every four weights beside each other the two smallest are zero, which some GPUs multiply faster.

Source: Mishra et al., "Accelerating Sparse Deep Neural Networks" (2021); torch's `to_sparse_semi_structured`.
"""

from __future__ import annotations

import torch
from torch import nn

from bench.candidates.variants.reach import Reach, as_linear, embedding_weights, is_conv1d, measure_reach
from bench.errors import UnsupportedError
from bench.meters.clock import on_cuda

CAPABILITY = (8, 0)
"""Compute capability from which GPUs have it: Ampere. Source: the same."""
SIDES = (32, 64)
"""Outputs and inputs of a layer must be multiples of these. Source: torch's documentation of semi-structured tensors in
16 bits."""


def sparsify(module: nn.Module, device: str) -> tuple[nn.Module, Reach]:
    """Store the linear layers' weights in 2:4 form, in place; with what was reached.

    Raises:
        UnsupportedError: the device has no products of this form, or the weights are not in 16 bits.
    """
    if not on_cuda(device):
        raise UnsupportedError(f"{WHY_GPU}; this one is computed on {device}")
    if torch.cuda.get_device_capability(device) < CAPABILITY:
        raise UnsupportedError(f"{WHY_GPU}; {torch.cuda.get_device_name(device)} has none")
    for name, layer in list(module.named_modules()):
        if is_conv1d(layer):
            module.set_submodule(name, as_linear(layer))
    tables = embedding_weights(module)  # an output layer that is tied to one is left as it is
    every = [layer for layer in module.modules() if type(layer) is nn.Linear and id(layer.weight) not in tables]
    layers = [layer for layer in every if _fits(layer)]
    if any(layer.weight.dtype not in (torch.float16, torch.bfloat16) for layer in layers):
        raise UnsupportedError("2:4 sparsity is for weights in 16 bits; add 'dtype: bfloat16' to the variant")
    reach = measure_reach(module, {id(layer.weight) for layer in layers})
    with torch.no_grad():
        for layer in layers:
            pruned = halved(layer.weight)
            layer.weight = nn.Parameter(torch.sparse.to_sparse_semi_structured(pruned), requires_grad=False)
    return module, reach


WHY_GPU = "2:4 sparsity saves time on GPUs from compute capability 8.0 on (Ampere and later) alone"


def _fits(layer: nn.Linear) -> bool:
    return all(size % side == 0 for size, side in zip(layer.weight.shape, SIDES, strict=True))


def halved(weight: torch.Tensor) -> torch.Tensor:
    """Set the two smallest of every four weights in a row to zero.

    >>> halved(torch.tensor([[1.0, -3.0, 2.0, 0.5]]))
    tensor([[ 0., -3.,  2.,  0.]])
    """
    fours = weight.reshape(-1, 4)
    kept = fours.abs().topk(2, dim=1).indices
    return torch.zeros_like(fours).scatter(1, kept, fours.gather(1, kept)).reshape(weight.shape)
