"""What tasks make of scores and texts: normalised likelihood, choices, answers, labels that are written."""

from __future__ import annotations

from typing import Any

import pytest

from bench.candidates.interface import Classified, Decoding, Generated
from bench.data.base import Example
from bench.errors import UnsupportedError
from bench.suite import TaskSpec
from bench.tasks import KINDS
from bench.tasks.base import Bound
from bench.tasks.choosing import ability_of, scoring_of, why_not_scored
from bench.tasks.likelihood import scores_of
from bench.tasks.prompts import template_for

DATA: Any = {"path": "x.jsonl"}


class Fixed:
    """Answers what it is told, and keeps what it was asked."""

    device = "cpu"
    abilities = frozenset({"classify", "choose", "generate"})

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    def choose(self, texts: Any, choices: Any) -> Any:
        self.asked.append((texts, choices))
        return self.answers

    def classify(self, texts: Any) -> Any:
        return self.answers

    def generate(self, texts: Any, decoding: Decoding, on_token: Any = None) -> Any:
        self.asked.append(texts)
        return self.answers

    def length(self, text: str) -> int:
        return len(text)


def task(kind: str, **changes: Any) -> TaskSpec:
    return TaskSpec.model_validate({"name": "t", "kind": kind, "data": DATA} | changes, strict=False)


def example(**columns: Any) -> Example:
    return Example(0, "e0", columns, "g")


CHOSEN = Classified((-6.0, -4.0, -5.0), 7, True, (6, 1, 5))
QUESTION = {"question": "Which?", "choices": ["a long one", "b", "c d"], "answer": "b"}


@pytest.mark.parametrize(
    ("scoring", "scores", "prediction"),
    [
        ("likelihood", (-6.0, -4.0, -5.0), "b"),
        ("likelihood-per-token", (-1.0, -4.0, -1.0), "a long one"),
        ("likelihood-per-byte", (-0.6, -4.0, -5 / 3), "a long one"),
    ],
)
def test_multiple_choice_by_each_scoring(scoring: str, scores: Any, prediction: str) -> None:
    model: Any = Fixed(CHOSEN)
    bound = Bound(model, (example(**QUESTION),), (), "Q: {question}\nA:", scoring)
    work = KINDS["multiple-choice"].workload(task("multiple-choice"), bound)
    row = work.samples([0], work.request([0])(None))[0]
    assert model.asked == [(["Q: Which?\nA:"], [("a long one", "b", "c d")])]
    assert row.scores == pytest.approx(scores)
    assert (row.prediction, row.reference, row.truncated, row.group) == (prediction, "b", True, "g")


def test_classification_by_normalised_likelihood_divides_by_what_is_written() -> None:
    model: Any = Fixed(Classified((-6.0, -4.0), 7, False, (3, 1)))
    bound = Bound(model, (example(text="x", label="pos"),), ("pos", "neg"), None, "likelihood-per-byte", ("good", "é"))
    work = KINDS["classification"].workload(task("classification"), bound)
    assert work.samples([0], work.request([0])(None))[0].scores == (-1.5, -2.0)


def test_per_token_without_token_counts_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="per-byte"):
        scores_of(Classified((-1.0,), 1), ("a",), "likelihood-per-token")


def test_question_answering_keeps_every_right_answer_and_no_empty_context() -> None:
    model: Any = Fixed(Generated("Oslo", 3, 1), Generated("", 3, 1))
    examples = (
        example(question="Where?", context="", answers=["Oslo", "in Oslo"]),
        Example(1, "e1", {"question": "When?", "context": "Now.", "answers": []}),
    )
    spec = task("question-answering")
    bound = Bound(model, examples, (), "{context}\nQuestion: {question}\nAnswer:")
    work = KINDS["question-answering"].workload(spec, bound)
    rows = work.samples([0, 1], work.request([0, 1])(None))
    assert model.asked == [["Question: Where?\nAnswer:", "Now.\nQuestion: When?\nAnswer:"]]
    assert [(row.reference, row.answers) for row in rows] == [("Oslo", ("Oslo", "in Oslo")), ("", ())]


def test_a_written_label_is_read_without_case_and_space_and_else_is_wrong() -> None:
    texts = ("  Dark\n Blue.", "good", "purple")
    model: Any = Fixed(*(Generated(text, 1, 1) for text in texts))
    examples = tuple(Example(i, str(i), {"text": "x", "label": "dark blue"}) for i in range(3))
    bound = Bound(model, examples, ("dark blue", "+"), "{text}", "generated", ("dark blue", "good"))
    work = KINDS["classification"].workload(task("classification"), bound)
    rows = work.samples([0, 1, 2], work.request([0, 1, 2])(None))
    assert [row.prediction for row in rows] == ["dark blue", "+", "purple"]
    assert {row.reference for row in rows} == {"dark blue"}


def test_the_scoring_of_each_family_and_what_it_cannot() -> None:
    plain = task("classification")
    found = {f: scoring_of(f, plain) for f in ("encoder", "causal-lm", "seq2seq", "transformer", "baseline")}
    assert found == {
        "encoder": "head",
        "causal-lm": "likelihood",
        "seq2seq": "likelihood",
        "transformer": "head",
        "baseline": "",
    }
    asked = task("classification", scoring="likelihood-per-token")
    assert "per family" in str(why_not_scored("encoder", asked))
    assert why_not_scored("causal-lm", asked) is None and why_not_scored("baseline", asked) is None
    mapped = task("classification", scoring={"causal-lm": "generated"})
    assert why_not_scored("encoder", mapped) is None
    assert ability_of("classification", scoring_of("causal-lm", mapped)) == "generate"


def test_a_question_s_prompt_may_name_its_context() -> None:
    from bench.suite import ModelSpec

    spec = ModelSpec(name="m", family="causal-lm", checkpoint="x")
    assert "{context}" in template_for(spec, task("question-answering"))
    with pytest.raises(Exception, match="did you mean"):
        template_for(spec, task("question-answering", prompt="{contxt}"))


def test_a_label_is_named_by_the_first_line_where_a_model_writes_on() -> None:
    texts = ("dark blue\nText: another\nLabel: red", "\n red.\n\nText:", "rather red\nred", "no\ndark blue")
    model: Any = Fixed(*(Generated(text, 1, 9) for text in texts))
    examples = tuple(Example(i, str(i), {"text": "t", "label": "red"}) for i in range(4))
    work = KINDS["classification"].workload(
        task("classification"),
        Bound(model, examples, ("dark blue", "red"), "{text}", "generated", ("dark blue", "red")),
    )
    rows = work.samples(range(4), model.answers)
    assert [row.prediction for row in rows] == ["dark blue", "red", texts[2], texts[3]]
