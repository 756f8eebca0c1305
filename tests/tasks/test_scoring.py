"""The quality pass: order, budgets, what happens when memory runs out, and that nothing is tokenised twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.candidates.interface import Classified
from bench.data.base import Example
from bench.record import Part, Sample
from bench.suite import DataSpec, TaskSpec
from bench.tasks import KINDS
from bench.tasks.base import Bound
from bench.tasks.batching import Batching
from bench.tasks.scoring import fitting, score, score_part
from tests.checkpoints import LABELS, TEXTS, load, make_checkpoint

REFUSALS: tuple[Exception, ...] = (
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
)


class Tight:
    """Examples of given lengths, and memory for so many padded tokens."""

    labels = ("a", "b")
    generates = False

    def __init__(self, lengths: Sequence[int], room: int, refusal: Exception | None = None) -> None:
        self.lengths, self.room, self.refusal = lengths, room, refusal or MemoryError()
        self.asked: list[tuple[int, ...]] = []

    @property
    def examples(self) -> list[Example]:
        return [Example(index, str(index), {}) for index in range(len(self.lengths))]

    def length(self, index: int) -> int:
        return self.lengths[index]

    def request(self, indices: Sequence[int]) -> Any:
        def call(on_token: Any) -> list[Classified]:
            self.asked.append(tuple(indices))
            if len(indices) * max(self.lengths[index] for index in indices) > self.room:
                raise self.refusal
            return [Classified((float(index), 0.0), self.lengths[index]) for index in indices]

        return call

    def samples(self, indices: Sequence[int], answers: Sequence[Any]) -> list[Sample]:
        return [Sample(i, str(i), "a", "a", scores=a.scores) for i, a in zip(indices, answers, strict=True)]


class TightStream(Tight):
    """The same, answered one by one; memory runs out when `rows` examples at the longest are too many."""

    streams = True

    def stream(self, indices: Sequence[int], rows: int) -> Iterator[tuple[int, Classified]]:
        for place, index in enumerate(indices):
            if place == 3 and rows * self.lengths[indices[0]] > self.room:
                raise self.refusal
            self.asked.append((index,))
            yield index, Classified((float(index), 0.0), 1)


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("kind", [Tight, TightStream])
def test_auto_halves_until_it_fits_and_answers_everything_once(kind: type[Tight], refusal: Exception) -> None:
    lengths = [(7 * index) % 40 + 1 for index in range(100)]
    workload = kind(lengths, 500, refusal)
    found = score(workload, Batching.of("auto"))
    assert [row.scores for row in found.samples] == [(float(index), 0.0) for index in range(100)]
    assert found.batching.examples == 8 and found.batching.tokens <= 320
    answered = [batch for batch in workload.asked if len(batch) * max(lengths[i] for i in batch) <= 500]
    assert sorted(index for batch in answered for index in batch) == list(range(100))


@pytest.mark.parametrize("limits", [Batching(examples=64), Batching(tokens=4096)])
def test_a_size_that_was_asked_for_is_never_changed(limits: Batching) -> None:
    workload = Tight([40] * 100, 500)
    with pytest.raises(MemoryError):
        score(workload, limits)
    assert len(workload.asked) == 1


def test_a_single_example_that_does_not_fit_ends_the_search() -> None:
    workload = Tight([40] * 64, 30)
    with pytest.raises(MemoryError):
        score(workload, Batching.of("auto"))
    assert [len(batch) for batch in workload.asked] == [64, 32, 16, 8, 4, 2, 1]


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    workload = Tight([40] * 64, 30, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        score(workload, Batching.of("auto"))
    assert len(workload.asked) == 1


def test_fitting_tries_the_longest_batch_only_with_auto() -> None:
    workload = Tight([40] * 20 + [1] * 20, 200)
    assert fitting(workload, Batching(examples=10)) == Batching(examples=10)
    assert workload.asked == []
    assert fitting(workload, Batching.of("auto")).tokens == 200
    assert len(workload.asked[-1]) == 5


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("scoring")
    return {family: make_checkpoint(family, folder) for family in ("causal-lm", "encoder", "seq2seq", "transformer")}


def workload_of(family: str, folder: Path, kind: str, **task: Any) -> Any:
    columns = {
        "classification": ("text", "label"),
        "translation": ("source", "target"),
        "language-modelling": ("text",),
    }
    words = " ".join(TEXTS).split()
    texts = [" ".join(words[start : start + 1 + start % 9]) for start in range(20)]
    examples = tuple(
        Example(index, str(index), dict(zip(columns[kind], (text, LABELS[index % 3]), strict=False)))
        for index, text in enumerate(texts)
    )
    spec = TaskSpec(name="t", kind=kind, data=DataSpec(builtin="waybills"), **task)
    model = load(family, folder, kind)
    return KINDS[kind].workload(spec, Bound(model, examples, LABELS if kind == "classification" else (), None))


@pytest.mark.parametrize(
    ("family", "kind"),
    [(family, "classification") for family in ("causal-lm", "encoder", "seq2seq", "transformer")]
    + [(family, "translation") for family in ("causal-lm", "seq2seq", "transformer")]
    + [("causal-lm", "language-modelling")],
)
def test_a_token_budget_gives_what_single_examples_give(family: str, kind: str, checkpoints: dict[str, Path]) -> None:
    workload = workload_of(family, checkpoints[family], kind, max_new_tokens=10)
    alone = score(workload, 1).samples
    for limits in (Batching(tokens=64), Batching.of("auto"), Batching(examples=7)):
        together = score(workload, limits).samples
        assert [row.index for row in together] == list(range(20))
        parts = [row for number in range(3) for row in score_part(workload, limits, Part(number, 3))]
        assert sorted(parts, key=lambda row: row.index) == together, "bit for bit"
        for one, other in zip(alone, together, strict=True):
            assert other.prediction == one.prediction
            assert (other.input_tokens, other.output_tokens) == (one.input_tokens, one.output_tokens)
            assert other.scores == (None if one.scores is None else pytest.approx(one.scores, abs=1e-4))
            assert other.nll == (None if one.nll is None else pytest.approx(one.nll, rel=1e-5))


@pytest.mark.parametrize("family", ["causal-lm", "encoder", "seq2seq", "transformer"])
def test_scoring_tokenises_each_text_once_and_timing_every_time(family: str, checkpoints: dict[str, Path]) -> None:
    workload = workload_of(family, checkpoints[family], "classification")
    model, seen = workload.bound.model, []
    tokenizer = model.tokenizer

    class Spy:
        def __call__(self, texts: Any, **options: Any) -> Any:
            seen.extend([texts] if isinstance(texts, str) else texts)
            return tokenizer(texts, **options)

        def __getattr__(self, name: str) -> Any:
            return getattr(tokenizer, name)

    model.tokenizer = Spy()
    score(workload, 4)
    assert len(seen) == len(set(seen)) <= 20 + len(LABELS)
    text = workload._prompts[3]
    for _ in range(2):
        workload.request([3])(None)
    assert seen.count(text) == 3
