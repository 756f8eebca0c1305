"""An LSTM language model over bytes in plain torch: its own loss to learn by, and likelihoods to be scored by."""

import torch
from torch import nn
from torch.nn import functional

BEGIN = 256
"""The token before the first byte; 0 pads, and is left out of every sum by the texts' lengths."""


class LstmLanguageModel(nn.Module):
    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Embedding(257, width)
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.head = nn.Linear(width, 256)

    def nats(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """The negative log-likelihood of every byte, and which of them are padding; both (batch, longest)."""
        device = self.head.weight.device
        rows = [torch.tensor(list(text.encode()), device=device) for text in texts]
        target = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        begin = torch.full_like(target[:, :1], BEGIN)
        states, _ = self.lstm(self.embedding(torch.cat([begin, target[:, :-1]], dim=1)))
        lengths = torch.tensor([len(row) for row in rows], device=device)
        padding = torch.arange(target.shape[1], device=device) >= lengths.unsqueeze(1)
        return functional.cross_entropy(self.head(states).transpose(1, 2), target, reduction="none"), padding

    def training_loss(self, texts: list[str], references: list[str]) -> torch.Tensor:
        """In language modelling the references are the texts themselves."""
        nats, padding = self.nats(references)
        return nats[~padding].mean()

    def log_likelihood(self, texts: list[str]) -> list[tuple[float, int]]:
        """For each text its nats, summed and not averaged, and how many bytes that covers."""
        nats, padding = self.nats(texts)
        sums = nats.masked_fill(padding, 0).sum(1).tolist()
        return [(nll, len(text.encode())) for nll, text in zip(sums, texts, strict=True)]

    def count_tokens(self, text: str) -> int:
        return len(text.encode())
