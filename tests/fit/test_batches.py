from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bench.candidates.families.causal import CausalLearning
from bench.candidates.learning import IGNORED
from bench.fit.batches import Encoded, Reader, batches, collate, encode
from tests.fit.jobs import make_job


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
    batch = collate([Encoded((5, 6), (7, 1), "text"), Encoded((5,), (1,), "text")], CausalLearning(), 0, "cpu")
    assert batch["source"].tolist() == [[5, 6, 7, 1], [5, 1, 0, 0]]
    assert batch["target"].tolist() == [[5, 6, 7, 1], [5, 1, IGNORED, IGNORED]]
    assert batch["prompt"].tolist() == [2, 1]


class Letters:
    """A token for each character."""

    chat_template: str | None = None

    def __call__(self, texts: list[str], **_: Any) -> dict[str, list[list[int]]]:
        return {"input_ids": [[ord(letter) for letter in text] for text in texts]}

    def apply_chat_template(self, messages: list[dict[str, str]], **_: Any) -> str:
        return f"<{messages[0]['content']}>"


def read(row: Encoded) -> tuple[str, str]:
    source, target = ("".join(map(chr, ids)) for ids in (row.source, row.target))
    return source, target


def test_a_language_model_learns_long_texts_in_pieces_that_leave_nothing_out() -> None:
    job = make_job("causal-lm", Path("none"), ("language-modelling",), max_source_tokens=8)
    rows = encode(job, job.tasks[0], job.tasks[0].train, Reader(Letters(), 1, 2, room=6))
    assert max(len(row.source) + len(row.target) for row in rows) == 6
    assert all(row.source == (1,) and not row.cut for row in rows)
    texts = [str(example.columns["text"]) for example in job.tasks[0].train.examples]
    assert "".join(read(row)[1] for row in rows) == "".join(texts)


def test_what_is_longer_than_the_model_is_cut_and_marked() -> None:
    job = make_job("causal-lm", Path("none"), ("translation",))
    rows = encode(job, job.tasks[0], job.tasks[0].train, Reader(Letters(), 1, 2, room=24))
    assert all(len(row.source) + len(row.target) <= 24 for row in rows)
    assert read(rows[0]) == (" is red", " Kiste 0 ist rot\x02") and rows[0].cut
    free = encode(job, job.tasks[0], job.tasks[0].train, Reader(Letters(), 1, 2))
    assert read(free[0])[0] == "german: box 0 is red" and not free[0].cut


def test_training_uses_the_chat_template_that_scoring_will_use() -> None:
    job = make_job("causal-lm", Path("none"), ("translation",))
    chatty = Letters()
    chatty.chat_template = "yes"
    assert read(encode(job, job.tasks[0], job.tasks[0].train, Reader(chatty))[0])[0] == "german: box 0 is red"
    asked = replace(job, model=job.model.model_copy(update={"chat_template": True}))
    assert read(encode(asked, asked.tasks[0], asked.tasks[0].train, Reader(chatty))[0])[0] == "<german: box 0 is red>"
