from __future__ import annotations

import pytest

from bench.decide.constraints import check_all, inapplicable, state_of
from bench.decide.question import parse_limit
from bench.summary import Quantity
from tests.decide.boards import make_board


def _state(value: float, noise: float, text: str = "<= 50 ms") -> str:
    board = make_board([[0.9, value]], noise=(0.0, noise))
    return check_all(board, [parse_limit("latency_p95_s", text)])[0][0].state


def test_feasible_only_when_the_bound_is_inside() -> None:
    assert _state(0.040, 0.005) == "inside"  # upper bound 49.8 ms
    assert _state(0.040, 0.006) == "open"  # 51.8 ms
    assert _state(0.070, 0.005) == "outside"
    assert _state(0.055, 0.005) == "open"
    assert _state(0.050, 0.0) == "inside" and _state(0.050, 0.0, "< 50 ms") == "outside"


def test_slack_and_sentence() -> None:
    board = make_board([[0.9, 0.040]], noise=(0.0, 0.001))
    check = check_all(board, [parse_limit("latency_p95_s", "<= 50 ms")])[0][0]
    assert check.slack == pytest.approx(0.05 - 0.04196)
    assert check.sentence == "p95 latency 40.0 ms (upper bound 42.0 ms) is within <= 50 ms"


def test_share_of_best_is_paired() -> None:
    board = make_board([[0.90, 1.0], [0.88, 1.0], [0.60, 1.0]], noise=(0.001, 0.0))
    states = [row[0].state for row in check_all(board, [parse_limit("accuracy", ">= 95 % of best")])]
    assert states == ["inside", "inside", "outside"]


def test_too_few_observations_settle_nothing() -> None:
    from dataclasses import replace

    board = make_board([[0.9, 0.001]])
    few = Quantity(0.001, None, None, 30, "s", "clock", False, "n too small for an interval: 30 requests, 72 needed")
    board = replace(board, quantities=((board.quantities[0][0], few),))
    check = check_all(board, [parse_limit("latency_p95_s", "<= 50 ms")])[0][0]
    assert check.state == "open" and "72 needed" in check.sentence


def test_missing_readings_and_foreign_metrics() -> None:
    board = make_board([[0.9, float("nan")]])
    limits = [parse_limit("latency_p95_s", "<= 50 ms"), parse_limit("bleu", ">= 30")]
    checks = check_all(board, limits)[0]
    assert [check.state for check in checks] == ["open"] and "no meter" in checks[0].sentence
    assert inapplicable(board, limits) == ["The limit BLEU >= 30 does not apply to 'topic', which has no such metric."]
    assert state_of([]) == "inside"
