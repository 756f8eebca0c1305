"""The losses, one per family, behind a single module so that accelerate can wrap it (mixed precision, several
processes)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from bench.fit.batches import IGNORED, Batch


class Objective(nn.Module):
    """Batch in; mean loss per target out, and the number of targets."""

    def __init__(self, family: str, net: Any, *, smoothing: float, prompt_loss: float, bos: int) -> None:
        super().__init__()
        self.family = family
        self.net = net
        self.smoothing = smoothing
        self.prompt_loss = prompt_loss
        self.bos = bos

    def forward(self, batch: Batch) -> tuple[torch.Tensor, int]:
        """Returns `(loss in nats, number of targets)`."""
        loss = {
            "causal-lm": self._causal,
            "encoder": self._encoder,
            "seq2seq": self._seq2seq,
            "transformer": self._transformer,
        }[self.family]
        return loss(batch), int((batch["target"] != IGNORED).sum())

    def _entropy(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        smoothing = self.smoothing if self.training else 0.0
        return functional.cross_entropy(
            logits.flatten(0, -2).float(), target.flatten(), ignore_index=IGNORED, label_smoothing=smoothing
        )

    def _causal(self, batch: Batch) -> torch.Tensor:
        ids, target = batch["source"], batch["target"][:, 1:]
        logits = self.net(input_ids=ids, attention_mask=batch["source_mask"].long()).logits[:, :-1]
        in_prompt = torch.arange(1, ids.shape[1], device=ids.device) < batch["prompt"].unsqueeze(1)
        loss = self._entropy(logits, target.masked_fill(in_prompt, IGNORED))
        if self.prompt_loss and self.training:
            loss = loss + self.prompt_loss * self._entropy(logits, target.masked_fill(~in_prompt, IGNORED))
        return loss

    def _encoder(self, batch: Batch) -> torch.Tensor:
        logits = self.net(input_ids=batch["source"], attention_mask=batch["source_mask"].long()).logits
        return self._entropy(logits, batch["target"])

    def _seq2seq(self, batch: Batch) -> torch.Tensor:
        target = batch["target"]
        logits = self.net(
            input_ids=batch["source"],
            attention_mask=batch["source_mask"].long(),
            decoder_input_ids=self.net.prepare_decoder_input_ids_from_labels(labels=target),
        ).logits
        return self._entropy(logits, target)

    def _transformer(self, batch: Batch) -> torch.Tensor:
        if batch["mode"] == "label":
            return self._entropy(self.net.classify(batch["source"], batch["source_mask"]), batch["target"])
        target = batch["target"]
        begin = torch.full_like(target[:, :1], self.bos)
        inputs = torch.cat([begin, target[:, :-1].clamp(min=0)], 1)
        return self._entropy(self.net(batch["source"], batch["source_mask"], inputs), target)
