from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.decision.across import combine, combine_checks
from bench.decision.board import Absence, Missing
from bench.decision.constraints import check_all
from bench.decision.fronts import find
from bench.decision.question import Question
from bench.decision.recommend import recommend
from bench.decision.remarks import CostLeftOut, CostsCombined, NoShares, QualityAveraged
from bench.stats.bootstrap import robust_variance
from bench.suite import DecisionSpec
from bench.suite.limits import parse_limit
from tests.decision.boards import make_board

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
    assert summed.remarks == (
        QualityAveraged((("x", 3.0), ("y", 1.0))),
        CostsCombined(("latency_p95_s",), summed=True),
        CostsCombined(("peak_rss_bytes",), summed=False),
    )
    assert board.remarks[1:] == (CostsCombined(COLUMNS[1:], summed=False),)
    np.testing.assert_allclose(board.draws.mean(axis=0), board.values)


def test_lower_is_better_quality_counts_as_best_over_value() -> None:
    x, _ = _boards()
    lower = replace(x, columns=(replace(x.columns[0], name="perplexity", higher_is_better=False), *x.columns[1:]))
    board = combine([lower], _question())
    np.testing.assert_allclose(board.values[:, 0], [0.5, 1.0])


def test_a_task_on_which_nobody_scores_above_0_says_nothing_of_the_average() -> None:
    x, _ = _boards()
    nothing = make_board([[0.0, 0.010, 100], [0.0, 0.020, 50]], COLUMNS, task="y")
    board = combine([x, nothing], _question())
    np.testing.assert_allclose(board.values[:, 0], [1.0, 0.5])
    assert board.remarks[:2] == (QualityAveraged((("x", 3.0),)), NoShares("y", "accuracy"))
    alone = combine([nothing], _question())
    assert "share_of_best" not in [column.name for column in alone.columns]
    assert alone.remarks[0] == NoShares("y", "accuracy")


def test_an_error_of_0_in_a_resample_is_no_infinite_share() -> None:
    column = replace(make_board([[1.0]], ("accuracy",)).columns[0], name="mae", higher_is_better=False)
    board = replace(make_board([[0.1], [0.2]], ("accuracy",), task="x"), columns=(column,))
    board.draws[0] = 0.0
    combined = combine([board], _question())
    assert np.isfinite(combined.draws).all()


def test_a_model_missing_from_a_task_is_unresolved() -> None:
    x, y = _boards()
    board = combine([x, replace(y, names=("a", "z"))], _question())
    assert board.names == ("a", "b", "z")
    assert board.broken == (None, Missing(Absence.NOT_RUN, "y"), Missing(Absence.NOT_RUN, "x"))


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
    assert checks[0][0].task == "y"


def test_an_abstention_across_tasks_names_the_cheapest_measurement() -> None:
    x = make_board([[0.900, 0.01], [0.897, 0.01]], noise=(0.01, 0.0), task="x", n=400)
    y = make_board([[0.700, 0.01], [0.700, 0.01]], noise=(0.01, 0.0), task="y", n=100)
    y = replace(y, seconds=np.full(2, 5.0))  # as uncertain, and 500 times dearer an example
    question = Question(("quality", "latency_p95_s"), rule=DecisionSpec(replicates=500))
    board = combine([x, y], question)
    found = recommend(board, find(board, combine_checks([x, y], [((), ()), ((), ())], board.names)), question)
    assert not found.outcome.is_settled and found.next_step is not None
    more = {part.task: part.more for part in found.next_step.parts}
    assert more["x"] > 10 * more.get("y", 0) > 0
    x_part = next(part for part in found.next_step.parts if part.task == "x")
    assert (x_part.unit, x_part.models, x_part.column) == ("examples", ("a", "b"), "accuracy")
    assert found.next_step.seconds == pytest.approx(sum(part.seconds or 0 for part in found.next_step.parts))
    # Both together bring the variance of the difference to what 80 % confidence 4 times in 5 needs.
    gap = board.values[0, 0] - board.values[1, 0]
    left = 0.0
    for part in board.parts:
        if part.column == 0:
            n = {"x": 400, "y": 100}[part.board.task]
            gaps = part.draws[:, 0] - part.draws[:, 1]
            left += robust_variance(gaps) * n / (n + more.get(part.board.task, 0))
    assert left == pytest.approx((gap / (2 * 0.8416)) ** 2, rel=0.01)


def test_an_open_limit_across_tasks_names_the_task_to_measure() -> None:
    x = make_board([[0.95, 0.045], [0.85, 0.030]], noise=(0.001, 0.004), task="x", n=50)
    y = make_board([[0.95, 0.020], [0.85, 0.020]], noise=(0.001, 0.001), task="y", n=400)
    limits = (parse_limit("latency_p95_s", "<= 50 ms"),)
    question = Question(("quality", "latency_p95_s"), limits, DecisionSpec(replicates=500))
    board = combine([x, y], question)
    checks = combine_checks([x, y], [check_all(b, limits) for b in (x, y)], board.names)
    found = recommend(board, find(board, checks), question)
    assert found.settled_pick is None and found.pick == "b" and found.next_step is not None
    alone = recommend(x, find(x, check_all(x, limits)), question).next_step
    assert alone is not None and found.next_step.first.more == alone.first.more
    first = found.next_step.first
    assert (first.unit, first.models, first.task, first.column) == ("requests", ("a",), "x", "latency_p95_s")


def test_what_is_left_out_across_tasks_is_said() -> None:
    x, _ = _boards()
    y = make_board([[0.3, 0.05], [0.6, 0.01]], task="y")
    assert CostLeftOut("peak_rss_bytes", ("x",)) in combine([x, y], _question()).remarks


def test_a_margin_in_percent_holds_across_tasks() -> None:
    assert combine(_boards(), _question(margins={"quality": "1 %"})).columns[0].margin == pytest.approx(0.01)
