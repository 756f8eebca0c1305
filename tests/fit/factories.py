"""Modules of the kind that users bring, for the tests of their training."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


class Bag(nn.Module):
    """Counts of hashed words into a linear layer."""

    def __init__(self, size: int = 64, labels: int = 3) -> None:
        super().__init__()
        self.size = size
        self.head = nn.Linear(size, labels)

    def counts(self, texts: list[str]) -> torch.Tensor:
        found = torch.zeros(len(texts), self.size)
        for row, text in enumerate(texts):
            for word in text.split():
                found[row, sum(word.encode()) % self.size] += 1
        return found

    def classify(self, texts: list[str], labels: list[str]) -> torch.Tensor:
        return self.head(self.counts(texts))


class OwnLoss(Bag):
    """Brings its objective: the length of the reference from the words of the text."""

    def __init__(self) -> None:
        super().__init__(labels=1)

    def training_loss(self, texts: list[str], references: list[str]) -> torch.Tensor:
        lengths = torch.tensor([float(len(reference)) for reference in references])
        return (self.head(self.counts(texts)).squeeze(1) - lengths).square().mean()

    def generate(self, texts: list[str], max_new_tokens: int) -> list[str]:
        return ["x" * round(value) for value in self.head(self.counts(texts)).squeeze(1).tolist()]


class Breaking(OwnLoss):
    """Has no loss for one text: a row of the data is at fault, not the learning rate."""

    def training_loss(self, texts: list[str], references: list[str]) -> torch.Tensor:
        loss = super().training_loss(texts, references)
        return loss * float("nan") if any("box 7 " in text for text in texts) else loss


class Odd(OwnLoss):
    """Returns something else than a loss."""

    def __init__(self, change: Callable[[torch.Tensor], object]) -> None:
        super().__init__()
        self.change = change

    def training_loss(self, texts: list[str], references: list[str]) -> object:  # type: ignore[override]
        return self.change(super().training_loss(texts, references))


class Mute(nn.Module):
    """Can do nothing."""


def bag() -> nn.Module:
    return Bag()


def unreduced() -> nn.Module:
    return Odd(lambda loss: loss * torch.ones(3))


def detached() -> nn.Module:
    return Odd(torch.Tensor.detach)


def floating() -> nn.Module:
    return Odd(lambda loss: loss.item())


def own_loss() -> nn.Module:
    return OwnLoss()


def breaking() -> nn.Module:
    return Breaking()


def mute() -> nn.Module:
    return Mute()
