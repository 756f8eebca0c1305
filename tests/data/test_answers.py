"""Choices, right choices and right answers, from every format, and what a wrong row says."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from bench.data.source import load, overlap
from bench.errors import DataError
from bench.suite import DataSpec
from bench.tasks import KINDS

QUESTION = {"question": "Which?", "choices": ["a", "b", "3"]}


def rows_of(folder: Path, kind: str, rows: list[dict[str, Any]], **columns: str) -> Any:
    path = folder / "data.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return load(DataSpec(path=path, columns=columns), KINDS[kind].columns, base=Path())


@pytest.mark.parametrize(("answer", "right"), [(1, "b"), ("1", "b"), ("b", "b"), ("B", "b"), ("3", "3"), (2, "3")])
def test_an_answer_is_a_position_a_text_or_a_letter(tmp_path: Path, answer: Any, right: str) -> None:
    data = rows_of(tmp_path, "multiple-choice", [QUESTION | {"answer": answer}])
    assert data.examples[0].columns == QUESTION | {"answer": right}
    assert KINDS["multiple-choice"].columns.shown(data.examples[0]) == "Which?\n(1) a\n(2) b\n(3) 3"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            QUESTION | {"answer": 3},
            r"row 1: 'answer' is 3, and there are 3 choices; .* \(0 to 2\) or its letter \(A to C\)",
        ),
        (QUESTION | {"answer": "none"}, "'answer' is 'none'"),
        (QUESTION | {"answer": True}, "'answer' is True"),
        (QUESTION | {"answer": -1}, "'answer' is -1"),
        ({"question": "?", "choices": "a, b", "answer": 0}, "two or more texts"),
        ({"question": "?", "choices": ["a"], "answer": 0}, "two or more texts"),
        ({"question": "?", "choices": ["a", "a"], "answer": 0}, "the same choice twice"),
        ({"question": "?", "choices": ["a", " "], "answer": 0}, "an empty choice"),
    ],
)
def test_what_is_no_choice_is_said_with_its_row(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows_of(tmp_path, "multiple-choice", [row])


def test_lists_in_csv_and_parquet(tmp_path: Path) -> None:
    import pandas as pd

    with (tmp_path / "data.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([["question", "choices", "answer"], ["Which?", '["a", "b", "3"]', "1"]])
    pd.DataFrame([QUESTION | {"answer": 1}]).to_parquet(tmp_path / "data.parquet")
    found = [
        load(DataSpec(path=tmp_path / name), KINDS["multiple-choice"].columns, base=Path())
        for name in ("data.csv", "data.parquet")
    ]
    assert found[0].hash == found[1].hash
    assert found[0].examples[0].columns["answer"] == "b"


def test_answers_are_a_list_or_one_text_and_the_context_may_be_missing(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"question": "Where?", "context": "It is in Oslo.", "answers": ["Oslo", "in Oslo"]},
        {"question": "When?", "answer": "today"},
        {"question": "Why?", "context": None, "answers": []},
    ]
    data = rows_of(tmp_path, "question-answering", rows)
    assert [example.columns["answers"] for example in data.examples] == [["Oslo", "in Oslo"], ["today"], []]
    assert [example.columns["context"] for example in data.examples] == ["It is in Oslo.", "", ""]
    assert [KINDS["question-answering"].columns.reference_text(example) for example in data.examples] == [
        "Oslo",
        "today",
        "",
    ]
    assert data.notes["empty_references"] == 1
    assert KINDS["question-answering"].columns.shown(data.examples[0]) == "Where?\nIt is in Oslo."


def test_squad_answers_are_reached_by_a_path(tmp_path: Path) -> None:
    row = {"question": "Where?", "context": "c", "answers": {"text": ["Oslo"], "answer_start": [3]}}
    with pytest.raises(DataError, match=r"answers\.text"):
        rows_of(tmp_path, "question-answering", [row])
    data = rows_of(tmp_path, "question-answering", [row], answers="answers.text")
    assert data.examples[0].columns["answers"] == ["Oslo"]


def test_the_same_question_on_another_context_is_no_duplicate_and_no_overlap(tmp_path: Path) -> None:
    first = rows_of(tmp_path, "question-answering", [{"question": "?", "context": c, "answer": "x"} for c in "aab"])
    second = rows_of(tmp_path, "question-answering", [{"question": "?", "context": c, "answer": "y"} for c in "bc"])
    assert first.notes["duplicates"] == 1
    assert overlap(first, second, KINDS["question-answering"].columns) == 1
