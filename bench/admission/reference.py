"""The reference pass: what bench's own path gives is held against the library's plain pass, on the task's own inputs.

The fast path batches, pads, caches, packs continuations into one row and refills rows of a search. Each of these is
right only if a model's positions, masks and cache behave as most models' do. The plain path asks the library for one
example at a time, without padding and without a cache, and is what bench falls back to where the two differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bench.candidates.interface import engine_of, proved_by
from bench.measure.audit import agrees, tolerance_of
from bench.record import Sample
from bench.tasks.base import Answer, Workload

BUDGET_S = 1.0
"""Of one proof, the first request of a process apart: the examples that are compared at least may take longer."""
EXAMPLES = 6
"""Short, long, odd, and some of middling length."""
LEAST_EXAMPLES = 4
"""With two, one of which needs no padding, a model whose state takes up the padding may pass by chance."""
NEW_TOKENS = 8
"""Tokens that are generated of each: a fault of the cache, of positions or of the refill shows from the second on."""
FEW_TOKENS = 3
"""The same for a slow model."""
SLOW = 12
"""A model is slow when one short answer takes more than this part of the budget."""
FEWEST_EXAMPLES = 3
"""At least so many of a slow model: two of them are padded beside the longest."""
AHEAD_TOKENS = 64
"""Tokens on which it is tried whether a model reads ahead."""
ROWS = 2
"""Rows under way in a search that refills, fewer than there are examples, so that it does refill."""


@runtime_checkable
class LeftToRight(Protocol):
    """A model whose likelihoods are those of a text read from left to right."""

    def reads_ahead(self, text: str, most_tokens: int) -> float:
        """Measure by how much the last token of a text changes the predictions before it, in logits."""


@runtime_checkable
class Generates(Protocol):
    """A workload that writes texts."""

    streams: bool

    def shortened(self, max_new_tokens: int) -> Workload:
        """Copy the workload with shorter answers."""

    def stream(self, indices: Sequence[int], rows: int) -> Iterator[tuple[int, Answer]]:
        """Generate answers; yield index and answer of each example as it ends."""

    def least_margin(self, index: int) -> float:
        """Measure by how much the likeliest token leads in the closest step of one answer, in logits."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a reference pass showed."""

    compared: int
    """Examples that were answered both ways."""
    differing: tuple[int, ...]
    """Indices of those whose answers differ by more than rounding."""
    seconds: float
    largest: float
    """Largest difference of a score or of nats; 0 for texts."""
    plain: tuple[Sample, ...] = ()
    """The plain path's answers; texts among them are shorter than the task's."""

    @property
    def holds(self) -> bool:
        """Tell whether the two ways agree."""
        return not self.differing


def prove(workload: Workload, model: object, dtype: str, clock: Callable[[], float] = time.perf_counter) -> Proof:
    """Answer a few examples by the fast path together and by the plain path one by one, and compare.

    A model without a plain path of its own is asked for the same examples one at a time: what a batch does to it shows.

    Args:
        workload: the task bound to the model.
        model: the loaded model; its `plain` flag is put back as it was.
        dtype: of its weights, which sets the tolerance (`bench.measure.audit`).
        clock: seconds.
    """
    order = chosen(workload)
    with _on_path(model, plain=True):
        asked = _shortened(workload, FEW_TOKENS)
        asked.request(order[:1])(None)  # imports and kernels of a first request
        begun = clock()
        plain = asked.samples(order[:1], asked.request(order[:1])(None))
        is_slow = clock() - begun > BUDGET_S / SLOW
        if not is_slow and isinstance(workload, Generates):
            asked = _shortened(workload, NEW_TOKENS)
            plain = asked.samples(order[:1], asked.request(order[:1])(None))
        least = FEWEST_EXAMPLES if is_slow else LEAST_EXAMPLES
        for index in order[1:]:
            if len(plain) >= least and clock() - begun > BUDGET_S / 2:
                break
            plain += asked.samples([index], asked.request([index])(None))
    with _on_path(model, plain=False):
        ways = [rows for group in _groups(plain) for rows in _together(asked, group, is_slow=is_slow)]
    tolerance = tolerance_of(dtype)
    right = {sample.index: sample for sample in plain}
    pairs = [(right[row.index], row) for rows in ways for row in rows]
    unlike = {one.index for one, other in pairs if not agrees(other, one, tolerance)}
    with _on_path(model, plain=engine_of(model) is not None):
        differing = tuple(sorted(index for index in unlike if not _tied(asked, right[index], tolerance)))
    return Proof(
        len(plain), differing, clock() - begun, max((_distance(*pair) for pair in pairs), default=0.0), tuple(plain)
    )


def _groups(plain: Sequence[Sample]) -> list[list[int]]:
    """Group the examples as batches: all of them, and those that were not cut.

    A prompt that was cut does not begin as the others do, so that what they share would not be run once.
    """
    every, whole = [row.index for row in plain], [row.index for row in plain if not row.truncated]
    return [every, whole] if 1 < len(whole) < len(every) else [every]


def _together(workload: Workload, indices: Sequence[int], *, is_slow: bool) -> Iterator[list[Sample]]:
    """Answer examples together by the model's present path: as a batch, and in rows that are refilled.

    The longest comes last in the batch, so that its first window lies beside the short texts and not its other ones. Of
    a slow model the rows that are refilled are enough: they are a batch of padded rows as well.
    """
    by_length = sorted(indices, key=workload.length)
    refills = isinstance(workload, Generates) and workload.streams
    if not (is_slow and refills):
        yield workload.samples(by_length, workload.request(by_length)(None))
    if isinstance(workload, Generates) and refills:
        answered = workload.stream(indices, ROWS)
        yield [row for index, answer in answered for row in workload.samples([index], [answer])]


@contextmanager
def _on_path(model: object, *, plain: bool) -> Iterator[None]:
    """Put a model on one of its paths, and back to the one that it was on."""
    path = proved_by(model)
    if path is None:
        yield
        return
    before, path.plain = path.plain, plain
    try:
        yield
    finally:
        path.plain = before


def _shortened(workload: Workload, tokens: int) -> Workload:
    return workload.shortened(tokens) if isinstance(workload, Generates) else workload


def chosen(workload: Workload) -> list[int]:
    """Choose the examples to compare: the shortest, the longest, the oddest text, and some of middling length."""
    count = len(workload.examples)
    by_length = sorted(range(count), key=workload.length)
    oddest = max(range(count), key=lambda index: _oddity(workload, index))
    quarters = [by_length[count * part // 4] for part in (3, 2, 1)]
    wanted = [by_length[0], by_length[-1], *quarters, oddest]
    return list(dict.fromkeys(wanted))[:EXAMPLES]


def _oddity(workload: Workload, index: int) -> float:
    """Compute the share of characters beyond ASCII in an example's texts."""
    text = " ".join(value for value in workload.examples[index].columns.values() if isinstance(value, str))
    return sum(ord(character) > 127 for character in text) / max(1, len(text))


def _tied(workload: Workload, plain: Sample, tolerance: float) -> bool:
    """Tell whether two texts may differ by rounding: some token of the plain one leads by less than that."""
    if plain.scores is not None or plain.nll is not None or not isinstance(workload, Generates):
        return False
    return workload.least_margin(plain.index) <= tolerance


def _distance(one: Sample, other: Sample) -> float:
    if one.nll is not None and other.nll is not None:
        return abs(one.nll - other.nll)
    if one.scores is not None and other.scores is not None and len(one.scores) == len(other.scores):
        return max((abs(a - b) for a, b in zip(one.scores, other.scores, strict=True)), default=0.0)
    return 0.0
