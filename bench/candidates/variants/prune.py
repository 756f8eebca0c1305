"""Unstructured magnitude pruning. Zeros are stored and multiplied like other numbers: it changes quality, not
speed.

Linear layers are pruned, transformers' Conv1D among them. An output layer that is tied to the word embeddings is left
as it is: pruning it would prune the embeddings.
"""

from __future__ import annotations

from torch import nn
from torch.nn.utils import prune as torch_prune

from bench.candidates.variants.reach import Reach, is_conv1d, matrices, measure_reach


def prune(module: nn.Module, share: float) -> tuple[nn.Module, Reach]:
    """Set the smallest `share` of each linear layer's weights to zero, in place; with what was reached."""
    layers = [
        (layer, parameter)
        for layer, name, parameter in matrices(module)
        if name == "weight" and (isinstance(layer, nn.Linear) or is_conv1d(layer))
    ]
    reach = measure_reach(module, {id(parameter) for _, parameter in layers})
    for layer, _ in layers:
        torch_prune.l1_unstructured(layer, "weight", share)  # type: ignore[no-untyped-call]
        torch_prune.remove(layer, "weight")  # type: ignore[no-untyped-call]
    return module, reach
