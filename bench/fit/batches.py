"""Training examples as token ids, and length-bucketed batches within a token budget, the same for the same
seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from bench.candidates.huggingface import columns_of, word_pieces
from bench.candidates.interface import Ability
from bench.candidates.learning import IGNORED, Batch, Learning
from bench.data.base import Columns, Dataset
from bench.errors import FitError
from bench.fit.job import FitJob, FitTask, Head, head_of, learning_for
from bench.tasks import KINDS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

POOL_BATCHES = 40
"""Examples are shuffled, then sorted by length within pools of about this many batches: little padding, still
random."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One training example."""

    source: tuple[int, ...]
    target: tuple[float, ...]
    """Token ids that end with the end token; for a head a label's index (`label`), 1 or 0 for each label (`marks`), a
    number (`number`), or for each token of the source its tag's index or `IGNORED` (`tags`)."""
    mode: str
    """`label`, `marks`, `number`, `tags`: a head; `text`: next-token loss; `own`: a factory's module reads the text
    itself."""
    segments: tuple[int, ...] = ()
    """Of a pair of texts: to which of the two each token belongs."""
    soft: tuple[float, ...] | None = None
    """The teacher's log-probability of each label."""
    text: str = ""
    """`own`: the input, which is not cut to tokens here."""
    answer: str = ""
    """`own`: the reference."""
    origin: str = ""
    """The task and the row's id, for messages."""
    cut: bool = False
    """Whether tokens of the input or of the reference were left out."""

    @property
    def size(self) -> int:
        """Tokens of source and target together; characters of input and reference where there are no tokens."""
        return len(self.source) + len(self.target) + len(self.text) + len(self.answer)

    @property
    def targets(self) -> int:
        """Targets that the loss is a mean of."""
        return len(self.target) - (self.target.count(IGNORED) if self.mode == "tags" else 0)


@dataclass(frozen=True, slots=True)
class Reader:
    """How a model reads and writes texts."""

    tokenizer: PreTrainedTokenizerBase | None
    """None where a factory's module reads texts itself."""
    begin: int = 0
    """The token before the first of a text that is to be predicted."""
    end: int = 0
    room: int | None = None
    """Most tokens of a sequence, from the model's positions; None where there is no limit."""

    @property
    def own_tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer of a model that has one."""
        if self.tokenizer is None:
            raise FitError("a factory's module reads texts itself, and has no tokenizer")
        return self.tokenizer


def encode(job: FitJob, task: FitTask, data: Dataset, reader: Reader) -> list[Encoded]:
    """Encode the examples of one split as the job's family reads them; what is too long is cut and marked.

    A language model learns long texts in pieces, which leaves nothing out. Each says which row it is from, 0 first.
    """
    return [
        replace(example, origin=f"'{task.spec.name}' {example.origin or f'row {place}'}")
        for place, example in enumerate(_encoded(job, task, data, reader))
    ]


def _encoded(job: FitJob, task: FitTask, data: Dataset, reader: Reader) -> list[Encoded]:
    """Encode the examples without their origin, unless several are of one row."""
    learning, kind = learning_for(job), KINDS[task.spec.kind]
    if learning.from_factory:
        return _own(task, data, kind.columns, labelled=kind.labelled)
    if kind.ability == "log_likelihood":
        return _pieces([kind.columns.reference_text(e) for e in data.examples], job.training.max_source_tokens, reader)
    head = head_of(job.model.family, task)
    if head is not None and head.ability == "tag":
        return _tagged(job, task, data, reader)
    prompts, options = learning.prompts(job.model, reader.own_tokenizer, kind.texts(task.template, data.examples))
    asked = columns_of(prompts) if learning.reads_pairs and prompts else [prompts]
    encoded = reader.own_tokenizer(*asked, **options)
    sources: list[list[int]] = encoded["input_ids"]
    segments = encoded.get("token_type_ids") if len(asked) > 1 else None
    if head is not None:
        limit = min(job.training.max_source_tokens, reader.room or job.training.max_source_tokens)
        return [
            Encoded(
                tuple(_cut(s, limit, learning)),
                wanted,
                MODES[head.ability],
                () if segments is None else tuple(_cut(segments[at], limit, learning)),
                scores,
                cut=len(s) > limit,
            )
            for at, (s, wanted, scores) in enumerate(
                zip(sources, _wanted(task, head, data), _soft(task, data), strict=True)
            )
        ]
    references = [kind.columns.reference_text(e) for e in data.examples]
    if kind.labelled:
        references = [task.spec.label_names.get(label, label) for label in references]
    targets = reader.own_tokenizer([learning.lead + text for text in references], add_special_tokens=False)["input_ids"]
    return [
        _pair(s, [*t, reader.end], job.training.max_source_tokens, reader.room, learning)
        for s, t in zip(sources, targets, strict=True)
    ]


MODES: Mapping[Ability, str] = {"classify": "label", "mark": "marks", "rate": "number", "tag": "tags"}
"""Mode of an example, by what its head is for."""


def _wanted(task: FitTask, head: Head, data: Dataset) -> list[tuple[float, ...]]:
    """List what a head is to say of each text."""
    kind = KINDS[task.spec.kind]
    if head.ability == "classify":
        references = [kind.columns.reference_text(example) for example in data.examples]
        return [(place,) for place in _places(task, references)]
    rows: Sequence[Any] = kind.learnt(task.template, data.examples, head.labels)[1]
    return [tuple(row) if head.ability == "mark" else (float(row),) for row in rows]


def _tagged(job: FitJob, task: FitTask, data: Dataset, reader: Reader) -> list[Encoded]:
    """Encode sentences with the tag of each token at its first piece, as it will be read there."""
    places = {label: place for place, label in enumerate(task.labels)}
    columns = KINDS[task.spec.kind].columns
    limit = min(job.training.max_source_tokens, reader.room or job.training.max_source_tokens)
    rows = []
    for example in data.examples:
        words, tags = list(example.columns["tokens"]), columns.several(example) or ()
        source, firsts, read = word_pieces(reader.own_tokenizer, words, limit)
        target = tuple(IGNORED if owner is None else places[str(tags[owner])] for owner in firsts)
        rows.append(Encoded(tuple(source), target, "tags", cut=read < len(words)))
    return rows


def _pieces(texts: Sequence[str], most: int, reader: Reader) -> list[Encoded]:
    """Cut texts into pieces that a language model reads at once."""
    rows = reader.own_tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    size = min(most, (reader.room or most + 1) - 1)
    return [
        Encoded((reader.begin,), tuple(row[at : at + size]), "text", origin=f"row {place}")
        for place, row in enumerate(rows)
        for at in range(0, len(row), size)
    ]


def _pair(source: list[int], target: list[int], most: int, room: int | None, learning: Learning) -> Encoded:
    """Pair a source of `most` tokens with a target; where they are one sequence, it must have room for both."""
    whole = len(target)
    if room is not None:
        target = target[: room - 1 if learning.one_sequence else room]
        most = min(most, room - len(target) if learning.one_sequence else room)
    cut = len(source) > most or len(target) < whole
    return Encoded(tuple(_cut(source, most, learning)), tuple(target), "text", cut=cut)


def _places(task: FitTask, references: Sequence[str]) -> list[int]:
    """Find the index of each label."""
    places = {label: index for index, label in enumerate(task.labels)}
    unknown = sorted(set(references) - set(places))
    if unknown:
        raise FitError(
            f"task '{task.spec.name}': the training data have the label '{unknown[0]}', which the scored data have "
            "not; list all labels under the task's 'labels'"
        )
    return [places[label] for label in references]


def _soft(task: FitTask, data: Dataset) -> list[tuple[float, ...] | None]:
    """Look up the teacher's scores of each example; None for all where it did not read this split."""
    if task.soft is None or data is not task.train:
        return [None] * len(data.examples)
    return [task.soft[example.index] for example in data.examples]


def _own(task: FitTask, data: Dataset, columns: Columns, *, labelled: bool) -> list[Encoded]:
    """Hand a factory's module its examples: texts and references as they are."""
    texts = KINDS[task.spec.kind].texts(task.template, data.examples)
    answers = [columns.reference_text(example) for example in data.examples]
    places = _places(task, answers) if labelled else [0] * len(answers)
    return [
        Encoded((), (place,), "own", soft=scores, text=text, answer=answer)
        for text, answer, place, scores in zip(texts, answers, places, _soft(task, data), strict=True)
    ]


def _cut(row: list[int], limit: int, learning: Learning) -> list[int]:
    if len(row) <= limit:
        return row
    return row[-limit:] if learning.one_sequence else [*row[: limit - 1], row[-1]]


def batches(groups: Sequence[Sequence[Encoded]], budget: int, seed: int, epoch: int) -> Iterator[list[Encoded]]:
    """Form the batches of one epoch; each holds examples of one task, `budget` tokens at most with padding.

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


def collate(batch: Sequence[Encoded], learning: Learning, pad: int, device: torch.device | str) -> Batch:
    """Pad examples to tensors on the device."""
    mode = batch[0].mode
    if mode == "own":
        return {
            "mode": mode,
            "texts": [example.text for example in batch],
            "answers": [example.answer for example in batch],
            "target": torch.tensor([example.target for example in batch]).to(device),
            "examples": len(batch),
            "soft": _softened(batch, device),
        }
    if learning.one_sequence and mode == "text":
        rows = [[*example.source, *example.target] for example in batch]
        targets = _padded(rows, IGNORED)
        return {
            "mode": mode,
            "source": _padded(rows, pad).to(device),
            "target": targets.to(device),
            "prompt": torch.tensor([len(example.source) for example in batch]).to(device),
            "source_mask": (targets != IGNORED).to(device),
            "examples": len(batch),
        }
    mask = _padded([[1] * len(example.source) for example in batch], 0).bool()
    segments: Batch = {}
    if batch[0].segments:
        segments = {"segments": _padded([example.segments for example in batch], 0).to(device)}
    return segments | {
        "mode": mode,
        "source": _padded([example.source for example in batch], pad).to(device),
        "source_mask": mask.to(device),
        "target": _padded([example.target for example in batch], IGNORED).to(device),
        "examples": len(batch),
        "soft": _softened(batch, device),
    }


def _softened(batch: Sequence[Encoded], device: torch.device | str) -> torch.Tensor | None:
    rows = [example.soft for example in batch if example.soft is not None]
    return torch.tensor(rows).to(device) if len(rows) == len(batch) else None


def _padded(rows: Sequence[Sequence[float]], fill: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows])
