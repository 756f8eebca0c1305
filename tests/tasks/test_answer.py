"""Which part of a written answer is scored, and that a regular expression is checked where it is written."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bench.suite import AnswerSpec
from bench.suite.answer import answer_in


@pytest.mark.parametrize(
    ("text", "part", "answer"),
    [
        ("<think>a</think> b </think>\nred", AnswerSpec(after="</think>"), "\nred"),
        ("red", AnswerSpec(after="</think>"), "red"),
        ("The label is: **positive**", AnswerSpec(regex=r"is: (.*)", strip=True), "positive"),
        ("#### 1 or #### 42", AnswerSpec(regex=r"#### (\d+)"), "42"),
        ("no number", AnswerSpec(regex=r"#### (\d+)"), "no number"),
        ("say 4 or 5", AnswerSpec(regex=r"\d"), "5"),
        (" “negative” ", AnswerSpec(strip=True), "negative"),
    ],
)
def test_the_answer_in_a_text(text, part, answer):
    assert answer_in(text, part) == answer


def test_a_wrong_regular_expression_is_refused():
    with pytest.raises(ValidationError, match="no regular expression"):
        AnswerSpec(regex="(")
