from __future__ import annotations

import pytest

from bench.decision.question import Question, parse_limit, parse_margin, parse_rate, parse_where
from bench.errors import InputError, UsageError
from bench.suite import DecisionSpec, Suite


def test_limits_in_their_units() -> None:
    assert parse_limit("latency_p95_s", "<= 50 ms").value == pytest.approx(0.05)
    assert parse_limit("peak_memory_bytes", "< 2 GiB").value == 2 * 1024**3
    assert parse_limit("energy_per_example_j", "<= 0.5 J").value == 0.5
    assert parse_limit("accuracy", ">= 0.85").value == 0.85
    assert parse_limit("accuracy", ">= 85 %").value == 0.85
    best = parse_limit("bleu", ">= 95 % of best")
    assert best.of_best and best.value == 0.95 and not best.is_upper


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("latency_p95_s", "50 ms", "operator"),
        ("latency_p95_s", "<= 50 GiB", "no unit of this quantity"),
        ("latency_p95_s", "<= 50", "has no unit"),
        ("latncy_p95_s", "<= 50 ms", "did you mean 'latency_p95_s'"),
    ],
)
def test_bad_limits_say_what_to_write(name: str, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_limit(name, text)


@pytest.mark.parametrize(
    ("operator", "inside"), [("<=", (1, 1, 0)), ("<", (1, 0, 0)), (">=", (0, 1, 1)), (">", (0, 0, 1))]
)
def test_operators(operator: str, inside: tuple[int, ...]) -> None:
    limit = parse_limit("accuracy", f"{operator} 0.5")
    assert tuple(int(limit.admits(x)) for x in (0.4, 0.5, 0.6)) == inside


def test_where() -> None:
    limit = parse_where("latency_p95_s <= 50 ms")
    assert (limit.name, limit.operator, limit.value) == ("latency_p95_s", "<=", 0.05)
    assert parse_where("accuracy>=0.9").value == 0.9
    with pytest.raises(UsageError, match="NAME OPERATOR QUANTITY"):
        parse_where("fast please")


def test_margins_and_rates() -> None:
    assert parse_margin("latency_p95_s", "2 %") == (0.02, True)
    assert parse_margin("latency_p95_s", "5 ms") == (0.005, False)
    assert parse_margin("accuracy", "1 %") == (0.01, False)
    assert parse_margin("accuracy", 0.01) == (0.01, False)
    assert parse_rate("latency_p95_s", "20 ms per 0.01") == pytest.approx(0.5)
    for bad in ("20 ms", "0 ms per 0.01"):
        with pytest.raises(InputError):
            parse_rate("latency_p95_s", bad)


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
