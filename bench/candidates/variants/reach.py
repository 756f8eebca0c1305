"""How many of a network's weights a variant reaches.

Quantising and pruning know layers of some classes alone. A network that multiplies by other means (fused experts, a
layer of its own) keeps those weights as they were, and a number of it would be taken for that of the whole variant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from bench.candidates.interface import Model, engine_of


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


@runtime_checkable
class Rounds(Protocol):
    """A layer that rounds what it multiplies, and can be asked not to."""

    exact_arithmetic: bool
    """Whether it computes in float32 for now."""


@contextmanager
def exactly(model: object) -> Iterator[None]:
    """Let the layers of a loaded model multiply without rounding their inputs, and round again afterwards.

    A scale that is taken from a whole batch makes an answer depend on what lies beside it. Whether masks, positions and
    caches are right is seen only without that.

    Args:
        model: with `facts`, whose module is looked through; anything else has no such layers.
    """
    layers = _rounding(model)
    for layer in layers:
        layer.exact_arithmetic = True
    try:
        yield
    finally:
        for layer in layers:
            layer.exact_arithmetic = False


def rounds(model: object) -> bool:
    """Tell whether a loaded model has layers that round what they multiply, or a runtime that does."""
    engine = engine_of(model)
    return bool(_rounding(model)) or (engine is not None and engine.rounds)


def _rounding(model: object) -> list[Rounds]:
    module = model.facts().module if isinstance(model, Model) else None
    return [] if module is None else [layer for layer in module.modules() if isinstance(layer, Rounds)]


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
