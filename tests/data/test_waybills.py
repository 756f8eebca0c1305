"""The generated corpus: pinned, disjoint, balanced, and not to be solved without reading the dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.data import waybills
from bench.errors import DataError

PINNED_BABEL = "2.18.0"
DIGESTS = {
    "train": "2f9ffb5116a40b9f736ce044f15249f46a0c4ba714a7b753c0db3863834304b5",
    "validation": "20c302f59c9d15c7bd0409ffcb8284dfe4d7c6994cc419a579c40cb8db1b87de",
    "test": "f836ce6b30144adb9d40bb22e49518fb70aabffaa5df82b20c09626333e64098",
}


@pytest.mark.parametrize("split", list(DIGESTS))
def test_the_corpus_is_pinned(split: str) -> None:
    assert waybills.digest(split) == DIGESTS[split], (
        f"the corpus changed: pinned with Babel {PINNED_BABEL}, this is {waybills.babel_version()}. "
        "If the change is meant, raise waybills.VERSION, pin the new digests and train the quickstart's "
        "checkpoints again."
    )


def test_splits_are_disjoint_and_have_no_duplicates() -> None:
    texts = [{row["text"] for row in waybills.rows(split)} for split in DIGESTS]
    sizes = [len(waybills.rows(split)) for split in DIGESTS]
    assert [len(part) for part in texts] == sizes
    assert len(set().union(*texts)) == sum(sizes)


def test_six_classes_in_balance() -> None:
    counts = Counter(row["status"] for row in waybills.rows("test"))
    assert len(counts) == 6
    assert min(counts.values()) > 0.1 * sum(counts.values())


def test_notes_have_two_to_five_sentences_and_three_renderings() -> None:
    for row in waybills.rows("validation")[:200]:
        assert all(row[name].strip() for name in ("text", "headline", "german"))
        assert "\n" not in row["headline"]
        assert row["headline"] not in row["text"]
        assert 15 <= len(row["text"].split()) <= 80


def test_words_alone_do_not_give_the_dated_classes() -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    dated = {"on_time", "early", "delayed"}
    rows = {
        split: [row for row in waybills.rows(split)[:4000] if row["status"] in dated] for split in ("train", "test")
    }
    vectors = CountVectorizer(token_pattern=r"[a-zA-Z]+")
    known = vectors.fit_transform(row["text"] for row in rows["train"])
    model = LogisticRegression(max_iter=2000).fit(known, [row["status"] for row in rows["train"]])
    unseen = vectors.transform(row["text"] for row in rows["test"])
    assert model.score(unseen, [row["status"] for row in rows["test"]]) < 0.6


def test_an_unknown_split_names_the_known_ones() -> None:
    with pytest.raises(DataError, match="did you mean 'train'"):
        waybills.rows("trian")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for caches of its own, and a corpus of a few rows that is made anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    row = {"id": "test-00000", "text": "Lost in Łódź.", "status": "lost"}
    monkeypatch.setattr(waybills, "_corpus", lambda: dict.fromkeys(waybills.SIZES, (row,)))
    waybills._split.cache_clear()
    yield waybills.cache_folder()
    waybills._split.cache_clear()


def test_what_was_made_is_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = waybills.rows("test")
    assert sorted(path.name for path in kept.iterdir()) == ["test.json", "train.json", "validation.json"]
    monkeypatch.setattr(waybills, "_corpus", dict)
    waybills._split.cache_clear()
    assert waybills.rows("test") == made


@pytest.mark.parametrize("damage", [b"", b"{}", b"0\n{}", "cut"])
def test_what_is_not_whole_is_made_again(kept: Path, damage: bytes | str) -> None:
    made, path = waybills.rows("test"), kept / "test.json"
    path.write_bytes(path.read_bytes()[:-3] if isinstance(damage, str) else damage)
    waybills._split.cache_clear()
    assert waybills.rows("test") == made


def test_a_home_that_cannot_be_written_to_is_no_obstacle(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert len(waybills.rows("test")) == 1
