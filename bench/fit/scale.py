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

    def give_back(self, net: nn.Module) -> None:
        """Scale the last layer of a network, so that it gives numbers in their own unit.

        Raises:
            FitError: no layer gives one number.
        """
        import torch

        if self == UNSCALED:
            return
        layers = [part for part in net.modules() if isinstance(part, torch.nn.Linear) and part.out_features == 1]
        if not layers or layers[-1].bias is None:
            raise FitError(f"{type(net).__name__} has no last layer with a bias that gives one number")
        with torch.no_grad():
            layers[-1].weight.mul_(self.spread)
            layers[-1].bias.mul_(self.spread).add_(self.mean)


UNSCALED = Scale()
