"""The losses, one per family, behind a single module so that accelerate can wrap it (mixed precision, several
processes).

A teacher's part is the divergence of the student's distribution from the teacher's, both softened:
`loss = (1 − α) · CE + α · T² · KL(teacher_T ‖ student_T)`.

Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from bench.errors import FitError
from bench.fit.batches import IGNORED, Batch


@dataclass(frozen=True, slots=True)
class Losses:
    """Weights of the parts of the loss."""

    smoothing: float = 0.0
    prompt_loss: float = 0.0
    alpha: float = 0.0
    temperature: float = 1.0
    bos: int = 0
    labels: tuple[str, ...] = ()
    """`torch-module`: the labels whose logits `classify` gives."""


class Objective(nn.Module):
    """Batch in; mean loss per target out, the number of targets, and how many of them are answered rightly."""

    def __init__(self, family: str, net: Any, losses: Losses, teacher: Any = None) -> None:
        super().__init__()
        self.family = family
        self.net = net
        self.losses = losses
        self._teacher = (teacher,)  # in a tuple: it is no part of this module, and is not trained or saved

    def forward(self, batch: Batch) -> tuple[torch.Tensor, int, int]:
        """Returns `(loss in nats, number of targets, number of right answers)`."""
        if self.family == "torch-module" and hasattr(self.net, "training_loss"):
            return self.net.training_loss(batch["texts"], batch["answers"]), batch["examples"], 0
        logits, target = self._logits(self.net, batch)
        loss = self._entropy(logits, target)
        if self.training:
            loss = self._taught(loss, logits, target, batch)
            if self.losses.prompt_loss and self.family == "causal-lm" and batch["mode"] == "text":
                prompt = batch["target"][:, 1:].masked_fill(~self._in_prompt(batch), IGNORED)
                loss = loss + self.losses.prompt_loss * self._entropy(logits, prompt)
        kept = target != IGNORED
        right = int(((logits.argmax(-1) == target) & kept).sum()) if not self.training else 0
        return loss, int(kept.sum()), right

    def _entropy(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(
            logits.flatten(0, -2).float(),
            target.flatten(),
            ignore_index=IGNORED,
            label_smoothing=self.losses.smoothing if self.training else 0.0,
        )

    def _taught(self, loss: torch.Tensor, logits: torch.Tensor, target: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns the loss with the teacher's part, where it has an opinion on this batch."""
        if batch.get("soft") is not None:
            wanted = batch["soft"]
        elif self._teacher[0] is not None and batch["mode"] == "text":
            with torch.no_grad():
                wanted = self._logits(self._teacher[0], batch)[0].detach()
        else:
            return loss
        if wanted.shape[-1] != logits.shape[-1]:
            raise FitError(f"the teacher scores {wanted.shape[-1]} tokens and the student {logits.shape[-1]}")
        keep = (target != IGNORED).flatten()
        part = divergence(logits.flatten(0, -2)[keep], wanted.flatten(0, -2)[keep], self.losses.temperature)
        return (1 - self.losses.alpha) * loss + self.losses.alpha * part

    def _logits(self, net: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns `(logits, targets)`, positions without a target marked `IGNORED`."""
        found: tuple[torch.Tensor, torch.Tensor] = {
            "causal-lm": self._causal,
            "encoder": self._encoder,
            "seq2seq": self._seq2seq,
            "transformer": self._transformer,
            "torch-module": self._own,
        }[self.family](net, batch)
        return found

    def _in_prompt(self, batch: Batch) -> torch.Tensor:
        ids = batch["source"]
        prompt: torch.Tensor = batch["prompt"].unsqueeze(1)
        return torch.arange(1, ids.shape[1], device=ids.device) < prompt

    def _causal(self, net: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        if batch["mode"] == "label":
            return self._encoder(net, batch)
        logits = net(input_ids=batch["source"], attention_mask=batch["source_mask"].long()).logits[:, :-1]
        return logits, batch["target"][:, 1:].masked_fill(self._in_prompt(batch), IGNORED)

    def _encoder(self, net: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        logits = net(input_ids=batch["source"], attention_mask=batch["source_mask"].long()).logits
        return logits, batch["target"].squeeze(1)

    def _seq2seq(self, net: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        target = batch["target"]
        logits = net(
            input_ids=batch["source"],
            attention_mask=batch["source_mask"].long(),
            decoder_input_ids=self.net.prepare_decoder_input_ids_from_labels(labels=target),
        ).logits
        return logits, target

    def _transformer(self, net: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        if batch["mode"] == "label":
            return net.classify(batch["source"], batch["source_mask"]), batch["target"].squeeze(1)
        target = batch["target"]
        begin = torch.full_like(target[:, :1], self.losses.bos)
        inputs = torch.cat([begin, target[:, :-1].clamp(min=0)], 1)
        return net(batch["source"], batch["source_mask"], inputs), target

    def _own(self, net: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        logits = net.classify(batch["texts"], list(self.losses.labels))
        wanted = (batch["examples"], len(self.losses.labels))
        if not isinstance(logits, torch.Tensor) or (self.training and not logits.requires_grad):
            raise FitError(
                "the factory's module must return logits that carry a gradient from 'classify', or have a method "
                "'training_loss(texts, references)'; wrap neither in no_grad"
            )
        if tuple(logits.shape) != wanted:
            raise FitError(f"'classify' gave logits of shape {tuple(logits.shape)} instead of {wanted}")
        return logits, batch["target"].squeeze(1)


def divergence(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Returns T² · KL(teacher ‖ student) at a temperature, in nats, mean over rows; shapes `(rows, classes)`.

    T² keeps the size of the gradient when T changes (Hinton et al., 2015, section 2).
    """
    wanted = (teacher.float() / temperature).log_softmax(-1)
    given = (student.float() / temperature).log_softmax(-1)
    return temperature**2 * functional.kl_div(given, wanted, reduction="batchmean", log_target=True)
