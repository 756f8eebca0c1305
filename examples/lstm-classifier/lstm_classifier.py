"""An LSTM over words in plain torch, as anybody has it; bench trains it (`recipe.yaml`) and tries it."""

import re
import zlib

import torch
from torch import nn

BUCKETS = 512
"""Words are told apart by a hash, so that no vocabulary must be kept beside the weights; 0 pads."""


def words(text: str) -> list[int]:
    return [1 + zlib.crc32(word.encode()) % (BUCKETS - 1) for word in re.findall(r"\w+", text.lower())] or [1]


class LstmClassifier(nn.Module):
    def __init__(self, labels: int = 3, width: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(BUCKETS, width, padding_idx=0)
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, labels)

    def classify(self, texts: list[str], labels: list[str]) -> torch.Tensor:
        """One row of logits per text, one per label. Packing keeps the padding of a batch out of the states."""
        device = self.head.weight.device
        rows = [torch.tensor(words(text), device=device) for text in texts]
        lengths = torch.tensor([len(row) for row in rows])
        padded = self.embedding(nn.utils.rnn.pad_sequence(rows, batch_first=True))
        packed = nn.utils.rnn.pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
        _, (last, _) = self.lstm(packed)
        return self.head(torch.cat([last[0], last[1]], dim=1))

    def count_tokens(self, text: str) -> int:
        return len(words(text))
