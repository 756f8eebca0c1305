from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.catalogue.reasons import too_few
from bench.decision import next_step, stages
from bench.decision.constraints import check_all
from bench.suite import DecisionSpec
from bench.suite.limits import parse_limit
from bench.words import steps
from tests.decision.boards import make_board


def _between(board, confidence: float = 0.8):  # type: ignore[no-untyped-def]
    return next_step.between(board, stages.of_rule(board, DecisionSpec()), 0, [1], confidence)


def test_the_number_falls_with_the_square_of_the_gap() -> None:
    near, far = (_between(make_board([[0.9, 0.1], [0.9 - gap, 0.1]], noise=(0.02, 0.0))) for gap in (0.002, 0.004))
    assert (near.first.more + 100) / (far.first.more + 100) == pytest.approx(4, rel=0.01)
    assert near.first.unit == "examples" and near.first.models == ("a", "b")


def test_beyond_a_limit_the_other_end_counts() -> None:
    """Twice as far beyond the limit needs a quarter, whatever the far end of the interval is."""
    limit = [parse_limit("latency_p95_s", "<= 50 ms")]
    counts = []
    for value in (0.052, 0.054):
        board = make_board([[0.9, value]], noise=(0.0, 0.004))
        found = next_step.for_limit(board, 0, check_all(board, limit)[0][0])
        assert found is not None
        counts.append(found.first.more + 100)
    assert counts[0] == pytest.approx(4 * counts[1], abs=4)


def test_what_no_measurement_settles() -> None:
    assert _between(make_board([[0.9, 0.1], [0.9, 0.1]])) is None
    assert _between(make_board([[0.9, 0.1], [0.8, 0.1]])) is None  # no noise: settled already
    assert _between(make_board([[0.9, 0.1], [0.9 - 1e-9, 0.1]], noise=(0.02, 0.0))) is None


def test_a_limit_needs_the_interval_to_shrink_to_the_room_left() -> None:
    board = make_board([[0.9, 0.045]], noise=(0.0, 0.004))
    check = check_all(board, [parse_limit("latency_p95_s", "<= 50 ms")])[0][0]
    found = next_step.for_limit(board, 0, check)
    assert found is not None and found.first.more == int(np.ceil(100 * ((1.96 + 0.8416) * 0.004 / 0.005) ** 2)) - 100
    assert found.seconds == pytest.approx(found.first.more * 0.01)


def test_the_cheapest_in_time_comes_first_and_unknown_time_last() -> None:
    one = next_step.Observations("topic", ("a",), "x", 1, "requests", None)
    steps = [next_step.NextStep((one,), s) for s in (None, 9.0, 3.0)]
    assert next_step.cheapest(steps) is steps[2]
    assert next_step.cheapest([None, steps[0]]) is steps[0]
    assert next_step.cheapest([]) is None


def test_the_doubt_is_shared_among_several_rivals() -> None:
    board = make_board([[0.9, 0.1], [0.898, 0.1], [0.897, 0.1]], noise=(0.02, 0.0))
    rule = stages.of_rule(board, DecisionSpec())
    alone, both = (next_step.between(board, rule, 0, others, 0.8) for others in ([1], [1, 2]))
    stricter = next_step.between(board, rule, 0, [1], 0.9)
    assert alone is not None and both is not None and stricter is not None
    assert both.first.more == stricter.first.more > alone.first.more


def test_token_gaps_are_not_requests() -> None:
    board = make_board([[0.9, 0.045]], ("accuracy", "itl_p95_s"), noise=(0.0, 0.004))
    limit = [parse_limit("itl_p95_s", "<= 50 ms")]
    found = next_step.for_limit(board, 0, check_all(board, limit)[0][0])
    assert found is not None and (found.seconds, found.first.unit) == (None, "token gaps")
    few = replace(board.quantities[0][1], ci_low=None, ci_high=None, n=400, reason=too_few(5, "requests", 20))
    board = replace(board, quantities=((board.quantities[0][0], few),))
    found = next_step.for_limit(board, 0, check_all(board, limit)[0][0])
    assert found is not None and (found.first.more, found.first.unit, found.first.models) == (20, "requests", ("a",))


def test_no_more_examples_are_asked_for_than_the_data_set_has() -> None:
    board = make_board([[0.9, 0.1], [0.898, 0.1]], noise=(0.02, 0.0))
    endless, some, none = (_between(replace(board, available=count)) for count in (None, 150, 100))
    assert endless.first.more > 150 and endless.is_possible and endless.first.lacking == 0
    assert (some.first.more, some.first.lacking) == (50, endless.first.more - 50)
    assert (none.first.more, none.first.lacking) == (0, endless.first.more)
    assert str(endless.first.more) not in steps.next_step(board, none).replace(",", "")
    assert next_step.cheapest([none, endless]) is endless


def test_a_limit_on_quality_asks_for_no_more_than_the_data_set_has() -> None:
    board = replace(make_board([[0.9, 0.045]], noise=(0.02, 0.0)), available=120)
    found = next_step.for_limit(board, 0, check_all(board, [parse_limit("accuracy", ">= 0.895")])[0][0])
    assert found is not None and found.first.more == 20 and not found.is_possible


def test_a_data_set_that_is_used_up_asks_for_other_data_and_tells_no_time() -> None:
    used_up = next_step.Observations("topic", ("a",), "accuracy", 0, "examples", 0.0, lacking=99)
    phrase = steps.next_step(make_board([[0.9, 0.1]]), next_step.NextStep((used_up,), 0.0))
    assert "99 more examples of a" in phrase and "none left" in phrase and "second" not in phrase


def test_where_enough_requests_depend_on_one_another_as_many_again_are_asked_for() -> None:
    """One more is never the answer to requests that have no interval for all their number."""
    limit = [parse_limit("latency_p95_s", "<= 50 ms")]
    for n, more in ((20, 52), (120, 120)):
        board = make_board([[0.9, 0.045]], noise=(0.0, 0.004), n=n)
        quality, latency = board.quantities[0]
        mute = replace(latency, ci_low=None, ci_high=None, reason=too_few(n, "requests", 72))
        board = replace(board, quantities=((quality, mute),))
        step = next_step.for_limit(board, 0, check_all(board, limit)[0][0])
        assert step is not None and (step.first.more, step.first.unit) == (more, "requests")
