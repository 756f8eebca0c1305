from __future__ import annotations

from dataclasses import replace

import pytest

from bench.decision.question import Question
from bench.errors import UsageError
from bench.suite import DecisionSpec, Suite
from bench.suite.limits import parse_limit


def test_from_a_suite_and_asked_otherwise() -> None:
    suite = Suite.model_validate(
        {
            "name": "s",
            "models": [{"name": "floor", "family": "baseline", "strategy": "majority"}],
            "tasks": [{"name": "t", "kind": "classification", "data": {"builtin": "waybills"}, "weight": 2.0}],
            "constraints": {"latency_p95_s": "<= 50 ms", "accuracy": ">= 0.5"},
        }
    )
    question = Question.of(suite)
    assert question.weights == {"t": 2.0} and len(question.limits) == 2
    asked = question.asking(["latency_p95_s <= 10 ms"], prefer="accuracy", rule="lexicographic")
    assert [limit.value for limit in asked.limits] == [0.01, 0.5]
    assert (asked.rule.prefer, asked.rule.rule) == ("accuracy", "lexicographic")
    assert question.rule.prefer is None


def _question(**rule) -> Question:  # type: ignore[no-untyped-def]
    return Question(("quality", "latency_p95_s"), (parse_limit("accuracy", ">= 0.5"),), DecisionSpec(**rule))


def test_a_preference_that_stands_for_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'accuracy'"):
        _question().asking(prefer="acuracy")


def test_rates_of_another_objective_are_refused() -> None:
    question = _question(rule="weighted", rates={"energy_per_example_j": "1 J per 0.01"})
    with pytest.raises(UsageError, match="say what quality is worth, so they cannot weigh latency_p95_s"):
        question.asking(prefer="latency_p95_s")
    assert question.asking(prefer="latency_p95_s", rule="lexicographic").rule.prefer == "latency_p95_s"


def test_two_limits_of_opposite_directions_both_hold() -> None:
    asked = _question().asking(["accuracy <= 0.9", "accuracy >= 0.6"])
    assert [limit.text for limit in asked.limits] == [">= 0.6", "<= 0.9"]


def test_one_limit_may_be_a_plain_string() -> None:
    assert [limit.text for limit in _question().asking("accuracy >= 0.7").limits] == [">= 0.7"]


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("accuracy >= 95", "write '>= 95 %'"),
        ("macro_f1 > 1.5", "write '> 1.5 %'"),
        ("ece <= -0.1", "calibration error is from 0 to 1; write a value"),
        ("quality >= 95", "write '>= 95 %'"),
    ],
)
def test_a_limit_that_no_value_can_have_is_refused(where: str, says: str) -> None:
    question = replace(_question(), firsts=("accuracy",))
    with pytest.raises(UsageError, match=says):
        question.asking(where)


@pytest.mark.parametrize(
    "where", ["accuracy >= 95 %", "accuracy >= 1", "bleu >= 95", "quality >= 95", "mine:score >= 7"]
)
def test_a_limit_that_is_possible_on_a_task_is_taken(where: str) -> None:
    assert len(replace(_question(), firsts=("accuracy", "bleu")).asking(where).limits) >= 1
