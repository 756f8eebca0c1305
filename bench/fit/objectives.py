"""The losses, behind a single module so that accelerate can wrap it (mixed precision, several processes).

Which logits have which targets, the family says (`bench.candidates.learning.Learning`).

A teacher's part is the divergence of the student's distribution from the teacher's, both softened:
`loss = (1 − α) · CE + α · T² · KL(teacher_T ‖ student_T)`.

Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from bench.candidates.learning import IGNORED, Batch, Learning, Setting
from bench.errors import FitError


@dataclass(frozen=True, slots=True)
class Losses:
    """Weights of the parts of the loss."""

    smoothing: float = 0.0
    prompt_loss: float = 0.0
    alpha: float = 0.0
    temperature: float = 1.0
    bos: int = 0
    """The token before the first of a text that is to be predicted."""
    labels: tuple[str, ...] = ()
    """The labels of the head, or whose logits a factory's `classify` gives."""


class Objective(nn.Module):
    """Batch in; mean loss per target out, the number of targets, and how many of them are answered rightly, None where
    that is not counted."""

    def __init__(self, learning: Learning, net: nn.Module, losses: Losses, teacher: nn.Module | None = None) -> None:
        super().__init__()
        self.learning = learning
        self.net = net
        self.losses = losses
        self._teacher = (teacher,)  # in a tuple: it is no part of this module, and is not trained or saved

    def forward(self, batch: Batch) -> tuple[torch.Tensor, int, int | None]:
        """Compute `(loss in nats, number of targets, number of right answers)`."""
        own = self.learning.own_loss(self.net, batch)
        if own is not None:
            return own, batch["examples"], None
        logits, target = self._logits(self.net, batch)
        loss = self._entropy(logits, target)
        if self.training:
            loss = self._taught(loss, logits, target, batch)
            prompt = self.learning.prompt_targets(batch) if self.losses.prompt_loss else None
            if prompt is not None and bool((prompt != IGNORED).any()):  # whole texts have no prompt
                loss = loss + self.losses.prompt_loss * self._entropy(logits, prompt)
        count = target.numel() if target.is_floating_point() else int((target != IGNORED).sum())
        right = None if self.training else self.learning.right(logits, target)
        return loss, count, None if right is None else int(right.sum())

    def _entropy(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return self.learning.loss(logits, target, self.losses.smoothing if self.training else 0.0)

    def _taught(self, loss: torch.Tensor, logits: torch.Tensor, target: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Mix in the teacher's part, where it has an opinion on this batch."""
        soft, teacher = batch.get("soft"), self._teacher[0]
        if soft is None and teacher is not None and batch["mode"] == "text":
            with torch.no_grad():
                soft = self._logits(teacher, batch)[0].detach()
        if soft is None:
            return loss
        if soft.shape[-1] != logits.shape[-1]:
            raise FitError(f"the teacher scores {soft.shape[-1]} tokens and the student {logits.shape[-1]}")
        keep = (target != IGNORED).flatten()
        part = divergence(logits.flatten(0, -2)[keep], soft.flatten(0, -2)[keep], self.losses.temperature)
        return (1 - self.losses.alpha) * loss + self.losses.alpha * part

    def _logits(self, net: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        setting = Setting(self.losses.bos, self.losses.labels, self.training)
        return self.learning.logits(net, batch, setting)


def divergence(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Compute T² · KL(teacher ‖ student) at a temperature, in nats, mean over rows; shapes `(rows, classes)`.

    T² keeps the size of the gradient when T changes (Hinton et al., 2015, section 2).
    """
    aim = (teacher.float() / temperature).log_softmax(-1)
    own = (student.float() / temperature).log_softmax(-1)
    return temperature**2 * functional.kl_div(own, aim, reduction="batchmean", log_target=True)
