"""The reference pass: what bench's own path gives is held against the library's plain pass, on the task's own inputs.

The fast path batches, pads, caches, packs continuations into one row and refills rows of a search. Each of these is
right only if a model's positions, masks and cache behave as most models' do. The plain path asks the library for one
example at a time, without padding and without a cache, and is what bench falls back to where the two differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
CHOICES = 3
"""Choices of an example that are scored each by itself; the next example takes the ones that follow."""
SLOW = 12
"""A model is slow when one answer takes more than this part of the budget."""
FEWEST_EXAMPLES = 3
"""At least so many of a slow model."""
AHEAD_TOKENS = 16
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
    replays: bool
    """Whether a plain pass can tell if it would have written what the model wrote."""

    def watch(self, indices: Sequence[int]) -> None:
        """Keep the tokens of these examples' answers from now on."""

    def regret(self, index: int) -> float | None:
        """Measure by how much a plain pass prefers another token to one that was written, in logits; None without one
        that was kept."""

    def shortened(self, max_new_tokens: int) -> Workload:
        """Copy the workload with shorter answers."""

    def stream(self, indices: Sequence[int], rows: int) -> Iterator[tuple[int, Answer]]:
        """Generate answers; yield index and answer of each example as it ends."""

    def least_margin(self, index: int) -> float:
        """Measure by how much the likeliest token leads in the closest step of one answer, in logits."""


@runtime_checkable
class Chooses(Protocol):
    """A workload whose choices are scored each by itself."""

    def scores_alone(self, index: int, places: Sequence[int]) -> tuple[float, ...] | None:
        """Score some of an example's choices; None where the model scores all together."""


@dataclass(frozen=True, slots=True)
class PlainAnswer:
    """What the plain path says to one example."""

    row: Sample
    places: tuple[int, ...] | None = None
    """Places of the choices that were scored; None for all."""

    @property
    def is_number(self) -> bool:
        """Tell whether it is scores or a likelihood, and no text."""
        return bool(self.row.scores) or self.row.nll is not None

    def part_of(self, answer: Sample) -> Sample:
        """Take of another answer to the example what can be compared with this one."""
        if self.places is None or answer.scores is None:
            return answer
        return replace(answer, scores=tuple(answer.scores[place] for place in self.places))


@dataclass(frozen=True, slots=True)
class Asked:
    """The plain path's answers to a few examples."""

    workload: Workload
    """The task as it was asked: with shorter answers, where texts are written."""
    answers: tuple[PlainAnswer, ...]
    is_slow: bool = False
    """Whether the model is a slow one."""
    watched: tuple[int, ...] = ()
    """Examples whose scored texts a plain pass is to read, in place of writing texts of its own."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a reference pass showed."""

    compared: int
    """Examples that were answered both ways."""
    differing: tuple[int, ...]
    """Indices of those whose answers differ by more than rounding."""
    largest: float
    """Largest difference of a score or of nats; 0 for texts."""

    @property
    def holds(self) -> bool:
        """Tell whether the two ways agree."""
        return not self.differing


def ask_plainly(
    workload: Workload,
    model: object,
    batches: Callable[[], Sequence[Sequence[int]]] = tuple,
    *,
    may_wait: bool = True,
    clock: Callable[[], float] = time.perf_counter,
) -> Asked:
    """Answer a few examples by the plain path one by one.

    A model without a plain path of its own is asked for them one at a time: what a batch does to it shows.

    Args:
        workload: the task bound to the model.
        model: the loaded model; its `plain` flag is put back as it was.
        batches: gives the examples as they will be scored together, the longest of each first; called for a slow
            model alone.
        may_wait: whether the scoring's answers of a slow model may be compared with these (`compare_scored`).
        clock: seconds.
    """
    order = chosen(workload)
    with _on_path(model, plain=True):
        first = _slow_answers(workload, order, clock)
        if not first:
            return Asked(whole := _shortened(workload, NEW_TOKENS), _within_budget(whole, order, clock))
        every = list(dict.fromkeys([order[0], *_most_padded(workload, batches()), *order[1:]]))
        order = every[:FEWEST_EXAMPLES]
        if isinstance(workload, Generates):
            if may_wait:
                workload.watch(every)
                return Asked(workload, (), is_slow=True, watched=tuple(every))
            first = []
        short, asked = _shortened(workload, FEW_TOKENS), {answer.row.index for answer in first}
        rest = [index for index in order if index not in asked]
        more = [_answer(short, index, _places(short, index, place)) for place, index in enumerate(rest, 1)]
        return Asked(short, (*first, *more), is_slow=True)


def _slow_answers(workload: Workload, order: Sequence[int], clock: Callable[[], float]) -> list[PlainAnswer]:
    """Ask for two answers, and return them where both took long; the first may import, and make kernels.

    They are two choices of one example, or two examples.
    """
    short, begun = _shortened(workload, 1), clock()
    first = _answer(short, order[0], _places(short, order[0], 0))
    if clock() - begun <= BUDGET_S / SLOW:
        return []
    other, begun = order[0] if first.places else order[min(1, len(order) - 1)], clock()
    second = _answer(short, other, _places(short, other, -1))
    return [first, second] if clock() - begun > BUDGET_S / SLOW else []


def _within_budget(workload: Workload, order: Sequence[int], clock: Callable[[], float]) -> tuple[PlainAnswer, ...]:
    begun, answers = clock(), list[PlainAnswer]()
    for turn, index in enumerate(order):
        if len(answers) >= LEAST_EXAMPLES and clock() - begun > BUDGET_S / 2:
            break
        answers.append(_answer(workload, index, _places(workload, index, turn, CHOICES)))
    return tuple(answers)


def _most_padded(workload: Workload, batches: Sequence[Sequence[int]]) -> list[int]:
    """Find the example with most padding for its length; none where nothing is padded."""
    shares = {index: workload.length(batch[0]) / max(1, workload.length(index)) for batch in batches for index in batch}
    most = max(shares, key=shares.__getitem__, default=None)
    return [] if most is None or shares[most] <= 1 else [most]


def prove(asked: Asked, model: object, dtype: str) -> Proof:
    """Answer the examples of the plain path by the fast path together, and compare.

    Args:
        asked: the plain path's answers.
        model: the loaded model; its `plain` flag is put back as it was.
        dtype: of its weights, which sets the tolerance (`bench.measure.audit`).
    """
    rows = {answer.row.index: answer.row for answer in asked.answers}
    with _on_path(model, plain=False):
        ways = [answers for group in _groups(list(rows.values())) for answers in _together(asked, group)]
    fast = [row for answers in ways for row in answers]
    pairs = [(one.row, one.part_of(row)) for row in fast for one in asked.answers if one.row.index == row.index]
    tolerance = tolerance_of(dtype)
    unlike = {one.index for one, other in pairs if not agrees(other, one, tolerance)}
    if proved_by(model) is None and engine_of(model) is not None:  # it rounds: nothing exact tells what is a tie
        differing = tuple(sorted(unlike))
    else:
        with _on_path(model, plain=engine_of(model) is not None):
            differing = tuple(sorted(index for index in unlike if not _tied(asked.workload, rows[index], tolerance)))
    return Proof(len(rows), differing, max((_distance(*pair) for pair in pairs), default=0.0))


def compare_scored(asked: Asked, model: object, scored: Sequence[Sample], dtype: str) -> Proof | None:
    """Compare the plain path's answers with those of the scoring; a plain pass reads what was written.

    Args:
        asked: the plain path's answers, or which texts to read.
        model: the loaded model; its `plain` flag is put back as it was.
        scored: the scoring's answers.
        dtype: of its weights.

    Returns:
        What it shows; None where not all of the examples were scored.
    """
    by_index, tolerance = {sample.index: sample for sample in scored}, tolerance_of(dtype)
    with _on_path(model, plain=True):
        regrets = _regrets(asked)
    known = {index: regret for index, regret in regrets.items() if regret is not None}
    if len(known) < min(FEWEST_EXAMPLES, len(asked.watched)) or any(
        answer.row.index not in by_index for answer in asked.answers
    ):
        return None
    pairs = [(answer.row, answer.part_of(by_index[answer.row.index])) for answer in asked.answers]
    unlike = {one.index for one, other in pairs if not agrees(other, one, tolerance)}
    unlike |= {index for index, regret in known.items() if not regret <= tolerance}
    largest = max((_distance(*pair) for pair in pairs), default=0.0)
    return Proof(len({one.index for one, _ in pairs}) + len(known), tuple(sorted(unlike)), largest)


def _regrets(asked: Asked) -> dict[int, float | None]:
    """Have a plain pass read what was written to the watched examples: `FEWEST_EXAMPLES`, and more while half of the
    budget lasts. An example to which nothing was written shows nothing, and the next one takes its place."""
    regrets: dict[int, float | None] = {}
    begun, read = time.perf_counter(), 0
    for index in asked.watched:
        if read >= FEWEST_EXAMPLES and time.perf_counter() - begun > BUDGET_S / 2:
            break
        regrets[index] = asked.workload.regret(index) if isinstance(asked.workload, Generates) else None
        read += regrets[index] is not None
    return regrets


def with_texts(asked: Asked, model: object) -> Asked:
    """Have the plain path write the texts that a plain pass was to read, for a model that was not scored."""
    if not asked.watched:
        return asked
    short = _shortened(asked.workload, FEW_TOKENS)
    with _on_path(model, plain=True):
        answers = tuple(_answer(short, index) for index in asked.watched[:FEWEST_EXAMPLES])
    return replace(asked, workload=short, answers=answers, watched=())


def _places(workload: Workload, index: int, turn: int, most: int = 1) -> tuple[int, ...] | None:
    """Choose which of an example's choices are scored, others in each turn: one by a slow model; None for all."""
    choices = workload.examples[index].columns.get("choices")
    count = len(choices) if isinstance(choices, Sequence) else len(workload.labels)
    if not isinstance(workload, Chooses) or count <= most:
        return None
    return tuple(sorted((turn * most + step) % count for step in range(most)))


def _answer(workload: Workload, index: int, places: tuple[int, ...] | None = None) -> PlainAnswer:
    scores = None
    if places is not None and isinstance(workload, Chooses):
        scores = workload.scores_alone(index, places)
    if scores is None:
        return PlainAnswer(workload.samples([index], workload.request([index])(None))[0])
    return PlainAnswer(Sample(index, workload.examples[index].id, "", None, scores=scores), places)


def _groups(plain: Sequence[Sample]) -> list[list[int]]:
    """Group the examples as batches: all of them, and those that were not cut.

    A prompt that was cut does not begin as the others do, so that what they share would not be run once.
    """
    every, whole = [row.index for row in plain], [row.index for row in plain if not row.truncated]
    return [every, whole] if 1 < len(whole) < len(every) else [every]


def _together(asked: Asked, indices: Sequence[int]) -> Iterator[list[Sample]]:
    """Answer examples together by the model's present path: as a batch, and in rows that are refilled.

    The longest comes last in the batch, so that its first window lies beside the short texts and not its other ones. Of
    a slow model the rows that are refilled are enough: they are a batch of padded rows as well.
    """
    workload = asked.workload
    by_length = sorted(indices, key=workload.length)
    refills = isinstance(workload, Generates) and workload.streams
    if not (asked.is_slow and refills):
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
    by_length = sorted(range(count), key=lambda index: len(_text(workload, index)))
    oddest = max(range(count), key=lambda index: _oddity(workload, index))
    quarters = [by_length[count * part // 4] for part in (3, 2, 1)]
    wanted = [by_length[0], by_length[-1], *quarters, oddest]
    return list(dict.fromkeys(wanted))[:EXAMPLES]


def _oddity(workload: Workload, index: int) -> float:
    """Compute the share of characters beyond ASCII in an example's texts."""
    text = _text(workload, index)
    return (len(text) - len(text.encode("ascii", "ignore"))) / max(1, len(text))


def _text(workload: Workload, index: int) -> str:
    """Join an example's texts: to look for short and long ones, they need not be tokenised."""
    values = workload.examples[index].columns.values()
    parts = (part for value in values for part in (value if isinstance(value, (list, tuple)) else (value,)))
    return " ".join(part for part in parts if isinstance(part, str))


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
