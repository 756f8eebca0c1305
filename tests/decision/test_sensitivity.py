from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bench.decision import sensitivity, stages
from bench.decision.board import Board
from bench.decision.constraints import check_all
from bench.decision.fronts import find
from bench.decision.question import Question
from bench.decision.recommend import recommend
from bench.suite import DecisionSpec
from bench.suite.limits import Limit, parse_limit
from tests.decision.boards import make_board


def _solve(board: Board, question: Question) -> str | None:
    return recommend(board, find(board, check_all(board, question.limits)), question).leader


def _points(board: Board, question: Question, limit: Limit) -> list[sensitivity.BreakPoint]:
    front = find(board, check_all(board, question.limits))
    return sensitivity.break_points(board, front, stages.of_rule(board, question.rule), limit)


def _claimed(points: list[sensitivity.BreakPoint], at: float, operator: str) -> str | None:
    """Returns the pick that the break points claim for a value of the limit: at one itself, as `<=` admits it."""
    passed = [point for point in points if point.at < at or (point.at == at and operator == "<=")]
    return passed[-1].above if passed else points[0].below


SPECS = (
    DecisionSpec(replicates=200),
    DecisionSpec(rule="cheapest-within-epsilon", epsilon=0.05),
    DecisionSpec(rule="weighted", rates={"latency_p95_s": "20 ms per 0.05"}),
)
TEXTS = (
    ("latency_p95_s", "<= 50 ms"),
    ("accuracy", ">= 0.7"),
    ("accuracy", ">= 80 % of best"),
    ("latency_p95_s", "< 60 ms"),
)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(5))
def test_break_points_agree_with_solving_again_on_500_instances(block: int) -> None:
    for seed in range(100 * block, 100 * (block + 1)):
        rng = np.random.default_rng(seed)
        models = int(rng.integers(1, 7))
        values = np.column_stack([rng.integers(50, 100, models) / 100, rng.integers(5, 100, models) / 1000])
        board = make_board(values.tolist(), noise=(0.0, 0.002 * (seed % 2)), replicates=30)
        limits = tuple(parse_limit(*TEXTS[i]) for i in rng.permutation(4)[:2] if i != 3 or seed % 3)
        question = Question(("quality", "latency_p95_s"), limits, SPECS[seed % 3])
        for limit in limits:
            _agree(board, question, limit)


def _agree(board: Board, question: Question, limit: Limit) -> None:
    points = _points(board, question, limit)
    ends = sorted({b for row in check_all(board, [limit]) for c in row if (b := c.bound) is not None})
    between = [(a + b) / 2 for a, b in pairwise(ends)]
    for at in [ends[0] - 0.01, *ends, *between, ends[-1] + 0.01]:
        others = tuple(replace(x, value=at) if x == limit else x for x in question.limits)
        solved = _solve(board, replace(question, limits=others))
        if points:
            assert _claimed(points, at, limit.operator) == solved
        else:
            assert solved == _solve(board, question)


def test_break_points_by_hand() -> None:
    board = make_board([[0.9, 0.06], [0.8, 0.03], [0.7, 0.04]])
    question = Question(("quality", "latency_p95_s"), (parse_limit("latency_p95_s", "<= 50 ms"),))
    found = _points(board, question, question.limits[0])
    assert [(p.at, p.below, p.above) for p in found] == [(0.03, None, "b"), (0.06, "b", "a")]
    assert all(p.at_is_above for p in found)
    board = make_board([[0.9, 30.0], [0.8, 60.0]], ("accuracy", "throughput_examples_per_s"))
    limit = parse_limit("throughput_examples_per_s", ">= 20 /s")
    found = _points(board, Question(("quality", "throughput_examples_per_s"), (limit,)), limit)
    assert [(p.at, p.below, p.above) for p in found] == [(30.0, "a", "b"), (60.0, "b", None)]
    assert not any(p.at_is_above for p in found)


def test_leaving_an_objective_out() -> None:
    board = make_board([[0.9, 0.06], [0.8, 0.03], [0.7, 0.04]])
    question = Question(("quality", "latency_p95_s"))
    found = sensitivity.leave_out(board, find(board, check_all(board, ())), question)
    assert [(f.objective, f.lost, f.pick, f.changes) for f in found] == [
        ("accuracy", ("a",), "b", True),
        ("latency_p95_s", ("b",), "a", True),
    ]
    assert {f.usual for f in found} == {"a"}


def test_smaa_of_two_models_that_trade_places() -> None:
    # Scaled utilities are w against 1 - w with w uniform: each is first half of the time.
    board = make_board([[0.9, 0.06], [0.8, 0.03]], replicates=4000)
    shares = sensitivity.smaa(board, [0, 1], Question(("quality", "latency_p95_s")))
    assert shares["a"][0] == pytest.approx(0.5, abs=0.03) and sum(shares["a"]) == pytest.approx(1)
    dominated = make_board([[0.9, 0.03], [0.8, 0.06]], replicates=100)
    assert sensitivity.smaa(dominated, [0, 1], Question(("quality",)))["a"] == (1.0, 0.0)
    assert sensitivity.smaa(board, [], Question(("quality",))) == {}


def test_leaving_out_the_preferred_objective_mixes_no_units() -> None:
    # By the rates 20 ms weigh as much as 1 J: 30 ms are 1.5 J, and b saves 2 J.
    columns = ("accuracy", "latency_p95_s", "energy_per_example_j")
    board = make_board([[0.9, 0.010, 3.0], [0.8, 0.040, 1.0]], columns)
    rates = {"latency_p95_s": "20 ms per 0.01", "energy_per_example_j": "1 J per 0.01"}
    question = Question(("quality", *columns[1:]), rule=DecisionSpec(rule="weighted", rates=rates))
    found = sensitivity.leave_out(board, find(board, check_all(board, ())), question)
    assert found[0].objective == "accuracy" and found[0].pick == "b"
    slower = make_board([[0.9, 0.010, 3.0], [0.8, 0.070, 1.0]], columns)  # 60 ms are worth 3 J
    found = sensitivity.leave_out(slower, find(slower, check_all(slower, ())), question)
    assert found[0].pick == "a"


def test_what_may_be_given_up_of_an_objective_left_out_is_nothing() -> None:
    # 0.01 of accuracy is no 10 ms of latency.
    board = make_board([[0.9, 0.015, 1.0], [0.8, 0.012, 2.0]], ("accuracy", "latency_p95_s", "energy_per_example_j"))
    question = Question(("quality", "latency_p95_s"), rule=DecisionSpec(rule="cheapest-within-epsilon"))
    found = sensitivity.leave_out(board, find(board, check_all(board, ())), question)
    assert found[0].pick == "b"
