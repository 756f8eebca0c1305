"""Answers that count as wrong for the text around them are found, and the line that is shown takes them out."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from bench.doubts.answer_hidden import AnswerHidden
from bench.doubts.base import Evidence
from bench.record import Sample
from bench.suite import AnswerSpec
from bench.suite.answer import answer_in


def doubts_of(pairs: list[tuple[str, str]], metric: str = "accuracy", **more: Any) -> list[AnswerHidden]:
    samples = [Sample(i, str(i), right, written, **more) for i, (written, right) in enumerate(pairs)]
    found = list(AnswerHidden.examine(Evidence(samples=samples, metrics=(metric,))))
    return [doubt for doubt in found if isinstance(doubt, AnswerHidden)]


@pytest.mark.parametrize("written", ["<think>a?</think>\n{}", "**{}**", "“{}”", "The label is: {}", "Answer: **{}**"])
def test_the_line_that_is_shown_takes_the_answers_out(written: str) -> None:
    (doubt,) = doubts_of([(written.format(label), label) for label in ("red", "dark blue")])
    assert doubt.recovered == doubt.rows == 2
    (line,) = re.findall(r"answer: \{.*\}", doubt.remedy)
    part = AnswerSpec.model_validate(yaml.safe_load(line)["answer"])
    assert answer_in(written.format("dark blue"), part).strip() == "dark blue"


def test_reasoning_is_found_under_any_metric() -> None:
    (doubt,) = doubts_of([("<think>so</think> It rained all day.", "Rain.")], "rougeL")
    assert (doubt.reasoned, doubt.recovered, doubt.part) == (1, 0, AnswerSpec(after="</think>"))


@pytest.mark.parametrize(
    ("pairs", "metric"),
    [
        ([("red", "red"), ("blue", "red")], "accuracy"),
        ([('"red"', "red")], "exact_match"),  # which overlooks punctuation anyway
        ([("**red**", "red")], "rougeL"),
        ([("write </think> here", "write </think> here")], "exact_match"),
        ([("red", "red")] * 99 + [("**red**", "red")], "accuracy"),
    ],
)
def test_what_is_right_or_simply_wrong_raises_nothing(pairs: list[tuple[str, str]], metric: str) -> None:
    assert doubts_of(pairs, metric) == []


def test_labels_that_were_chosen_by_scores_are_not_texts() -> None:
    assert doubts_of([("'red'", "red")], scores=(0.0, -1.0)) == []
