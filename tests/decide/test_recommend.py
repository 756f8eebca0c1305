from __future__ import annotations

from dataclasses import replace

import pytest

from bench.decide.case import Recommendation
from bench.decide.constraints import check_all
from bench.decide.fronts import find
from bench.decide.question import Question, parse_limit
from bench.decide.recommend import recommend
from bench.suite import DecisionSpec
from tests.decide.boards import make_board

VALUES = [[0.90, 0.060], [0.85, 0.030], [0.70, 0.005]]


def _ask(board, *limits, **spec) -> Recommendation:  # type: ignore[no-untyped-def]
    question = Question(("quality", "latency_p95_s"), tuple(parse_limit(*x) for x in limits), DecisionSpec(**spec))
    return recommend(board, find(board, check_all(board, question.limits)), question)


def test_a_pick_names_everything() -> None:
    found = _ask(make_board(VALUES, noise=(0.005, 0.001)), ("latency_p95_s", "<= 50 ms"))
    assert (found.pick, found.runner_up, found.confidence) == ("b", "c", 1.0)
    assert found.price == "15.0 points lower accuracy and 25.0 ms lower p95 latency"
    assert [b.instead for b in found.binding] == ["a"]
    assert found.binding[0].slack == pytest.approx(0.05 - 0.03 - 0.00196)
    assert "p95 latency 60.0 ms breaks <= 50 ms by 10.0" in found.excluded["a"]
    text = " ".join(found.sentences)
    assert text.startswith("Ship b for 'topic': accuracy 0.850 and p95 latency 30.0 ms.")
    assert "without it the rule would choose a" in text and "inside it by 18.0 ms" in text


def test_it_abstains_and_says_what_would_settle_it() -> None:
    found = _ask(make_board([[0.900, 0.02], [0.899, 0.01]], noise=(0.01, 0.0001), n=400))
    assert found.pick is None and found.leader == "a"
    assert (found.confidence or 1) < 0.8 and sum(found.shares.values()) == pytest.approx(1)
    step = found.next_step
    assert step is not None and step.unit == "examples" and step.column == "accuracy"
    # n' = n ((z(0.8) + z(0.8)) * sd / gap)^2 with sd = 0.01 * sqrt(2), gap = 0.001
    assert step.more == pytest.approx(400 * (2 * 0.8416 * 0.014142 / 0.001) ** 2, rel=0.15)
    assert step.seconds == pytest.approx(step.more * 0.02)
    assert "No pick for 'topic'" in found.sentences[0] and "would settle it" in " ".join(found.sentences)


def test_a_perfect_tie_needs_no_measurement() -> None:
    found = _ask(make_board([[0.9, 0.01], [0.9, 0.01]]))
    assert (found.pick, found.confidence, found.runner_up) == ("a", 1.0, "b")
    assert "the same value in every objective" in " ".join(found.sentences)


OPEN = ("latency_p95_s", "<= 50 ms")


def test_it_abstains_while_a_better_model_may_be_feasible() -> None:
    found = _ask(make_board([[0.95, 0.045], [0.85, 0.030]], noise=(0.001, 0.004), replicates=4000), OPEN)
    assert found.pick is None and found.leader == "b"
    # a is picked in the replicates in which its latency is within the limit: P(z < 5 / 4)
    assert found.shares["a"] == pytest.approx(0.8944, abs=0.02) and found.confidence == pytest.approx(
        1 - found.shares["a"]
    )
    assert found.next_step is not None and found.next_step.models == ("a",)
    # 7.84 ms must shrink to 5 ms, 4 times in 5: 100 * (7.84 / 5 * 2.80 / 1.96)^2 = 503 requests in all
    assert found.next_step.more == 503 - 100
    text = " ".join(found.sentences)
    assert text.startswith("No pick for 'topic': a better model may meet the limits")
    assert "b is the best, with accuracy 0.850" in text and "the safe choice if this cannot wait" in text
    assert "Warning: a would be picked instead if it were shown to meet its limits (10.0 points higher" in text
    assert "The cheapest measurement that would settle it: 403 more requests of a" in text


def test_a_better_model_that_hardly_can_be_feasible_is_a_warning() -> None:
    found = _ask(make_board([[0.95, 0.056], [0.85, 0.030]], noise=(0.001, 0.004)), OPEN)
    assert found.pick == "b" and 0.8 < (found.confidence or 0) < 1
    assert found.warnings[0].startswith("Warning: a would be picked instead")
    assert "The cheapest measurement that would tell whether it does:" in " ".join(found.sentences)


def test_a_worse_model_whose_limit_is_open_changes_nothing() -> None:
    found = _ask(make_board([[0.85, 0.045], [0.95, 0.030]], noise=(0.001, 0.004)), OPEN)
    assert (found.pick, found.confidence, found.warnings, found.next_step) == ("b", 1.0, (), None)


def test_too_few_requests_for_an_interval_make_it_abstain() -> None:
    board = make_board([[0.95, 0.045], [0.85, 0.030]], noise=(0.001, 0.002), n=60)
    short = replace(
        board.quantities[0][1], ci_low=None, ci_high=None, reason="n too small for an interval: 60 requests"
    )
    board = replace(board, quantities=((board.quantities[0][0], short), board.quantities[1]))
    found = _ask(board, OPEN)
    assert found.pick is None and found.leader == "b" and found.next_step is not None
    assert found.next_step.more == 72 - 60 and "but n too small" in " ".join(found.warnings)


def test_a_better_model_without_a_limited_reading_is_a_warning_with_what_to_measure() -> None:
    nan = float("nan")
    board = make_board([[0.95, 0.01, nan], [0.85, 0.03, 1.0]], ("accuracy", "latency_p95_s", "energy_per_example_j"),
                       objectives=2)  # fmt: skip
    found = _ask(board, ("energy_per_example_j", "<= 2 J"))
    assert found.pick == "b" and "energy per example is not known (no meter)" in found.warnings[0]
    assert found.next_step is not None and "energy per example of a (missing: no meter)" in found.next_step.sentence


def test_a_better_model_without_an_objective_is_a_warning() -> None:
    found = _ask(make_board([[0.95, float("nan")], [0.85, 0.03]]))
    assert found.pick == "b"
    assert found.warnings == (
        "Warning: a is better in accuracy, but it cannot be compared: latency_p95_s is missing: no meter. "
        "Measure that, or leave it out of the objectives.",
    )
    assert _ask(make_board([[0.75, float("nan")], [0.85, 0.03]])).warnings == ()


def test_a_baseline_as_the_pick_is_a_warning() -> None:
    board = replace(make_board([[0.9, 0.01], [0.8, 0.02]]), baselines=(True, False))
    assert "Warning: a is a baseline, the floor" in _ask(board).sentences[1]
    assert _ask(replace(board, baselines=(False, True))).warnings == ()


def test_slack_says_from_where_it_is_counted() -> None:
    wide = _ask(make_board([[0.9, 0.03]], noise=(0.005, 0.001)), OPEN, ("accuracy", ">= 0.5"))
    assert "18.0 ms to spare, counted from the upper end of its 95 % interval" in " ".join(wide.sentences)
    bare = _ask(make_board([[0.9, 0.03]]), OPEN)
    assert "20.0 ms to spare, counted from the reading itself, which has no interval" in " ".join(bare.sentences)


def test_nobody_feasible_names_the_nearest() -> None:
    found = _ask(make_board(VALUES), ("latency_p95_s", "<= 4 ms"), ("accuracy", ">= 0.6"))
    assert found.pick is None and found.leader is None and found.shares == {}
    assert found.sentences[0] == "No pick for 'topic': no model is shown to meet every limit."
    assert found.sentences[1].startswith("Nearest is c: p95 latency 5.00 ms breaks <= 4 ms by 1.00 ms")
    assert set(found.excluded) == {"a", "b", "c"}


def test_open_limits_alone_tell_what_to_measure() -> None:
    found = _ask(make_board([[0.95, 0.045]], noise=(0.001, 0.004)), ("latency_p95_s", "<= 50 ms"))
    assert found.pick is None and found.next_step is not None
    assert "To settle whether it meets them: 403 more requests of a" in " ".join(found.sentences)


def test_no_objective_and_one_model() -> None:
    nan = float("nan")
    assert "no model has every objective" in _ask(make_board([[0.9, nan]])).sentences[0]
    assert "none of the objectives was measured" in _ask(make_board([[0.9, 0.1]], objectives=0)).sentences[0]
    single = _ask(make_board([[0.9, 0.1]]))
    assert single.pick == "a" and "only model that is eligible" in single.sentences[0]


def test_knee_is_the_balanced_member() -> None:
    found = _ask(make_board([[0.90, 0.100], [0.88, 0.020], [0.50, 0.010]]))
    assert found.knee == "b" and found.pick == "a"
    assert "Remark: the front's knee" in " ".join(found.sentences)
