"""The training loop on accelerate: AdamW, warm-up and decay, clipping, accumulation, validation, resume.

An interrupted fit resumes from its last saved state to the same loss curve: the batches depend on the seed
and the step alone, and the state holds weights, optimiser, schedule and random generators.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from bench.errors import FitError, StoppedError
from bench.fit.batches import Encoded, batches, collate
from bench.fit.cost import CostMeter
from bench.fit.objectives import Objective
from bench.fit.recipe import Recipe
from bench.fit.scores import Scores
from bench.fit.state import Progress, State
from bench.fit.stopping import Stop

if TYPE_CHECKING:
    from accelerate import Accelerator

REPORT_EVERY = 20
"""Steps between two points of the recorded loss curve."""
SAVE_EVERY_S = 60.0
"""Longest time between two saved states, however slow the steps are: what a kill may cost."""
REPORT_EVERY_S = 10.0
"""Longest time without a word where steps are slow: a guess at a person's patience."""


def schedule_factor(recipe: Recipe, step: int) -> float:
    """Compute the share of the peak learning rate at `step` (0 first): linear warm-up, then the recipe's decay.

    Source: Goyal et al. (2017) for the warm-up, Loshchilov and Hutter (2017) for the cosine.
    """
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / max(recipe.steps - recipe.warmup_steps, 1)
    if recipe.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return max(1.0 - done, 0.0) if recipe.schedule == "linear" else 1.0


class Trainer:
    """One fit in one process (or one of several under `accelerate launch`)."""

    def __init__(
        self,
        recipe: Recipe,
        objective: Objective,
        groups: Sequence[Sequence[Encoded]],
        validation: Sequence[Sequence[Encoded]],
        *,
        pad: int,
        state: Path,
        device: str,
        cost: Callable[[int], CostMeter],
        report: Callable[[str], None],
    ) -> None:
        self.recipe, self.groups, self.validation_groups = recipe, groups, validation
        self.pad, self.report = pad, report
        self.learning = objective.learning
        self.accelerator = _accelerator(recipe, device)
        self.state = State(state, self.accelerator)
        self.cost = cost(self.accelerator.num_processes)
        learning = [parameter for parameter in objective.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(
            learning, lr=recipe.learning_rate, betas=recipe.betas, weight_decay=recipe.weight_decay
        )
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule_factor(recipe, step))
        self.objective, self.optimizer = self.accelerator.prepare(objective, optimizer)
        self.scheduler = scheduler
        self.accelerator.register_for_checkpointing(scheduler)
        self.progress = Progress(processes=self.accelerator.num_processes)
        self._reported_s = self._saved_s = 0.0
        self._stop = Stop()

    @property
    def net(self) -> nn.Module:
        """The trained module without its wrappers."""
        objective: Objective = self.accelerator.unwrap_model(self.objective)
        return objective.net

    def run(self) -> Progress:
        """Train to the recipe's end, from the saved state where there is one, and leave the best weights in `net`.

        Raises:
            FitError: the loss is not finite.
            StoppedError: SIGINT or SIGTERM came; the state is saved.
        """
        if not any(self.groups):
            raise FitError("there are no training examples; check the recipe's 'tasks' and 'train_split'")
        self._resume()
        self.cost.start(self.progress.cost)
        self._saved_s = self.cost.elapsed_s
        try:
            with self._stop:
                self._train()
        finally:  # a training that diverges has cost something too, and its meters must not go on
            self.progress.cost = self.cost.stop(self.progress.examples)
        if self.recipe.save_last:
            self.state.keep(self.state.last, self.net)
        self.accelerator.wait_for_everyone()
        if self.state.best.is_file():
            self.net.load_state_dict(torch.load(self.state.best, weights_only=True))
        self.accelerator.wait_for_everyone()  # whoever deletes the state does so after all have read it
        return self.progress

    def _resume(self) -> None:
        progress = self.state.load()
        if progress is not None:
            self.progress = progress
            self.report(f"resumed at step {progress.step} of {self.recipe.steps}, where its state was saved")
        else:
            if self.state.begin():
                self.report("the interrupted training had saved nothing yet: it starts again at step 0")
            self.state.best.unlink(missing_ok=True)
            torch.manual_seed(self.recipe.seed + self.accelerator.process_index)

    def _train(self) -> None:
        for group, targets in self._micro_batches():
            if self.progress.step >= self.recipe.steps or self._out_of_patience():
                break
            self.progress.running += self._step(group, targets)
            step = self.progress.step
            if step % REPORT_EVERY == 0 or step == self.recipe.steps:
                self._record()
            elif self.cost.elapsed_s - self._reported_s >= REPORT_EVERY_S:
                self._report(self.progress.running / (step % REPORT_EVERY))
            if step % self.recipe.evaluate_every == 0 or step == self.recipe.steps:
                self._evaluate()
            is_due, is_stopped = self._agreed(
                self.cost.elapsed_s - self._saved_s >= SAVE_EVERY_S, self._stop.asked is not None
            )
            if is_due or is_stopped or step % self.recipe.save_every == 0:
                self._save()
            if is_stopped:
                raise StoppedError(
                    f"stopped by {self._stop.asked or 'a signal'}; kept at step {step} of {self.recipe.steps}"
                )

    def _agreed(self, *wishes: bool) -> list[bool]:
        """Find what any of the processes wishes, the same in each of them: saving is done by all together."""
        if self.accelerator.num_processes == 1:
            return list(wishes)
        wished = torch.tensor([float(wish) for wish in wishes], device=self.accelerator.device)
        return [count_ > 0 for count_ in self.accelerator.reduce(wished, reduction="sum").tolist()]

    def _save(self) -> None:
        self.progress.cost = self.cost.lap(self.progress.examples)
        self.state.save(self.progress)
        self._saved_s = self.cost.elapsed_s

    def _micro_batches(self) -> Iterator[tuple[list[list[Encoded]], int]]:
        """Form this process's batches of each step, beginning after the last finished step; yield them with the targets
        of the whole step in all processes."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        per_step = self.recipe.accumulation * world
        skip = self.progress.step * per_step
        waiting: list[list[Encoded]] = []
        for epoch in count():
            for batch in batches(self.groups, self.recipe.batch_tokens, self.recipe.seed, epoch):
                if skip:
                    skip -= 1
                    continue
                waiting.append(batch)
                if len(waiting) == per_step:
                    yield waiting[rank::world], sum(map(_targets, waiting))
                    waiting = []

    def _step(self, group: Sequence[Sequence[Encoded]], targets: int) -> float:
        """Compute the loss of one step: the mean over the targets of all its batches, whichever process has them.

        A mean of the batches' means would weigh a target by how many others happen to be in its batch.
        """
        self.objective.train()
        total, seen = 0.0, 0
        broken: list[str] = []
        for batch in group:
            # Processes average their gradients, and this process has its part of the targets alone.
            share = _targets(batch) * self.accelerator.num_processes / targets
            with self.accelerator.autocast():
                loss, _, _ = self.objective(collate(batch, self.learning, self.pad, self.accelerator.device))
            self.accelerator.backward(loss * share)
            value = loss.item()
            if not math.isfinite(value):
                broken.append(_rows(batch))
            total += value * share
            seen += len(batch)
        total, seen = self._over_processes(total, seen)
        self.progress.examples += seen
        if not math.isfinite(total):
            raise FitError(self._diverged(total, "; ".join(broken)))
        self.accelerator.clip_grad_norm_(self.objective.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad()
        self.progress.step += 1
        return total

    def _diverged(self, total: float, rows: str) -> str:
        """Say where the loss stopped being a number, and what to do; before any update it is not the learning rate."""
        where = f"the loss is {total} at step {self.progress.step + 1}" + (f", on {rows}" if rows else "")
        if self.progress.step == 0:
            return (
                f"{where}; no update was made yet, so it is not the learning rate: look at these rows, and at the "
                "weights that the training starts from"
            )
        return (
            f"{where}, after {self.progress.step} updates; lower the recipe's learning_rate "
            f"({self.recipe.learning_rate:g}), raise warmup_steps, or lower clip_norm ({self.recipe.clip_norm:g})"
        )

    def _over_processes(self, loss: float, seen: int) -> tuple[float, int]:
        """Average the loss and add up the examples over all processes, the same in each of them."""
        world = self.accelerator.num_processes
        if world == 1:
            return loss, seen
        pair = torch.tensor([loss, float(seen)], device=self.accelerator.device)
        mean, count_ = self.accelerator.reduce(pair, reduction="sum").tolist()
        return mean / world, round(count_)

    def _record(self) -> None:
        """Add a point to the loss curve: the mean of the steps since the previous point."""
        progress = self.progress
        before = progress.curve[-1][0] if progress.curve else 0
        loss = progress.running / (progress.step - before)
        progress.curve.append((progress.step, loss))
        progress.running = 0.0
        self._report(loss)

    def _report(self, loss: float) -> None:
        elapsed, step = self.cost.elapsed_s, self.progress.step
        left = elapsed / step * (self.recipe.steps - step)
        self._reported_s = elapsed
        self.report(f"step {step}/{self.recipe.steps}  loss {loss:.4f}  {elapsed:.0f} s, about {left:.0f} s left")

    @torch.no_grad()
    def validate(self) -> Scores:
        """Compute the mean loss per target and the accuracy on the validation split, each task weighing the same."""
        objective = self.accelerator.unwrap_model(self.objective)
        objective.eval()
        losses, shares = [], []
        counted = True
        for group in self.validation_groups:
            total, targets, right = 0.0, 0, 0
            for batch in batches([group], self.recipe.batch_tokens, 0, 0):
                with self.accelerator.autocast():
                    loss, n, good = objective(collate(batch, self.learning, self.pad, self.accelerator.device))
                total, targets, right = total + loss.item() * n, targets + n, right + (good or 0)
                counted &= good is not None
            if targets:
                losses.append(total / targets)
                shares.append(right / targets)
        if not losses:
            return Scores(math.nan, None)
        return Scores(sum(losses) / len(losses), sum(shares) / len(shares) if counted else None)

    def _evaluate(self) -> None:
        loss = self.validate().loss
        progress = self.progress
        progress.validation.append((progress.step, loss))
        progress.since_best += 1
        if loss < progress.best_loss:
            progress.best_loss, progress.best_step, progress.since_best = loss, progress.step, 0
            self.state.keep(self.state.best, self.net)
        self.report(
            f"step {progress.step}/{self.recipe.steps}  validation loss {loss:.4f}  (best {progress.best_loss:.4f})"
        )

    def _out_of_patience(self) -> bool:
        return self.recipe.patience is not None and self.progress.since_best >= self.recipe.patience


def _rows(batch: Sequence[Encoded]) -> str:
    """Describe the rows of a batch, the first three by their origin."""
    named = [example.origin for example in batch if example.origin]
    more = f" and {len(batch) - 3} more" if len(batch) > 3 else ""
    return (", ".join(named[:3]) or f"a batch of mode '{batch[0].mode}'") + more


def _targets(batch: Sequence[Encoded]) -> int:
    """Count the targets of a batch: labels, numbers, or tokens to predict."""
    return sum(example.targets for example in batch)


def _accelerator(recipe: Recipe, device: str) -> Accelerator:
    """Make the accelerator of one training.

    Accumulated batches are weighed by `_step` itself, so accelerate is not told of them: it would divide again.
    A network with two heads leaves one without a gradient in a batch, which several processes must be told.

    Raises:
        FitError: the device cannot compute in the recipe's precision.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs

    if recipe.precision == "fp16" and device == "cpu":  # accelerate 1.15 would train in float32 and say nothing
        raise FitError("the precision 'fp16' does not work on cpu; set 'precision: bf16' or 'no'")
    try:
        return Accelerator(
            mixed_precision=recipe.precision,
            cpu=device == "cpu",
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )
    except ValueError as error:
        raise FitError(f"the precision '{recipe.precision}' does not work on {device}: {error}; set another") from error
