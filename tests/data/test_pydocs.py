"""The docstrings of this Python, against `inspect` and against themselves."""

from __future__ import annotations

import asyncio
import email.message
import inspect

import pytest

from bench.data import pydocs
from bench.errors import DataError

ROWS = {(config, split): pydocs.rows(config, split) for config in pydocs.CONFIGS for split in pydocs.SPLITS}


def test_the_parsed_text_is_what_inspect_says() -> None:
    found = {(doc.module, doc.name): doc.text for doc in pydocs.docstrings()}
    assert found["asyncio.tasks", "wait_for"] == inspect.getdoc(asyncio.wait_for)
    assert found["email.message", "Message.get_payload"] == inspect.getdoc(email.message.Message.get_payload)


def test_splits_share_no_text_and_repeat_none() -> None:
    for config in pydocs.CONFIGS:
        column = "document" if config == "summary" else "text"
        texts = [row[column] for split in pydocs.SPLITS for row in ROWS[config, split]]
        assert len(texts) == len(set(texts)) > 500


def test_a_summary_is_the_first_line_of_its_docstring() -> None:
    whole = {f"{doc.module}:{doc.name}" if doc.name else doc.module: doc.text for doc in pydocs.docstrings()}
    for row in ROWS["summary", "test"]:
        text = whole[row["id"]]
        assert text.splitlines()[0].strip() == row["summary"]
        assert text.endswith(row["document"])
        assert not text.splitlines()[1]


def test_eight_to_twelve_packages_each_in_train_and_test() -> None:
    labels = {split: {row["label"] for row in ROWS["package", split]} for split in ("train", "test")}
    assert 8 <= len(labels["train"]) <= 12
    assert labels["test"] == labels["train"]
    assert not labels["train"] & pydocs.SKIPPED


def test_every_packages_name_is_masked_whichever_the_answer() -> None:
    names = {row["label"] for row in ROWS["package", "train"]}
    words = {word.lower() for row in ROWS["package", "train"] for word in row["text"].replace("_", "x").split()}
    assert not names & words
    assert any(pydocs.MASK in row["text"] for row in ROWS["package", "train"])


def test_wrong_names_get_the_nearest() -> None:
    with pytest.raises(DataError, match="did you mean 'summary'"):
        pydocs.rows("sumary", "test")
    with pytest.raises(DataError, match="did you mean 'train'"):
        pydocs.rows("text", "trian")
