"""The order of the examples, and after how many of them is looked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.racing.looks import next_count
from bench.racing.order import shuffle

IDS = [f"e{i}" for i in range(60)]
ALONE = [None] * 60


def test_the_order_is_a_permutation_that_the_seed_and_the_ids_decide():
    order = shuffle(IDS, ALONE, 7)
    assert sorted(order.positions) == list(range(60)) and order.positions != tuple(range(60))
    assert shuffle(IDS, ALONE, 7) == order
    assert shuffle(IDS, ALONE, 8).positions != order.positions
    assert shuffle([*IDS[:-1], "other"], ALONE, 7).digest != order.digest


@given(st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=1, max_size=40), st.integers(0, 9))
def test_groups_stay_together(groups, seed):
    order = shuffle([str(i) for i in range(len(groups))], groups, seed)
    starts = [0, *order.ends[:-1]]
    units = [order.positions[start:end] for start, end in zip(starts, order.ends, strict=True)]
    for unit in units:
        assert len({groups[place] for place in unit}) == 1
    named = [groups[unit[0]] for unit in units if groups[unit[0]] is not None]
    assert len(named) == len(set(named))


def test_looks_are_a_quarter_apart_and_end_with_the_data():
    order, counts, answered = shuffle([str(i) for i in range(1000)], [None] * 1000, 1), [], 0
    while answered < 1000:
        answered = next_count(order, answered)
        counts.append(answered)
    assert counts[:4] == [40, 50, 63, 79] and counts[-1] == 1000
    assert 1000 - counts[-2] >= 100


def test_a_block_is_worth_the_starts_that_it_needs():
    order = shuffle([str(i) for i in range(1000)], [None] * 1000, 1)
    assert next_count(order, 40, [0.01, 0.01], start_s=0.5) == 90
    assert next_count(order, 40, [0.01, 0.01], start_s=0.0) == 50
    assert next_count(order, 40, [0.0001], start_s=0.5) == 1000


def test_looks_end_with_whole_groups():
    groups = [f"g{i // 7}" for i in range(700)]
    order = shuffle([str(i) for i in range(700)], groups, 1)
    assert next_count(order, 0) == 42
    assert order.units(42) == 6
