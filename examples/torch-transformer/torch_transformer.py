"""nn.Embedding + nn.Transformer + nn.Linear over characters, with every mask that they need.

Three masks are easily forgotten: the source's padding in the encoder (`src_key_padding_mask`), the same padding where
the decoder looks at it (`memory_key_padding_mask`), and the causal mask of the decoder (`tgt_mask`). Without the first
two an answer depends on what lies beside it in the batch, which bench finds and says (`batch_changes_answers`).
"""

import math

import torch
from torch import nn
from torch.nn import functional

CHARACTERS = " abcdefghijklmnopqrstuvwxyzäöüßABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ"
PAD, BEGIN, END, UNKNOWN = range(4)
IDS = {character: place for place, character in enumerate(CHARACTERS, start=4)}


class TorchTransformer(nn.Module):
    def __init__(self, width: int = 64, heads: int = 4, layers: int = 2, longest: int = 64) -> None:
        super().__init__()
        self.scale = math.sqrt(width)
        self.embedding = nn.Embedding(4 + len(CHARACTERS), width, padding_idx=PAD)
        self.positions = nn.Embedding(longest, width)
        self.transformer = nn.Transformer(
            width, heads, layers, layers, 2 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.head = nn.Linear(width, 4 + len(CHARACTERS))

    def ids(self, texts: list[str], begin: bool) -> torch.Tensor:
        """Character ids with an end, and a begin for the decoder, padded to (batch, longest)."""
        rows = [[*([BEGIN] if begin else []), *(IDS.get(c, UNKNOWN) for c in text), END] for text in texts]
        tensors = [torch.tensor(row, device=self.head.weight.device) for row in rows]
        return nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=PAD)

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return self.embedding(ids) * self.scale + self.positions(torch.arange(ids.shape[1], device=ids.device))

    def decode(self, memory: torch.Tensor, padding: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Logits of the next character after each one of `ids`; `padding` is True where the source has none."""
        future = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).triu(1)
        states = self.transformer.decoder(
            self.embed(ids), memory, tgt_mask=future, tgt_key_padding_mask=ids == PAD, memory_key_padding_mask=padding
        )
        return self.head(states)

    def encode(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        ids = self.ids(texts, begin=False)
        return self.transformer.encoder(self.embed(ids), src_key_padding_mask=ids == PAD), ids == PAD

    def training_loss(self, texts: list[str], references: list[str]) -> torch.Tensor:
        """The cross-entropy of every character of the references, each predicted from those before it."""
        target = self.ids(references, begin=True)
        logits = self.decode(*self.encode(texts), target[:, :-1])
        return functional.cross_entropy(logits.transpose(1, 2), target[:, 1:], ignore_index=PAD)

    def generate(self, texts: list[str], max_new_tokens: int) -> list[str]:
        """Write greedily, the whole batch at a time, until every row has ended."""
        memory, padding = self.encode(texts)
        written = torch.full((len(texts), 1), BEGIN, device=memory.device)
        for _ in range(min(max_new_tokens, self.positions.num_embeddings - 1)):
            newest = self.decode(memory, padding, written)[:, -1].argmax(-1, keepdim=True)
            ended = (written == END).any(1, keepdim=True)
            written = torch.cat([written, newest.masked_fill(ended, END)], dim=1)
            if bool((written == END).any(1).all()):
                break
        return [self.text(row) for row in written[:, 1:].tolist()]

    def text(self, ids: list[int]) -> str:
        ids = ids[: ids.index(END)] if END in ids else ids
        return "".join(CHARACTERS[place - 4] for place in ids if place >= 4)

    def count_tokens(self, text: str) -> int:
        return len(text)
