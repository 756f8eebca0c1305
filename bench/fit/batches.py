"""Training examples as token ids, and length-bucketed batches within a token budget, the same for the same
seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bench.data.base import Dataset, reference_text
from bench.errors import FitError
from bench.fit.job import FitJob, FitTask
from bench.tasks import render

IGNORED = -100
"""Target id that the loss leaves out, as in torch's cross-entropy."""
POOL_BATCHES = 40
"""Examples are shuffled, then sorted by length within pools of about this many batches: little padding, still
random."""

Batch = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One training example."""

    source: tuple[int, ...]
    target: tuple[int, ...]
    """Token ids that end with the end token, or a single label index where `mode` is `label`."""
    mode: str
    """`label`: the classification head; `text`: next-token loss."""

    @property
    def size(self) -> int:
        """Tokens of source and target together."""
        return len(self.source) + len(self.target)


def encode(job: FitJob, task: FitTask, data: Dataset, tokenizer: Any, eos: int) -> list[Encoded]:
    """Returns the examples of one split as the job's family reads them."""
    family, kind = job.model.family, task.spec.kind
    if kind == "language-modelling":
        rows = tokenizer([str(e.columns["text"]) for e in data.examples], add_special_tokens=False)["input_ids"]
        limit = job.recipe.max_source_tokens
        return [Encoded((eos,), tuple(row[:limit]), "text") for row in rows if row]
    sources = tokenizer([render(task.template, e.columns) for e in data.examples])["input_ids"]
    cut = [_cut(row, job.recipe.max_source_tokens, family) for row in sources]
    references = [reference_text(e, kind) for e in data.examples]
    if kind == "classification" and family in ("encoder", "transformer"):
        places = {label: index for index, label in enumerate(task.labels)}
        unknown = sorted(set(references) - set(places))
        if unknown:
            raise FitError(
                f"task '{task.spec.name}': the training data have the label '{unknown[0]}', which the scored data have "
                "not; list all labels under the task's 'labels'"
            )
        return [Encoded(tuple(s), (places[r],), "label") for s, r in zip(cut, references, strict=True)]
    if kind == "classification":
        references = [task.spec.label_names.get(label, label) for label in references]
    lead = " " if family == "causal-lm" else ""
    targets = tokenizer([lead + text for text in references], add_special_tokens=False)["input_ids"]
    return [Encoded(tuple(s), (*t, eos), "text") for s, t in zip(cut, targets, strict=True)]


def _cut(row: list[int], limit: int, family: str) -> list[int]:
    if len(row) <= limit:
        return row
    return row[-limit:] if family == "causal-lm" else [*row[: limit - 1], row[-1]]


def batches(groups: Sequence[Sequence[Encoded]], budget: int, seed: int, epoch: int) -> Iterator[list[Encoded]]:
    """Yields the batches of one epoch; each holds examples of one task, `budget` tokens at most with padding.

    The order depends on `seed` and `epoch` alone, so that a resumed fit sees the very same batches.
    """
    rng = random.Random(f"{seed}/{epoch}")
    cut: list[list[Encoded]] = []
    for group in groups:
        order = list(group)
        rng.shuffle(order)
        typical = max(sum(example.size for example in order) // max(len(order), 1), 1)
        pool = max(budget // typical, 1) * POOL_BATCHES
        for at in range(0, len(order), pool):
            cut.extend(_packed(sorted(order[at : at + pool], key=lambda example: example.size), budget))
    rng.shuffle(cut)
    yield from cut


def _packed(examples: Sequence[Encoded], budget: int) -> Iterator[list[Encoded]]:
    batch: list[Encoded] = []
    for example in examples:
        if batch and example.size * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(example)
    if batch:
        yield batch


def collate(batch: Sequence[Encoded], family: str, pad: int, device: Any) -> Batch:
    """Returns padded tensors: `mode`, `source`, `source_mask`, `target` (labels, `IGNORED` where padded),
    `examples`."""
    mode = batch[0].mode
    if family == "causal-lm":
        rows = [[*example.source, *example.target] for example in batch]
        ids = _padded(rows, pad)
        targets = _padded(rows, IGNORED)
        prompt = torch.tensor([len(example.source) for example in batch])
        return {
            "mode": mode, "source": ids.to(device), "target": targets.to(device), "prompt": prompt.to(device),
            "source_mask": (targets != IGNORED).to(device), "examples": len(batch),
        }  # fmt: skip
    source = _padded([example.source for example in batch], pad)
    mask = _padded([[1] * len(example.source) for example in batch], 0).bool()
    target = _padded([example.target for example in batch], IGNORED)
    return {
        "mode": mode, "source": source.to(device), "source_mask": mask.to(device), "target": target.to(device),
        "examples": len(batch),
    }  # fmt: skip


def _padded(rows: Sequence[Sequence[int]], fill: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows])
