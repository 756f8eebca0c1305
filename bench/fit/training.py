"""One training of one recipe on one job's data: what search, folds and the final training all do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.errors import FitError
from bench.fit.batches import Encoded, Reader, encode
from bench.fit.cost import Cost, CostMeter
from bench.fit.job import learning_for
from bench.fit.scale import UNSCALED, Scale
from bench.fit.scores import Scores
from bench.fit.state import Progress
from bench.fit.teaching import Lesson
from bench.fit.trainer import Trainer
from bench.plugins import look_beside

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerBase

Notify = Callable[[str], None]


class DivergedError(FitError):
    """A training stopped without a result; what it took until then is not lost."""

    def __init__(self, message: str, cost: Cost | None = None) -> None:
        super().__init__(message)
        self.cost = cost


class Outcome(Protocol):
    """What search and folds read of a finished training."""

    @property
    def scores(self) -> Scores:
        """On the validation split."""

    @property
    def cost(self) -> Cost:
        """What it took."""

    @property
    def main(self) -> bool:
        """Whether this is the process that writes."""


class Train(Protocol):
    """Makes one training: of a network, step by step, or by a solver."""

    def __call__(self, lesson: Lesson, state: Path, notify: Notify, /) -> Outcome:
        """Train from scratch, or from the state that an interrupted training left."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training, its best weights in `net`."""

    net: nn.Module
    tokenizer: PreTrainedTokenizerBase | None
    """None for a module that reads texts itself."""
    progress: Progress
    scores: Scores
    """On the validation split."""
    cost: Cost
    main: bool
    """Whether this is the process that writes."""
    processes: int = 1
    cut: Mapping[str, int] = field(default_factory=dict)
    """By task: training examples of which not every token fits."""
    last: Path | None = None
    """File of the weights at the last step, where the recipe keeps them."""
    scale: Scale = UNSCALED
    """Of the numbers that were learnt."""


def resolve_device(asked: str) -> str:
    """Resolve `cpu`, or the GPU of this process (`accelerate launch` numbers them); `auto` takes one where there is
    one."""
    import torch

    if asked == "cpu" or (asked == "auto" and not torch.cuda.is_available()):
        return "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if asked in ("auto", "cuda") else asked


def train(lesson: Lesson, state: Path, notify: Notify) -> Trained:
    """Train from scratch, or from the state under `state` where an interrupted training left one.

    Raises:
        FitError: the training cannot start, or diverges.
    """
    from bench.fit.build import build, head_labels
    from bench.fit.objectives import Losses, Objective
    from bench.meters.bundle import open_meters

    job, recipe = lesson.job, lesson.job.training
    if job.base is not None:
        look_beside(job.base)  # a factory may lie beside the suite
    learning = learning_for(job)
    net, tokenizer = build(job, lesson.tokenizer)
    reader = _reader(tokenizer, learning.room(net, tokenizer))
    labels, alpha = head_labels(job), recipe.alpha if job.teacher else 0.0
    losses = Losses(recipe.label_smoothing, recipe.prompt_loss, alpha, recipe.temperature, reader.begin, labels)
    device = resolve_device(job.device)
    groups = [encode(job, task, task.train, reader) for task in job.tasks]
    cut = _cut([task.spec.name for task in job.tasks], groups, notify)
    scale = Scale.of(groups)
    scale.check(job.model.name, net)
    trainer = Trainer(
        recipe,
        Objective(learning, net, losses, lesson.net),
        [scale.standardised(group) for group in groups],
        [scale.standardised(encode(job, task, task.validation, reader)) for task in job.tasks],
        pad=0 if tokenizer is None else tokenizer.pad_token_id,
        state=state,
        device=device,
        cost=lambda processes: CostMeter(open_meters(device), processes),
        report=notify,
    )
    try:
        progress = trainer.run()
    except FitError as error:
        raise DivergedError(f"model '{job.model.name}': {error}", trainer.progress.cost) from error
    accelerator, last = trainer.accelerator, trainer.state.last
    return Trained(
        trainer.net,
        tokenizer,
        progress,
        trainer.validate(),
        progress.cost,
        accelerator.is_main_process,
        accelerator.num_processes,
        cut,
        last if last.is_file() else None,
        scale,
    )


def _reader(tokenizer: PreTrainedTokenizerBase | None, room: int | None) -> Reader:
    if tokenizer is None:
        return Reader(None)
    end = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else tokenizer.sep_token_id
    begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else end
    return Reader(tokenizer, int(begin), int(end), room)


def _cut(names: Sequence[str], groups: Sequence[Sequence[Encoded]], notify: Notify) -> dict[str, int]:
    """Count the examples of each task that were cut, where any were, and say so."""
    cut = {name: sum(example.cut for example in group) for name, group in zip(names, groups, strict=True)}
    for name, group in zip(names, groups, strict=True):
        if cut[name]:
            notify(
                f"{cut[name]} of {len(group)} training examples of {name} are longer than the model or the recipe's "
                "max_source_tokens takes, and were cut"
            )
    return {name: count for name, count in cut.items() if count}
