from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.decide.across import combine, combine_checks
from bench.decide.constraints import check_all
from bench.decide.question import Question, parse_limit
from bench.suite import DecisionSpec
from tests.decide.boards import make_board

COLUMNS = ("accuracy", "latency_p95_s", "peak_rss_bytes")


def _boards():  # type: ignore[no-untyped-def]
    x = make_board([[0.9, 0.010, 100], [0.45, 0.020, 50]], COLUMNS, task="x")
    y = make_board([[0.3, 0.050, 300], [0.6, 0.010, 70]], COLUMNS, task="y")
    return x, y


def _question(**rule):  # type: ignore[no-untyped-def]
    return Question(("quality", *COLUMNS[1:]), rule=DecisionSpec(**rule), weights={"x": 3.0, "y": 1.0})


def test_weighted_share_of_best_and_worst_or_summed_cost() -> None:
    board = combine(_boards(), _question())
    # a: (3 * 1 + 1 * 0.5) / 4; b: (3 * 0.5 + 1 * 1) / 4
    np.testing.assert_allclose(board.values[:, 0], [0.875, 0.625])
    np.testing.assert_allclose(board.values[:, 1], [0.050, 0.020])
    np.testing.assert_allclose(board.values[:, 2], [300, 70])
    summed = combine(_boards(), _question(cost_across_tasks="sum"))
    np.testing.assert_allclose(summed.values[:, 1], [0.060, 0.030])
    np.testing.assert_allclose(summed.values[:, 2], [300, 70])  # memory is not summed
    assert "averaged with the weights 3 for 'x', 1 for 'y'" in summed.remarks[0]
    np.testing.assert_allclose(board.draws.mean(axis=0), board.values)


def test_lower_is_better_quality_counts_as_best_over_value() -> None:
    x, _ = _boards()
    lower = replace(x, columns=(replace(x.columns[0], name="perplexity", higher_is_better=False), *x.columns[1:]))
    board = combine([lower], _question())
    np.testing.assert_allclose(board.values[:, 0], [0.5, 1.0])


def test_a_model_missing_from_a_task_is_unresolved() -> None:
    x, y = _boards()
    board = combine([x, replace(y, names=("a", "z"))], _question())
    assert board.names == ("a", "b", "z")
    assert board.broken == (None, "it was not run on 'y'", "it was not run on 'x'")


def test_objectives_that_one_task_lacks_are_left_out() -> None:
    x, _ = _boards()
    y = make_board([[0.3, 0.05], [0.6, 0.01]], task="y")
    assert [c.name for c in combine([x, y], _question()).columns] == ["share_of_best", "latency_p95_s"]


def test_the_worst_task_decides_a_limit() -> None:
    boards = _boards()
    limits = [parse_limit("latency_p95_s", "<= 30 ms")]
    checks = combine_checks(boards, [check_all(b, limits) for b in boards], ("a", "b"))
    assert [(c[0].state, c[0].slack) for c in checks] == [
        ("outside", pytest.approx(-0.02)),
        ("inside", pytest.approx(0.01)),
    ]
    assert checks[0][0].sentence.endswith("on 'y'")
