"""Unstructured magnitude pruning. Zeros are stored and multiplied like other numbers: it changes quality, not
speed."""

from __future__ import annotations

import torch
from torch.nn.utils import prune as torch_prune


def prune(module: torch.nn.Module, share: float) -> torch.nn.Module:
    """Returns `module` with the smallest `share` of each linear layer's weights set to zero, in place."""
    for layer in module.modules():
        if isinstance(layer, torch.nn.Linear):
            torch_prune.l1_unstructured(layer, "weight", share)  # type: ignore[no-untyped-call]
            torch_prune.remove(layer, "weight")  # type: ignore[no-untyped-call]
    return module
