"""The verdict at a look, on looks made by hand and on small simulations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.decision.rule import Rule, Situation, Stage
from bench.racing import Ending, Guarantee, Out, OutReason, ended, judge
from bench.suite.rules import RULES
from tests.racing.looks import contestant, limit, look, right

BOTH = pytest.mark.parametrize("guarantee", list(Guarantee))


@BOTH
def test_a_candidate_far_behind_is_no_rival_and_the_race_is_decided(guarantee):
    verdict = judge(look(1000, contestant("a", right(0.9, 200)), contestant("b", right(0.3, 200)), guarantee=guarantee))
    assert (verdict.pick, verdict.ending, verdict.answering) == ("a", Ending.DECIDED, ())
    assert [(out.name, out.reason, out.detail) for out in verdict.out] == [("b", OutReason.NO_RIVAL, "a")]
    assert verdict.risk <= 0.05


@BOTH
def test_candidates_near_each_other_answer_on(guarantee):
    verdict = judge(
        look(1000, contestant("a", right(0.5, 100)), contestant("b", right(0.51, 100)), guarantee=guarantee)
    )
    assert verdict.ending is None and set(verdict.answering) == {"a", "b"} and verdict.pick == "b"
    assert [pair.name for pair in verdict.pairs] == ["a"]


def test_few_examples_on_which_all_agree_decide_nothing():
    verdict = judge(look(1000, contestant("a", right(1, 40)), contestant("b", right(1, 40))))
    assert set(verdict.answering) == {"a", "b"} and verdict.risk > 0.05


@BOTH
def test_when_all_is_answered_the_best_is_picked_and_the_data_are_spent(guarantee):
    verdict = judge(
        look(100, contestant("a", right(0.5, 100), 2), contestant("b", right(0.51, 100), 1), guarantee=guarantee)
    )
    assert (verdict.pick, verdict.ending, verdict.answering) == ("b", Ending.DATA_SPENT, ())


def test_a_tie_goes_to_the_cheaper_and_says_so():
    dear, cheap = right(0.8, 1000), right(0.8, 1000)
    cheap[0] = 1.0 - cheap[0]
    if sum(cheap) > sum(dear):
        dear, cheap = cheap, dear
    verdict = judge(look(1000, contestant("dear", dear, 2.0), contestant("cheap", cheap, 1.0)))
    assert (verdict.pick, verdict.leader, verdict.ending) == ("cheap", "dear", Ending.TIE)
    assert "cheap" not in {out.name for out in verdict.out}
    same_cost = judge(look(1000, contestant("dear", dear, 1.01), contestant("cheap", cheap, 1.0)))
    assert same_cost.pick == "dear" and "cheap" in same_cost.tied


def test_who_breaks_a_limit_is_out_and_says_which():
    verdict = judge(
        look(1000, contestant("a", right(0.9, 100), 5.0, limit("outside", 0.0)), contestant("b", [0] * 100))
    )
    assert verdict.pick == "b" and verdict.ending is Ending.DECIDED
    assert [(out.name, out.reason) for out in verdict.out] == [("a", OutReason.LIMIT)]


def test_an_open_limit_of_a_better_candidate_asks_for_processes_and_not_for_examples():
    better = contestant("a", right(0.9, 200), 1.0, limit("open", 0.4))
    verdict = judge(look(1000, better, contestant("b", right(0.2, 200))))
    assert verdict.pick == "b" and verdict.ending is None and verdict.answering == ()
    assert [(own.name, own.limit.kept) for own in verdict.limits] == [("a", 0.4)]
    assert verdict.risk > 0.3
    assert ended(verdict, Ending.LIMIT_OPEN).ending is Ending.LIMIT_OPEN


def test_an_open_limit_on_quality_asks_for_examples():
    better = contestant("a", right(0.9, 200), 1.0, limit("open", 0.4, by_examples=True))
    verdict = judge(look(1000, better, contestant("b", right(0.2, 200))))
    assert set(verdict.answering) == {"a", "b"} and verdict.limits == ()


def test_where_nobody_is_eligible_yet_there_is_no_pick_and_the_limits_say_where_to_measure():
    verdict = judge(look(1000, contestant("a", right(0.9, 200), 1.0, limit("open", 0.4)), contestant("b", [0] * 200)))
    assert verdict.pick == "b"
    both = judge(
        look(
            1000,
            contestant("a", right(0.9, 200), 1.0, limit("open", 0.4)),
            contestant("b", [0] * 200, 1.0, limit("open", 0.5)),
        )
    )
    assert both.pick is None and both.leader == "a" and [own.name for own in both.limits] == ["a"]


def test_who_is_out_stays_out_with_the_chance_that_it_had():
    before = Out("b", OutReason.NO_RIVAL, "a", 0.01)
    verdict = judge(look(1000, contestant("a", right(0.5, 100)), contestant("b", right(0.9, 40)), out=(before,)))
    assert verdict.pick == "a" and verdict.out == (before,) and verdict.risk == pytest.approx(0.01)


def test_failed_and_incomplete_candidates_are_out():
    broken = contestant("b", [], broken="it broke")
    lacking = replace(contestant("c", right(0.5, 40)), statistics={})
    verdict = judge(look(1000, contestant("a", right(0.5, 40)), broken, lacking))
    assert {out.name: out.reason for out in verdict.out} == {"b": OutReason.ENDED, "c": OutReason.INCOMPLETE}
    assert judge(look(1000, broken)).ending is Ending.NOBODY


def test_baselines_alone_are_nothing_to_ship():
    floor = contestant("floor", right(0.9, 100), is_baseline=True)
    model = contestant("model", right(0.5, 100), 1.0, limit("outside", 0.0))
    assert judge(look(1000, floor, model)).ending is Ending.NOBODY
    assert judge(look(1000, floor)).pick == "floor"


def test_groups_count_as_one_each():
    pairs = contestant("a", np.repeat(right(0.6, 40), 25)), contestant("b", np.repeat(right(0.5, 40), 25))
    alone = judge(look(5000, *pairs))
    together = judge(look(5000, *pairs, ends=range(25, 5001, 25)))
    chance = {v: next((pair.chance for pair in v.pairs), v.out[0].chance if v.out else 0.0) for v in (alone, together)}
    assert chance[together] > chance[alone]


def test_a_metric_that_is_better_when_lower():
    low = contestant("low", np.full(60, 1.0), metric="ter"), contestant("high", np.full(60, 3.0), metric="ter")
    verdict = judge(look(1000, *low, metric="ter", tolerance=0.5))
    assert verdict.leader == "low"


def test_the_cheapest_within_epsilon_waits_for_whoever_sets_the_threshold():
    rule = {"rule": "cheapest-within-epsilon", "epsilon": 0.05}
    best, cheap = contestant("best", right(0.8, 100), 9.0), contestant("cheap", right(0.76, 100), 1.0)
    verdict = judge(look(1000, best, cheap, rule=rule))
    assert verdict.ending is None and set(verdict.answering) == {"best", "cheap"}
    whole = judge(
        look(100, contestant("best", right(0.8, 100), 9.0), contestant("cheap", right(0.76, 100), 1.0), rule=rule)
    )
    assert (whole.pick, whole.ending) == ("cheap", Ending.DATA_SPENT)


def test_a_weighted_sum_takes_costs_as_they_are():
    rule = {"rule": "weighted", "rates": {"latency_p50_s": "1 s per 0.5"}}
    verdict = judge(look(1000, contestant("a", right(0.8, 200), 2.0), contestant("b", right(0.6, 200), 1.0), rule=rule))
    assert (verdict.pick, verdict.ending) == ("b", Ending.DECIDED)


class _Squares(Rule):
    """Looks at the square of a quality, which is no sum of columns."""

    name = "squares"
    phrase = "the best square"

    def stages(self, situation: Situation) -> list[Stage]:
        stage = situation.stage(situation.preferred)
        return [replace(stage, scores=stage.scores**2, draws=stage.draws**2)]


def test_a_rule_that_is_no_sum_of_columns_is_not_raced(monkeypatch):
    monkeypatch.setattr("bench.decision.stages.rule_of", lambda _: _Squares())
    verdict = judge(look(1000, contestant("a", right(0.9, 200)), contestant("b", right(0.1, 200))))
    assert verdict.unraced is not None and set(verdict.answering) == {"a", "b"} and verdict.ending is None
    spent = judge(look(200, contestant("a", right(0.9, 200)), contestant("b", right(0.1, 200))))
    assert spent.ending is Ending.DATA_SPENT and spent.pick == "a"


@pytest.mark.parametrize("name", sorted(RULES.built_in))
def test_every_rule_of_bench_is_raced(name):
    needs = {"order": ["quality"], "rates": {"latency_p50_s": "1 s per 0.5"}}
    verdict = judge(
        look(1000, contestant("a", right(0.9, 50)), contestant("b", right(0.1, 50)), rule={"rule": name, **needs})
    )
    assert verdict.unraced is None


@BOTH
def test_few_races_of_candidates_near_each_other_are_wrong(guarantee):
    wrong, races = 0, 40
    for seed in range(races):
        rng = np.random.default_rng([3, seed])
        scores = (rng.random((300, 4)) < rng.normal(0.7, 0.05, 4)).astype(np.float64)
        out: tuple[Out, ...] = ()
        answering, answered = ("0", "1", "2", "3"), dict.fromkeys("0123", 0)
        for count in (40, 60, 90, 135, 200, 300):
            answered |= dict.fromkeys(answering, count)
            made = [contestant(name, scores[: answered[name], int(name)]) for name in "0123"]
            verdict = judge(look(300, *made, guarantee=guarantee, out=out))
            out, answering = verdict.out, verdict.answering
            if verdict.ending is not None:
                break
        means = scores.mean(axis=0)
        wrong += bool(means.max() - means[int(verdict.pick or 0)] > 0.005 + 1e-9)
    assert wrong <= 3
