"""The quality pass: every example answered once, in batches sorted by length, the rows back in the data's
order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bench.errors import is_out_of_memory
from bench.meters.allocator import release
from bench.record import Part, Sample
from bench.tasks.base import WithLengths, Workload
from bench.tasks.batching import Batching

Answered = tuple[tuple[int, ...], Sequence[Any]]
"""Indices of examples, and their answers."""
WHOLE = Part()


@dataclass(frozen=True, slots=True)
class Scoring:
    """What the quality pass found."""

    samples: list[Sample]
    """One row per example, in the data's order."""
    batching: Batching
    """The limits with which it ended, lower than those it was given where memory ran out."""


def score(workload: Workload, batching: Batching | int, examples: Iterable[int] | None = None) -> Scoring:
    """Score examples, one row each; with `auto` every lack of memory halves the batches that are left.

    Args:
        workload: the task bound to a model.
        batching: limits (or the size) of the batches.
        examples: positions of those to score; by default all.

    Raises:
        Exception: whatever a request raises; a lack of memory too, unless `auto` may still halve.
    """
    limits = Batching(examples=batching) if isinstance(batching, int) else batching
    rows: list[Sample] = []
    with remembering(workload):
        lengths = lengths_of(workload)
        left = set(range(len(lengths)) if examples is None else examples)
        while left:
            failed = None
            for indices, answers in _answered(workload, limits, lengths, list(left)):
                if answers is None:
                    failed = indices
                    break
                rows.extend(workload.samples(indices, answers))
                left.difference_update(indices)
            if failed is not None:
                limits = limits.halved(failed, lengths)
    return Scoring(sorted(rows, key=lambda row: row.index), limits)


def score_part(workload: Workload, limits: Batching, part: Part) -> list[Sample]:
    """Score a part of the batches into which all examples are split, one row for each of their examples.

    Raises:
        Exception: whatever a request raises; a lack of memory too, since smaller batches would be those of no whole.
    """
    rows: list[Sample] = []
    fixed = replace(limits, auto=False)
    with remembering(workload):
        lengths = lengths_of(workload)
        for indices, answers in _answered(workload, fixed, lengths, range(len(lengths)), part):
            assert answers is not None, "only `auto` halves"
            rows.extend(workload.samples(indices, answers))
    return sorted(rows, key=lambda row: row.index)


def fitting(workload: Workload, batching: Batching) -> Batching:
    """Find the limits under which the batch of the longest examples fits into memory; try it only with `auto`.

    Raises:
        Exception: whatever the request raises; a lack of memory for a single example too.
    """
    if not batching.auto:
        return batching
    lengths = lengths_of(workload)
    while batching.auto:
        batch = batching.split(lengths)[0]
        if _attempt(partial(workload.request(batch), None), batching, batch) is not None:
            break
        batching = batching.halved(batch, lengths)
    return batching


def lengths_of(workload: Workload) -> list[int]:
    """Measure the length of every example; a workload that can measure all at once is asked once."""
    if isinstance(workload, WithLengths):
        return workload.lengths()
    return [workload.length(index) for index in range(len(workload.examples))]


@contextmanager
def remembering(workload: Workload, *purpose: str) -> Iterator[None]:
    """Let the model keep token ids between sorting and scoring, or what it was answered; never while anything is timed.

    A request that is timed tokenises, as it would for a user.

    Args:
        workload: of the model.
        purpose: what else than scoring it is asked for, of a model that keeps its answers.
    """
    model = getattr(getattr(workload, "bound", None), "model", None)
    remember: Callable[..., None] | None = getattr(model, "remember", None)
    if remember is None:
        yield
        return
    remember(True, *purpose)
    try:
        yield
    finally:
        remember(False)


def _answered(
    workload: Workload, limits: Batching, lengths: Sequence[int], left: Sequence[int], part: Part = WHOLE
) -> Iterator[tuple[tuple[int, ...], Sequence[Any] | None]]:
    """Answer batch by batch; yield indices with their answers, or with None where memory did not suffice, which ends
    it."""
    stream: Callable[..., Iterator[Any]] | None = getattr(workload, "stream", None)
    if stream is None or not getattr(workload, "streams", False):
        for batch in part.share(limits.split(lengths, left)):
            yield batch, _attempt(partial(workload.request(batch), None), limits, batch)
        return
    for indices, rows in part.share(limits.streams(lengths, left)):
        answers = iter(stream(indices, rows))
        while True:
            answered = _attempt(partial(next, answers, ()), limits, indices[:rows])
            if answered == ():
                break
            if answered is None:
                yield indices[:rows], None
            else:
                yield (answered[0],), [answered[1]]


def _attempt(answer: Callable[[], Any], limits: Batching, batch: Sequence[int]) -> Any:
    """Try `answer` on a batch; return None when memory ran out and a smaller batch may help."""
    try:
        return answer()
    except Exception as error:
        if not (limits.auto and len(batch) > 1 and is_out_of_memory(error)):
            raise
    release()  # outside the handler, which keeps the frames and their tensors alive
    return None
