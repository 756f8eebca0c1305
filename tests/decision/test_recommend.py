from __future__ import annotations

from dataclasses import replace

import pytest

from bench.catalogue.reasons import too_few
from bench.decision.board import Absence, Missing
from bench.decision.case import (
    BaselineLeads,
    BaselineNear,
    Caution,
    Exclusion,
    Hopefuls,
    Incomparable,
    Nobody,
    Outcome,
    Recommendation,
)
from bench.decision.constraints import check_all
from bench.decision.fronts import find
from bench.decision.next_step import How
from bench.decision.question import Question
from bench.decision.recommend import recommend
from bench.suite import DecisionSpec
from bench.suite.limits import parse_limit
from tests.decision.boards import make_board

VALUES = [[0.90, 0.060], [0.85, 0.030], [0.70, 0.005]]


def _ask(board, *limits, **spec) -> Recommendation:  # type: ignore[no-untyped-def]
    question = Question(("quality", "latency_p95_s"), tuple(parse_limit(*x) for x in limits), DecisionSpec(**spec))
    checks = check_all(board, question.limits, question.rule.risk)
    return recommend(board, find(board, checks), question)


def test_a_pick_names_everything() -> None:
    found = _ask(make_board(VALUES, noise=(0.005, 0.001)), ("latency_p95_s", "<= 50 ms"))
    assert (found.pick, found.runner_up, found.confidence) == ("b", "c", 1.0)
    assert found.outcome is Outcome.SETTLED
    assert [(b.instead, b.check.limit.text) for b in found.binding] == [("a", "<= 50 ms")]
    assert found.binding[0].check.slack == pytest.approx(0.05 - 0.03 - 1.645 * 0.001, abs=2e-4)
    assert found.excluded == (Exclusion("a"),)


def test_an_open_answer_says_what_would_settle_it() -> None:
    found = _ask(make_board([[0.900, 0.02], [0.899, 0.01]], noise=(0.01, 0.0001), n=400))
    assert found.settled_pick is None and found.pick == "a"
    assert (found.confidence or 1) < 0.8 and sum(found.shares.values()) == pytest.approx(1)
    step = found.next_step
    assert step is not None and step.first.unit == "examples" and step.first.column == "accuracy"
    # n' = n ((z(0.8) + z(0.8)) * sd / gap)^2 with sd = 0.01 * sqrt(2), gap = 0.001
    assert step.first.more == pytest.approx(400 * (2 * 0.8416 * 0.014142 / 0.001) ** 2, rel=0.15)
    assert step.seconds == pytest.approx(step.first.more * 0.02)
    assert found.outcome is Outcome.OPEN


def test_a_perfect_tie_needs_no_measurement() -> None:
    found = _ask(make_board([[0.9, 0.01], [0.9, 0.01]]))
    assert (found.pick, found.confidence, found.runner_up) == ("a", 1.0, "b")


OPEN = ("latency_p95_s", "<= 50 ms")


def test_the_answer_is_open_while_a_better_model_may_be_feasible() -> None:
    found = _ask(make_board([[0.95, 0.045], [0.85, 0.030]], noise=(0.001, 0.004), replicates=4000), OPEN)
    assert found.settled_pick is None and found.pick == "b"
    # a is picked in the replicates in which its latency is within the limit: P(z < 5 / 4)
    assert found.shares["a"] == pytest.approx(0.8944, abs=0.02) and found.confidence == pytest.approx(
        1 - found.shares["a"]
    )
    assert found.next_step is not None and found.next_step.first.models == ("a",)
    # 7.84 ms must shrink to 5 ms, 4 times in 5: 100 * (7.84 / 5 * 2.80 / 1.96)^2 = 503 requests in all
    assert found.next_step.first.more == 503 - 100
    assert (found.outcome, found.rival, found.rival_is_estimated) == (Outcome.RIVAL_OPEN, "a", False)
    assert found.cautions == (Hopefuls("a", (), is_rival=True),)
    assert (found.next_step.first.unit, found.next_step.first.column) == ("requests", "latency_p95_s")


def test_a_better_model_that_hardly_can_be_feasible_is_a_warning() -> None:
    found = _ask(make_board([[0.95, 0.056], [0.85, 0.030]], noise=(0.001, 0.004)), OPEN)
    assert found.pick == "b" and 0.8 < (found.confidence or 0) < 1
    assert found.cautions == (Hopefuls("a", (), is_rival=False),)
    assert found.next_step is not None and found.next_step.first.models == ("a",)


def test_a_worse_model_whose_limit_is_open_changes_nothing() -> None:
    found = _ask(make_board([[0.85, 0.045], [0.95, 0.030]], noise=(0.001, 0.004)), OPEN)
    assert (found.pick, found.confidence, found.cautions, found.next_step) == ("b", 1.0, (), None)


def test_too_few_requests_for_an_interval_leave_it_open() -> None:
    board = make_board([[0.95, 0.045], [0.85, 0.030]], noise=(0.001, 0.002), n=60)
    short = replace(board.quantities[0][1], ci_low=None, ci_high=None, reason=too_few(60, "requests", 72))
    board = replace(board, quantities=((board.quantities[0][0], short), board.quantities[1]))
    found = _ask(board, OPEN)
    assert found.settled_pick is None and found.pick == "b" and found.next_step is not None
    assert found.next_step.first.more == 72 - 60 and found.cautions == (Hopefuls("a", (), is_rival=True),)


def test_a_better_model_without_a_limited_reading_is_a_warning_with_what_to_measure() -> None:
    nan = float("nan")
    columns = ("accuracy", "latency_p95_s", "energy_per_example_j")
    board = make_board([[0.95, 0.01, nan], [0.85, 0.03, 1.0]], columns, objectives=2)
    found = _ask(board, ("energy_per_example_j", "<= 2 J"))
    assert found.pick == "b" and found.cautions == (Hopefuls("a", (), is_rival=False),)
    step = found.next_step
    assert step is not None and (step.how, step.reason) == (How.MISSING, "no meter")
    assert (step.first.column, step.first.models) == ("energy_per_example_j", ("a",))


def test_a_better_model_without_an_objective_is_a_warning() -> None:
    found = _ask(make_board([[0.95, float("nan")], [0.85, 0.03]]))
    assert found.pick == "b"
    lacks = Missing(Absence.VALUE, column="latency_p95_s", reason="no meter")
    assert found.cautions == (Incomparable("a", "accuracy", lacks),)
    assert _ask(make_board([[0.75, float("nan")], [0.85, 0.03]])).cautions == ()


def test_the_nearest_of_those_that_break_a_limit_for_certain_is_nearest_whatever_one_draw_says() -> None:
    board = make_board([[0.9, 0.006], [0.9, 0.1]])
    draws = board.draws.copy()
    draws[0, 1, 1] = 0.001
    found = _ask(replace(board, draws=draws), ("latency_p95_s", "<= 4 ms"))
    assert found.nearest is not None and found.nearest.name == "a"


def test_a_baseline_as_the_pick_is_a_warning() -> None:
    board = replace(make_board([[0.9, 0.01], [0.8, 0.02]]), baselines=(True, False))
    assert _ask(board).pick == "a" and _ask(board).cautions == (BaselineLeads(),)
    assert _ask(replace(board, baselines=(False, True))).cautions == ()


def test_the_tightest_limit_is_that_with_the_least_room_of_its_own() -> None:
    wide = _ask(make_board([[0.9, 0.03]], noise=(0.005, 0.001)), OPEN, ("accuracy", ">= 0.5"))
    assert wide.tightest is not None and wide.tightest.limit.name == "latency_p95_s"
    assert wide.tightest.slack == pytest.approx(0.05 - 0.03 - 1.645 * 0.001, abs=2e-4) and not wide.binding
    bare = _ask(make_board([[0.9, 0.03]]), OPEN).tightest
    assert bare is not None and bare.slack == pytest.approx(0.02) and bare.value == bare.bound


def test_nobody_feasible_names_the_nearest() -> None:
    found = _ask(make_board(VALUES), ("latency_p95_s", "<= 4 ms"), ("accuracy", ">= 0.6"))
    assert found.pick is None and found.leader is None and found.shares == {}
    assert (found.outcome, found.nobody) == (Outcome.NOBODY, Nobody.LIMITS)
    assert found.nearest is not None and found.nearest.name == "c"
    assert [check.limit.text for check in found.nearest.failed] == ["<= 4 ms"]
    assert [one.name for one in found.excluded] == ["a", "b", "c"]


def test_open_limits_alone_tell_what_to_measure() -> None:
    found = _ask(make_board([[0.95, 0.045]], noise=(0.001, 0.004)), ("latency_p95_s", "<= 50 ms"))
    assert found.settled_pick is None and found.next_step is not None
    assert (found.next_step.first.more, found.next_step.first.unit) == (403, "requests")


def test_no_objective_and_one_model() -> None:
    nan = float("nan")
    assert _ask(make_board([[0.9, nan]])).nobody is Nobody.INCOMPLETE
    assert _ask(make_board([[0.9, 0.1]], objectives=0)).nobody is Nobody.NOT_MEASURED
    single = _ask(make_board([[0.9, 0.1]]))
    assert (single.pick, single.outcome) == ("a", Outcome.ALONE)


def test_knee_is_the_balanced_member() -> None:
    found = _ask(make_board([[0.90, 0.100], [0.88, 0.020], [0.50, 0.010]]))
    assert found.knee == "b" and found.pick == "a"


def _estimated(values: list[list[float]], bounds: tuple[float, float] = (0.5, 1.5), **how):  # type: ignore[no-untyped-def]
    """Returns a board whose energy is an estimate: no noise in the draws, the bounds as its interval."""
    columns = how.pop("columns", ("accuracy", "energy_per_example_j"))
    board = make_board(values, columns, noise=(0.002, *[0.0] * (len(columns) - 1)), **how)
    low, high = bounds
    rows = []
    for *others, energy in board.quantities:
        assert energy is not None and energy.value is not None
        ends = {"ci_low": low * energy.value, "ci_high": high * energy.value}
        rows.append((*others, replace(energy, source="estimate", **ends)))
    return replace(board, quantities=tuple(rows))


JOULES = ("energy_per_example_j", "<= 1 J")


def test_an_open_estimate_is_taken_at_its_worst_for_the_leader() -> None:
    # a is better and within 1 J or not; b is within it whatever the bounds are.
    for energy in (0.9, 1.2):  # as estimated inside, and as estimated outside: the bounds decide, not the estimate
        found = _ask(_estimated([[0.95, energy], [0.85, 0.3]]), JOULES)
        assert (found.settled_pick, found.pick, found.confidence) == (None, "b", 0.0)
        assert found.shares == {"a": 1.0}
        assert (found.outcome, found.rival, found.rival_is_estimated) == (Outcome.RIVAL_OPEN, "a", True)
        assert found.next_step is not None and found.next_step.how is How.METER


def test_of_several_open_estimates_the_best_is_named() -> None:
    found = _ask(_estimated([[0.95, 0.9], [0.92, 0.7], [0.85, 0.3]]), JOULES)
    assert found.leader == "c" and found.shares == {"a": 1.0}
    assert [binding.instead for binding in found.binding] == ["a"]


def test_an_open_estimate_of_a_worse_model_leaves_the_pick() -> None:
    found = _ask(_estimated([[0.85, 0.9], [0.95, 0.3]]), JOULES)
    assert (found.pick, found.confidence, found.cautions) == ("b", 1.0, ())
    assert found.tightest is not None and found.tightest.estimated


def test_the_confidence_is_the_least_over_the_bounds() -> None:
    # c ties with b in quality but for the noise; a, the best, is open. With a within the limit b is picked never.
    found = _ask(_estimated([[0.95, 0.9], [0.851, 0.3], [0.85, 0.2]]), JOULES)
    assert found.settled_pick is None and found.pick == "b" and found.confidence == 0.0
    # Within 15 points of the best the cheapest is taken: a alone decides whether c may be taken in place of b.
    board = _estimated([[0.99, 0.9], [0.93, 0.6], [0.85, 0.5]])
    found = _ask(board, JOULES, rule="cheapest-within-epsilon", epsilon=0.1)
    assert found.leader == "c" and found.confidence == 0.0 and set(found.shares) == {"b"}


def test_estimates_with_more_room_are_within_the_limit_first() -> None:
    """Two open estimates share their error: the dearer is never within the limit without the cheaper."""
    # With c alone, c would be taken in place of b, being quicker; but a is within the limit whenever c is, and then c
    # is too far from the best.
    columns = ("accuracy", "latency_p95_s", "energy_per_example_j")
    board = _estimated([[0.99, 0.10, 0.8], [0.95, 0.03, 0.3], [0.80, 0.01, 1.4]], columns=columns, objectives=2)
    found = _ask(board, JOULES, rule="cheapest-within-epsilon", epsilon=0.15)
    assert (found.leader, found.pick, found.confidence) == ("b", "b", 1.0)
    assert found.covers_estimates


def test_several_rivals_are_all_told_apart() -> None:
    board = make_board([[0.900, 0.02], [0.899, 0.01], [0.898, 0.01]], noise=(0.01, 0.0001), n=400)
    found = _ask(board)
    assert found.settled_pick is None and found.next_step is not None
    assert set(found.next_step.first.models) == {"a", "b", "c"}


def test_the_weighted_rule_names_what_to_measure() -> None:
    board = make_board([[0.900, 0.020], [0.897, 0.015]], noise=(0.01, 0.002), n=400)
    found = _ask(board, rule="weighted", rates={"latency_p95_s": "20 ms per 0.01"})
    assert found.settled_pick is None and found.next_step is not None
    assert {part.unit for part in found.next_step.parts} <= {"examples", "requests"}
    assert found.outcome is Outcome.OPEN


def test_a_metric_undefined_on_a_resample_speaks_against_the_model() -> None:
    board = make_board([[0.9, 0.03], [0.8, 0.02]], noise=(0.001, 0.0))
    draws = board.draws.copy()
    draws[:250, 0, 0] = float("nan")
    found = _ask(replace(board, draws=draws))
    assert found.shares == {"a": 0.5, "b": 0.5}


def test_what_no_model_has_is_not_preferred_and_who_lacks_it_is_said() -> None:
    nan = float("nan")
    columns = ("accuracy", "latency_p95_s", "ttft_p50_s")
    nobody_has = make_board([[0.9, 0.03, nan], [0.8, 0.01, nan]], columns, objectives=2)
    assert _ask(nobody_has, prefer="ttft_p50_s").pick == "a"
    assert _ask(nobody_has, rule="lexicographic", order=["ttft_p50_s", "latency_p95_s"]).pick == "b"
    rates = {"ttft_p50_s": "20 ms per 0.01"}
    assert _ask(nobody_has, rule="weighted", rates=rates).pick == "a"
    one_has = _ask(make_board([[0.9, 0.03, nan], [0.8, 0.01, 0.2]], columns, objectives=2), prefer="ttft_p50_s")
    assert one_has.pick == "b"
    assert one_has.excluded == (Exclusion("a", ("ttft_p50_s",)),)
    lacking = [[0.9, nan, nan], [0.8, nan, 0.2], [0.7, 0.3, nan]]
    apart = make_board(lacking, ("accuracy", "tpot_p50_s", "ttft_p50_s"), objectives=1)
    none = _ask(apart, rule="lexicographic", order=["tpot_p50_s", "ttft_p50_s"])
    assert none.nobody is Nobody.UNSCORED
    assert [one.name for one in none.excluded] == ["a", "b", "c"] and all(one.unscored for one in none.excluded)


def test_a_share_just_short_of_what_is_needed_is_not_settled() -> None:
    board = make_board([[0.9, 0.03], [0.8, 0.02]], noise=(0.001, 0.0), replicates=1000)
    draws = board.draws.copy()
    draws[:204, 0, 0] = 0.1
    found = _ask(replace(board, draws=draws))
    assert found.settled_pick is None and found.shares == {"a": 0.796, "b": 0.204}


def test_all_in_the_same_case_are_named() -> None:
    values = [[0.95 - i / 1000, 0.05] for i in range(9)] + [[0.5, 0.01]]
    found = _ask(make_board(values, noise=(0.0001, 0.004)), OPEN)
    (hopefuls,) = found.cautions
    assert isinstance(hopefuls, Hopefuls) and hopefuls.first == "a"
    assert sorted(hopefuls.others) == list("bcdefghi")


def test_a_pick_that_does_not_beat_a_baseline_is_a_warning() -> None:
    def cautions(accuracy: float, noise: float) -> tuple[Caution, ...]:
        board = make_board([[0.9, 0.03], [accuracy, 0.01]], noise=(noise, 0.0))
        return _ask(replace(board, baselines=(False, True))).cautions

    assert cautions(0.89, 0.001) == ()
    assert cautions(0.88, 0.01) == (BaselineNear("topic", "b", "accuracy", 0.9, 0.88, is_better=False),)
    swift = replace(make_board([[0.8, 0.01], [0.9, 0.03]]), baselines=(False, True))
    found = _ask(swift, prefer="latency_p95_s").cautions
    assert found == (BaselineNear("topic", "b", "accuracy", 0.8, 0.9, is_better=True),)


def test_the_risk_of_an_open_answer() -> None:
    """Two candidates 1 point apart with noise of 1 point each: the leader may be the luckier one."""
    found = _ask(make_board([[0.90, 0.02], [0.89, 0.01]], noise=(0.01, 0.0), replicates=20_000))
    assert found.risk is not None and found.gain is not None
    assert found.risk.breaks == 0.0
    assert found.risk.best == found.confidence == pytest.approx(1 - found.gain.share)
    assert 0.6 < found.risk.best < 0.74  # P(z < 1 / sqrt 2) = 0.76, were the leader not chosen for being ahead
    assert 0.001 < found.risk.loss < 0.0044 - 0.0024 + 0.002  # that of the plain draws is 0.2 points
    assert (found.gain.name, found.gain.is_eligible) == ("b", True)
    assert 0.005 < found.gain.most < -0.01 + 1.645 * 0.01414


def test_what_an_open_rival_could_gain() -> None:
    found = _ask(make_board([[0.95, 0.045], [0.85, 0.030]], noise=(0.001, 0.004), replicates=4000), OPEN)
    assert found.gain is not None and found.risk is not None
    assert (found.gain.name, found.gain.is_eligible) == ("a", False)
    assert found.gain.share == pytest.approx(0.8944, abs=0.02)
    assert found.risk.loss == pytest.approx(0.8944 * 0.1, abs=0.003) and found.risk.breaks == 0.0


def test_a_risk_that_is_taken_admits_the_better_model() -> None:
    board = make_board([[0.95, 0.045], [0.85, 0.030]], noise=(0.001, 0.004), replicates=4000)
    found = _ask(board, OPEN, risk=0.2)
    assert found.pick == "a" and found.risk is not None
    assert found.risk.breaks == pytest.approx(0.1056, abs=0.02)


def test_a_broken_limit_is_paid_for() -> None:
    """`a` is 1 point better and breaks the limit in 3 % of the draws: at a price of 1 that is 3 points."""
    board = make_board([[0.90, 0.0425], [0.89, 0.030]], noise=(0.0, 0.004), replicates=20_000)
    assert _ask(board, OPEN).pick == "a"
    assert _ask(board, OPEN, broken_limit=0.1).pick == "a"
    assert _ask(board, OPEN, broken_limit=1.0).pick == "b"


def test_baselines_alone_are_nothing_to_ship() -> None:
    board = make_board([[0.90, 0.048], [0.50, 0.001]], noise=(0.0, 0.004))
    board = replace(board, baselines=(False, True))
    found = _ask(board, OPEN)
    assert (found.outcome, found.nobody, found.pick) == (Outcome.NOBODY, Nobody.BASELINES, None)
    assert found.nearest is not None and found.nearest.name == "a"
    assert found.nearest.breaks == pytest.approx(0.31, abs=0.06) and found.next_step is not None
    floors = replace(board, baselines=(True, True))
    assert _ask(floors, OPEN).pick == "b"


def test_a_rival_that_is_behind_as_observed_and_open_is_told_with_its_loss() -> None:
    """`a` is a point behind, and breaks the limit in 10 % of the draws: it may be the better choice all the same."""
    found = _ask(make_board([[0.85, 0.045], [0.86, 0.030]], noise=(0.01, 0.004), replicates=4000), OPEN)
    assert found.pick == "b" and found.gain is not None and found.gain.name == "a" and not found.gain.is_eligible
    assert found.risk is not None and found.risk.best < 0.8 and found.risk.loss > 0
    assert any(isinstance(caution, Hopefuls) and caution.first == "a" for caution in found.cautions)
