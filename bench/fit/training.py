"""One training of one recipe on one job's data: what search, folds and the final training all do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.fit.batches import encode
from bench.fit.cost import Cost, CostMeter
from bench.fit.teaching import Lesson
from bench.fit.trainer import Progress, Scores, Trainer

Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training, its best weights in `net`."""

    net: Any
    tokenizer: Any
    """None for a `torch-module`."""
    progress: Progress
    scores: Scores
    """On the validation split."""
    cost: Cost
    main: bool
    """Whether this is the process that writes."""
    processes: int = 1
    last: Path | None = None
    """File of the weights at the last step, where the recipe keeps them."""


def resolve_device(asked: str) -> str:
    """Returns `cpu` or `cuda:0`; `auto` takes a GPU where there is one."""
    import torch

    if asked == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    return asked


def train(lesson: Lesson, state: Path, notify: Notify) -> Trained:
    """Trains from scratch, or from the state under `state` where an interrupted training left one.

    Raises:
        FitError: the training cannot start, or diverges.
    """
    from bench.fit.build import build, head_labels
    from bench.fit.objectives import Losses, Objective
    from bench.meters.bundle import open_meters

    job, recipe = lesson.job, lesson.job.recipe
    if job.base is not None and str(job.base) not in sys.path:
        sys.path.insert(0, str(job.base))  # a factory may lie beside the suite
    net, tokenizer = build(job, lesson.tokenizer)
    eos = 0 if tokenizer is None else _end(tokenizer)
    bos = getattr(tokenizer, "bos_token_id", None)
    losses = Losses(
        recipe.label_smoothing, recipe.prompt_loss, recipe.alpha if job.teacher else 0.0, recipe.temperature,
        eos if bos is None else bos, head_labels(job),
    )  # fmt: skip
    device = resolve_device(job.device)
    trainer = Trainer(
        recipe,
        Objective(job.model.family, net, losses, lesson.net),
        [encode(job, task, task.train, tokenizer, eos) for task in job.tasks],
        [encode(job, task, task.validation, tokenizer, eos) for task in job.tasks],
        pad=0 if tokenizer is None else tokenizer.pad_token_id,
        state=state,
        device=device,
        cost=lambda processes: CostMeter(open_meters(device), processes),
        report=notify,
    )
    progress = trainer.run()
    scores = trainer.validate()
    last = state / "last.pt"
    return Trained(
        trainer.net, tokenizer, progress, scores, progress.cost, trainer.accelerator.is_main_process,
        trainer.accelerator.num_processes, last if last.is_file() else None,
    )  # fmt: skip


def _end(tokenizer: Any) -> int:
    found = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else tokenizer.sep_token_id
    return int(found)
