from __future__ import annotations

import pytest

from bench.measure.audit import compare
from bench.record import Sample


def text(index: int, said: str | None) -> Sample:
    return Sample(index, str(index), "reference", said)


def label(index: int, *scores: float) -> Sample:
    return Sample(index, str(index), "a", "ab"[scores.index(max(scores))], scores=scores)


def likelihood(index: int, nll: float) -> Sample:
    return Sample(index, str(index), "text", None, nll=nll, scored_tokens=9, scored_bytes=40)


@pytest.mark.parametrize(
    ("timed", "scored", "dtype", "agrees"),
    [
        (text(0, "yes"), text(0, "yes"), "float32", True),
        (text(0, "yes"), text(0, "yes "), "float32", False),
        (text(0, ""), text(0, "yes"), "float32", False),
        (label(0, -0.1, -2.0), label(0, -0.1, -2.0), "float32", True),
        (label(0, -0.1, -2.0), label(0, -0.1004, -2.0), "float32", True),
        (label(0, -0.1, -2.0), label(0, -0.2, -2.0), "float32", False),
        (label(0, -2.0, -0.1), label(0, -0.1, -2.0), "bfloat16", False),
        (label(0, -0.7001, -0.7), label(0, -0.7, -0.7001), "float32", True),
        (label(0, -0.72, -0.7), label(0, -0.7, -0.72), "float32", False),
        (label(0, -0.72, -0.7), label(0, -0.7, -0.72), "torch.bfloat16", True),
        (likelihood(0, 100.05), likelihood(0, 100.0), "float32", True),
        (likelihood(0, 101.0), likelihood(0, 100.0), "float32", False),
        (likelihood(0, 101.0), likelihood(0, 100.0), "float16", True),
        (likelihood(0, float("nan")), likelihood(0, 100.0), "float16", False),
    ],
)
def test_agreement(timed: Sample, scored: Sample, dtype: str, agrees: bool) -> None:
    found = compare([timed], [scored], dtype)
    assert found.compared == 1
    assert found.mismatched == (() if agrees else (0,))


def test_infinite_scores_of_impossible_labels_agree() -> None:
    sample = label(0, 0.0, float("-inf"))
    assert compare([sample], [sample], "float32").mismatched == ()


def test_each_timed_answer_is_compared_and_each_example_named_once() -> None:
    found = compare([text(2, "x"), text(2, "y"), text(1, "b"), text(9, "?")], [text(1, "b"), text(2, "z")], "float32")
    assert (found.compared, found.mismatched) == (3, (2,))
