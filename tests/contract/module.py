"""A module of one's own that the contract is held against."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


class Lengths(nn.Module):
    """Classifies a text by how long it is, through a layer with fixed weights."""

    abilities = ("classify",)

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(2, 3)

    def classify(self, texts: Sequence[str], labels: Sequence[str]) -> torch.Tensor:
        """Score each label."""
        known = torch.tensor([[len(text) / 100, text.count(" ") / 10] for text in texts])
        scores: torch.Tensor = self.layer(known).log_softmax(-1)
        return scores
