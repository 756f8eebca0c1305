from hypothesis import given
from hypothesis import strategies as st

from bench.fit.batches import IGNORED, Encoded, batches, collate


def encoded(sizes: list[int]) -> list[Encoded]:
    return [Encoded(tuple(range(size)), (1, 2), "text") for size in sizes]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=80), st.integers(0, 5))
def test_every_example_once_within_the_budget(sizes: list[int], epoch: int) -> None:
    examples = encoded(sizes)
    cut = list(batches([examples], 100, seed=1, epoch=epoch))
    assert sorted(len(e.source) for batch in cut for e in batch) == sorted(sizes)
    for batch in cut:
        assert len(batch) == 1 or max(e.size for e in batch) * len(batch) <= 100


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    groups = [encoded(list(range(1, 40))), encoded(list(range(1, 30)))]
    assert list(batches(groups, 64, 1, 0)) == list(batches(groups, 64, 1, 0))
    assert list(batches(groups, 64, 1, 0)) != list(batches(groups, 64, 1, 1))


def test_a_causal_batch_by_hand() -> None:
    batch = collate([Encoded((5, 6), (7, 1), "text"), Encoded((5,), (1,), "text")], "causal-lm", 0, "cpu")
    assert batch["source"].tolist() == [[5, 6, 7, 1], [5, 1, 0, 0]]
    assert batch["target"].tolist() == [[5, 6, 7, 1], [5, 1, IGNORED, IGNORED]]
    assert batch["prompt"].tolist() == [2, 1]
