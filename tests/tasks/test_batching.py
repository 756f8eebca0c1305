"""Limits of batches: tokens with their padding, halving, streams."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.tasks.batching import Batching

LENGTHS = st.lists(st.integers(0, 300), min_size=1, max_size=60)


@given(LENGTHS, st.integers(1, 1000))
def test_no_batch_is_over_the_budget_and_every_example_is_in_one(lengths: list[int], budget: int) -> None:
    batches = Batching(tokens=budget).split(lengths)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget
    sizes = [lengths[index] for batch in batches for index in batch]
    assert sizes == sorted(lengths, reverse=True)


@given(LENGTHS, st.integers(1, 1000))
def test_a_budget_is_used_up(lengths: list[int], budget: int) -> None:
    batches = Batching(tokens=budget).split(lengths)
    for batch in batches[:-1]:
        assert (len(batch) + 1) * max(lengths[batch[0]], 1) > budget


@given(LENGTHS, st.integers(1, 400))
def test_streams_keep_the_limits_with_their_rows(lengths: list[int], budget: int) -> None:
    streams = Batching(tokens=budget).streams(lengths)
    assert sorted(index for batch, _ in streams for index in batch) == list(range(len(lengths)))
    assert all(rows == 1 or rows * lengths[batch[0]] <= budget for batch, rows in streams)
    assert [rows for _, rows in streams] == sorted(rows for _, rows in streams) or len(streams) > 1


@given(LENGTHS)
def test_halving_ends_after_the_logarithm_of_the_first_batch(lengths: list[int]) -> None:
    limits, steps = Batching.of("auto"), 0
    while len(batch := limits.split(lengths)[0]) > 1:
        limits, steps = limits.halved(batch, lengths), steps + 1
        assert len(limits.split(lengths)[0]) <= len(batch) // 2
    assert steps <= 6


def test_what_a_suite_may_say() -> None:
    assert Batching.of(8) == Batching(examples=8)
    assert Batching.of(None, 512) == Batching(tokens=512)
    assert Batching.of("auto", device="cuda:1").tokens > Batching.of("auto").tokens  # type: ignore[operator]


def test_the_note_tells_the_largest_batch_and_the_padding() -> None:
    note = Batching(examples=2).note([4, 2, 3])
    assert (note["batches"], note["largest_examples"], note["largest_tokens"]) == (2, 2, 8)
    assert note["padding_share"] == 1 - 9 / 10
