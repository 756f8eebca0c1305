"""The scale of the numbers that a network learns: it learns them standardised, whatever their unit.

Its last layer is scaled back when it is written.

A network with random weights gives numbers near 0, and its optimiser moves a weight by about the learning rate a step;
prices in thousands would not be reached.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.errors import FitError

if TYPE_CHECKING:
    from torch import nn

    from bench.fit.batches import Encoded


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and spread of the wanted numbers; of anything else 0 and 1, which change nothing."""

    mean: float = 0.0
    spread: float = 1.0

    @classmethod
    def of(cls, groups: Sequence[Sequence[Encoded]]) -> Scale:
        """Work out the scale of the training examples."""
        numbers = [example.target[0] for group in groups for example in group if example.mode == "number"]
        return cls(statistics.fmean(numbers), statistics.pstdev(numbers) or 1.0) if numbers else cls()

    def standardised(self, examples: Sequence[Encoded]) -> list[Encoded]:
        """Give numbers with this mean and spread the mean 0 and the spread 1."""
        return [
            replace(example, target=((example.target[0] - self.mean) / self.spread,))
            if example.mode == "number"
            else example
            for example in examples
        ]

    def check(self, model: str, net: nn.Module) -> None:
        """Refuse a network that could not be scaled back, before it is trained.

        Args:
            model: its name in the suite, for the message.
            net: about to be trained.

        Raises:
            FitError: it has no last layer with a bias that gives one number.
        """
        if self != UNSCALED and _last_layer(net) is None:
            raise FitError(
                f"model '{model}': {type(net).__name__} has no last layer with a bias that gives one number, and "
                "cannot be trained for numbers here; take another architecture"
            )

    def give_back(self, net: nn.Module) -> None:
        """Scale the last layer of a network that was checked, so that it gives numbers in their own unit."""
        import torch

        if self == UNSCALED:
            return
        layer = _last_layer(net)
        assert layer is not None
        with torch.no_grad():
            layer.weight.mul_(self.spread)
            layer.bias.mul_(self.spread).add_(self.mean)


def _last_layer(net: nn.Module) -> nn.Linear | None:
    """Find the layer that gives one number; None where there is none, or it has no bias."""
    from torch import nn

    layers = [part for part in net.modules() if isinstance(part, nn.Linear) and part.out_features == 1]
    return layers[-1] if layers and layers[-1].bias is not None else None


UNSCALED = Scale()
