"""How many of a network's weights a variant reaches.

Quantising and pruning know layers of some classes alone. A network that multiplies by other means (fused experts, a
layer of its own) keeps those weights as they were, and a number of it would be taken for that of the whole variant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True, slots=True)
class Reach:
    """What a variant changed, and what it left."""

    reached: int
    """Weights of matrix products that were changed."""
    weights: int
    """Weights of all matrix products: parameters of two or more dimensions, those of embeddings apart."""
    left: tuple[str, ...]
    """Classes of the layers that it did not reach, those with most weights first."""

    def note(self) -> dict[str, object]:
        """Write what the record keeps of it."""
        return {"reached": self.reached, "weights": self.weights, "left": list(self.left)}


def is_conv1d(layer: nn.Module) -> bool:
    """Tell whether a layer is transformers' Conv1D, a linear layer whose weight is transposed; nothing is imported."""
    kind = type(layer)
    return kind.__name__ == "Conv1D" and kind.__module__ == "transformers.pytorch_utils"


def embedding_weights(module: nn.Module) -> set[int]:
    """Collect the ids of the parameters in tables that are looked up, not multiplied; a tied output layer's too."""
    tables = [layer for layer in module.modules() if isinstance(layer, (nn.Embedding, nn.EmbeddingBag))]
    return {id(table.weight) for table in tables}


def matrices(module: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Parameter]]:
    """Yield layer, name and weight of every matrix product; one of a layer that occurs twice, or is tied, once."""
    seen = embedding_weights(module)
    for layer in module.modules():
        if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)):
            continue
        for name, parameter in layer.named_parameters(recurse=False):
            if parameter.dim() >= 2 and id(parameter) not in seen:
                seen.add(id(parameter))
                yield layer, name, parameter


def measure_reach(module: nn.Module, changed: Collection[int]) -> Reach:
    """Count the weights of a network that a variant changes.

    Args:
        module: before the variant is applied.
        changed: ids of the parameters that it changes.
    """
    left: Counter[str] = Counter()
    reached = total = 0
    for layer, _, parameter in matrices(module):
        total += parameter.numel()
        if id(parameter) in changed:
            reached += parameter.numel()
        else:
            left[type(layer).__name__] += parameter.numel()
    return Reach(reached, total, tuple(name for name, _ in left.most_common()))


def as_linear(layer: nn.Module) -> nn.Linear:
    """Make the linear layer that computes the same as a Conv1D."""
    weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
    linear = nn.Linear(weight.shape[0], weight.shape[1], device=weight.device, dtype=weight.dtype)
    with torch.no_grad():
        linear.weight.copy_(weight.T)
        linear.bias.copy_(bias)
    return linear.train(layer.training)
