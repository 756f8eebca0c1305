from __future__ import annotations

from dataclasses import replace

import pytest

from bench.catalogue.reasons import UNDEFINED_ON_RESAMPLES, too_few
from bench.decision.constraints import LEAST_OPEN, chance_broken, check_all, inapplicable, state_of
from bench.decision.remarks import LimitInapplicable
from bench.suite.limits import parse_limit
from bench.summary import Quantity
from tests.decision.boards import make_board


def _state(value: float, noise: float, text: str = "<= 50 ms") -> str:
    board = make_board([[0.9, value]], noise=(0.0, noise))
    return check_all(board, [parse_limit("latency_p95_s", text)])[0][0].state


def test_feasible_only_when_the_bound_is_inside() -> None:
    assert _state(0.040, 0.005) == "inside"  # above 48.2 ms in 5 % of the draws
    assert _state(0.040, 0.007) == "open"  # above 51.5 ms
    assert _state(0.070, 0.005) == "outside"
    assert _state(0.055, 0.005) == "open"
    assert _state(0.050, 0.0) == "inside" and _state(0.050, 0.0, "< 50 ms") == "outside"


def test_slack_and_ends() -> None:
    board = make_board([[0.9, 0.040]], noise=(0.0, 0.001), replicates=20_000)
    check = check_all(board, [parse_limit("latency_p95_s", "<= 50 ms")])[0][0]
    assert check.bound == pytest.approx(0.04 + 1.645 * 0.001, abs=5e-5)
    assert check.slack is not None and check.slack == pytest.approx(0.05 - (check.bound or 0))
    assert check.ends == pytest.approx((0.03804, 0.04196))


def test_the_risk_says_who_keeps_a_limit() -> None:
    """P(z > 5 / 4) is 10.6 %: kept at a risk of 20 %, open at 5 %."""
    board = make_board([[0.9, 0.045]], noise=(0.0, 0.004), replicates=20_000)
    limit = parse_limit("latency_p95_s", "<= 50 ms")
    strict, lenient = (check_all(board, [limit], risk)[0][0] for risk in (0.05, 0.2))
    assert (strict.state, lenient.state) == ("open", "inside")
    assert strict.breaks == pytest.approx(0.1056, abs=0.01) and lenient.breaks == strict.breaks


def test_a_limit_inside_the_interval_is_never_kept_for_certain() -> None:
    """Draws of a sample that is all alike do not vary, though its interval has a width."""
    board = make_board([[1.0, 0.001]])
    whole = replace(board.quantities[0][0], ci_low=0.9, ci_high=1.0)
    board = replace(board, quantities=((whole, board.quantities[0][1]),))
    check = check_all(board, [parse_limit("accuracy", ">= 0.95")])[0][0]
    assert (check.state, check.bound, check.breaks) == ("open", 0.9, LEAST_OPEN)


def test_the_least_chance_of_an_open_limit_is_not_above_a_risk_that_is_taken() -> None:
    board = make_board([[0.9, 0.0466]], noise=(0.0, 0.0015), replicates=20_000)
    check = check_all(board, [parse_limit("latency_p95_s", "<= 50 ms")], 0.02)[0][0]
    assert check.state == "inside" and check.breaks is not None and check.breaks <= 0.02


def test_the_chance_that_any_limit_is_broken() -> None:
    board = make_board([[0.9, 0.045]], noise=(0.005, 0.004), replicates=20_000)
    limits = [parse_limit("latency_p95_s", "<= 50 ms"), parse_limit("accuracy", ">= 0.89")]
    checks = check_all(board, limits)[0]
    kept = (1 - 0.1056) * (1 - 0.0228)  # the two vary by themselves
    assert chance_broken(checks) == pytest.approx(1 - kept, abs=0.01)
    assert chance_broken([]) == 0.0


def test_share_of_best_is_paired() -> None:
    board = make_board([[0.90, 1.0], [0.88, 1.0], [0.60, 1.0]], noise=(0.001, 0.0))
    states = [row[0].state for row in check_all(board, [parse_limit("accuracy", ">= 95 % of best")])]
    assert states == ["inside", "inside", "outside"]


def test_too_few_observations_settle_nothing() -> None:
    board = make_board([[0.9, 0.001]])
    few = Quantity(0.001, None, None, 30, "s", "clock", False, too_few(30, "requests", 72))
    board = replace(board, quantities=((board.quantities[0][0], few),))
    check = check_all(board, [parse_limit("latency_p95_s", "<= 50 ms")])[0][0]
    assert (check.state, check.bound, check.reason) == ("open", None, str(few.reason))


def test_missing_readings_and_foreign_metrics() -> None:
    board = make_board([[0.9, float("nan")]])
    limits = [parse_limit("latency_p95_s", "<= 50 ms"), parse_limit("bleu", ">= 30")]
    checks = check_all(board, limits)[0]
    assert [(check.state, check.value, check.reason) for check in checks] == [("open", None, "no meter")]
    assert inapplicable(board, limits) == [LimitInapplicable("topic", limits[1])] and chance_broken(checks) is None
    assert state_of([]) == "inside"


def test_a_metric_undefined_on_some_resamples_settles_nothing() -> None:
    board = make_board([[0.9, 0.1], [0.8, 0.1]])
    reason = UNDEFINED_ON_RESAMPLES
    rows = tuple((replace(row[0], ci_low=None, ci_high=None, reason=reason), row[1]) for row in board.quantities)
    draws = board.draws.copy()
    draws[:50, :, 0] = float("nan")
    board = replace(board, quantities=rows, draws=draws)
    plain, share = (check_all(board, [parse_limit("accuracy", t)])[1][0] for t in (">= 0.5", ">= 50 % of best"))
    assert (plain.state, share.state) == ("open", "open")
    assert (plain.value, plain.bound, plain.reason) == (0.8, None, str(reason))
    assert share.value == pytest.approx(0.8 / 0.9) and share.bound is None
