"""A race until the front is settled: who is placed where at a look, and the rounds of such a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.decision import decide
from bench.decision.remarks import FrontRaced, StoppedEarly
from bench.racing import Guarantee, Look, judge
from bench.racing.certificate import Certificate
from bench.racing.certify import Differs, certify, check
from bench.racing.state import Ending, Membership, Until
from bench.store import Store
from bench.summary import summarise_run
from bench.words.certificate import sentence
from bench.words.remarks import remark
from bench.words.standings import standing
from tests.racing.looks import COST, contestant, limit, look, right
from tests.racing.test_rounds import BEST, EXAMPLES, FAR, NEAR, Answers, by_name, go, racing

TOTAL = 1000


def fronted(own: Look) -> Look:
    return replace(own, race=replace(own.race, until=Until.FRONT))


def places(own: Look) -> dict[str, Membership]:
    return {place.name: place.membership for place in judge(fronted(own)).places}


def test_the_best_and_the_cheapest_are_on_the_front_and_whoever_is_dearer_and_worse_is_off_it():
    named = {"best": (0.9, 3.0), "cheap": (0.6, 1.0), "worse": (0.4, 2.0)}
    own = look(TOTAL, *(contestant(name, right(share, 300), cost) for name, (share, cost) in named.items()))
    verdict = judge(fronted(own))
    assert {place.name: place.membership.value for place in verdict.places} == {
        "best": "on",
        "cheap": "on",
        "worse": "off",
    }
    assert next(place.other for place in verdict.places if place.name == "worse") == "cheap"
    assert verdict.ending is Ending.DECIDED and verdict.answering == ()
    assert 0 <= sum(place.chance for place in verdict.places) < 0.05


def test_whoever_is_no_cheaper_than_nobody_needs_no_examples_to_be_on_the_front():
    own = look(TOTAL, contestant("a", right(0.9, 40), 2.0), contestant("cheap", right(0.85, 40), 1.0))
    assert places(own)["cheap"] is Membership.ON


def test_a_place_that_hangs_on_too_few_answers_is_open_and_those_two_answer_on():
    costs = {"cheap": (0.80, 1.0), "dear": (0.81, 2.0), "far": (0.2, 3.0)}
    own = look(TOTAL, *(contestant(name, right(share, 40), cost) for name, (share, cost) in costs.items()))
    verdict = judge(fronted(own))
    assert {place.name: place.membership for place in verdict.places}["dear"] is Membership.OPEN
    assert set(verdict.answering) == {"cheap", "dear"} and verdict.ending is None


def test_with_all_answers_a_difference_within_the_margin_is_a_tie():
    own = look(400, contestant("a", right(0.8, 400), 1.0), contestant("b", right(0.8025, 400), 2.0))
    assert places(own) == {"a": Membership.ON, "b": Membership.TIE}


def test_the_race_for_the_pick_alone_places_nobody_and_asks_for_no_more():
    cheap = contestant("cheap", right(0.60, 200), 1.0)
    dear = contestant("dear", right(0.61, 200), 2.0)
    best = contestant("best", right(0.95, 200), 3.0)
    own = look(TOTAL, cheap, dear, best)
    assert judge(own).places == () and judge(own).ending is Ending.DECIDED
    verdict = judge(fronted(own))
    assert verdict.ending is None and set(verdict.answering) == {"cheap", "dear"} and verdict.pick == "best"


def test_whoever_breaks_a_limit_keeps_nobody_from_the_front_and_an_open_limit_leaves_a_place_open():
    broken = contestant("broken", right(0.9, 300), 1.0, limit("outside", 0.0))
    doubtful = contestant("doubtful", right(0.95, 300), 1.5, limit("open", 0.5))
    keeps = contestant("keeps", right(0.6, 300), 1.6, limit("inside", 1.0))
    verdict = judge(fronted(look(TOTAL, broken, doubtful, keeps)))
    found = {place.name: place.membership for place in verdict.places}
    assert found == {"doubtful": Membership.OPEN, "keeps": Membership.OPEN}
    assert {own.name for own in verdict.limits} == {"doubtful"} and verdict.ending is None


def test_a_pick_that_is_decided_stays_so_where_the_front_alone_hangs_on_a_limit():
    best = contestant("best", right(0.95, TOTAL), 2.0, limit("inside", 1.0))
    doubtful = contestant("doubtful", right(0.3, TOTAL), 1.0, limit("open", 0.5))
    own = look(TOTAL, best, doubtful)
    verdict = judge(fronted(own))
    assert verdict.ending is None and [open_limit.name for open_limit in verdict.limits] == ["doubtful"]
    assert verdict.decided is judge(own).ending is not None


def test_whoever_lacks_a_cost_is_not_placed():
    rule = {"rule": "weighted", "rates": {COST: "10 ms per 0.02"}}
    whole, lacking = contestant("whole", right(0.9, 300)), replace(contestant("lacking", right(0.95, 300)), values={})
    assert set(places(look(TOTAL, whole, lacking))) == set(places(look(TOTAL, whole, lacking, rule=rule))) == {"whole"}


def test_a_boundary_places_nobody_sooner_than_the_prediction():
    named = {"a": (0.85, 1.0), "b": (0.7, 2.0), "c": (0.9, 3.0)}
    rows = [contestant(name, right(share, 400), cost) for name, (share, cost) in named.items()]
    settled = [
        sum(place is not Membership.OPEN for place in places(look(TOTAL, *rows, guarantee=guarantee)).values())
        for guarantee in (Guarantee.ANYTIME, Guarantee.PREDICTIVE)
    ]
    assert settled[0] <= settled[1] == 3


def fronting(processes: int = 2, budget_s: float | None = None):
    rounds = racing(budget_s=budget_s)
    rounds.race, rounds.processes = replace(rounds.race, until=Until.FRONT), processes
    return rounds


DEAR, POOR = replace(NEAR, name="dear", latency_s=0.09), replace(FAR, name="poor", skill=0.3, latency_s=0.001)
FOUR = (BEST, NEAR, DEAR, POOR)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory):
    with Store.open(tmp_path_factory.mktemp("front")) as store:
        executor = Answers(by_name(*FOUR))
        return store.load(go(store, executor, fronting(), *FOUR).run_id), executor


def test_everybody_is_measured_as_often_as_the_profile_says_before_the_first_look(finished):
    stored, executor = finished
    measured = [(model, process) for model, process, asked in executor.asked if asked.measures]
    assert sorted(measured) == sorted((own.name, process) for own in FOUR for process in (0, 1))
    assert stored.info.race["tasks"]["topic"]["looks"][0]["rounds"] == 2


def test_everybody_is_placed_and_not_everything_was_answered(finished):
    stored, _ = finished
    task = stored.info.race["tasks"]["topic"]
    called = {name: place["membership"] for name, place in task["front"].items()}
    assert set(called) == {own.name for own in FOUR}
    assert called["poor"] == "on" and called["dear"] in ("off", "tie") and called["best"] == "on"
    assert sum(task["answered"].values()) < len(FOUR) * EXAMPLES


def test_a_run_that_was_killed_goes_on_to_the_same_places(finished, tmp_path):
    stored, _ = finished
    with Store.open(tmp_path) as store:
        dying = Answers(by_name(*FOUR), dies_after=6)
        assert go(store, dying, fronting(), *FOUR).interrupted
        after = Answers(by_name(*FOUR))
        race = store.load(go(store, after, fronting(), *FOUR).run_id).info.race
    assert race["tasks"] == stored.info.race["tasks"]
    answered = dying.answered + after.answered
    assert len(answered) == len(set(answered))


def test_a_budget_leaves_places_open(tmp_path):
    twin = replace(NEAR, name="twin", latency_s=0.02)
    with Store.open(tmp_path) as store:
        race = store.load(go(store, Answers(by_name(NEAR, twin)), fronting(budget_s=6.0), NEAR, twin).run_id).info.race
    task = race["tasks"]["topic"]
    assert task["ending"] == "budget" and "open" in {place["membership"] for place in task["front"].values()}


def test_the_certificate_holds_the_places_and_a_changed_one_is_found(finished):
    stored, _ = finished
    certificate = certify(stored, fronting().question)
    assert check(certificate) == [] and certificate.until is Until.FRONT
    document = certificate.model_dump(mode="json")
    document["tasks"]["topic"]["front"]["dear"] = "open"
    found = {own.kind: own for own in check(Certificate.model_validate(document))}
    assert Differs.PLACE in found and "dear" in sentence(found[Differs.PLACE])


def test_what_the_race_says_of_the_front_stands_beside_what_is_certain(finished):
    stored, _ = finished
    part = decide(summarise_run(stored), fronting().question).tasks["topic"]
    told = [note for note in part.remarks if isinstance(note, FrontRaced)]
    assert len(told) == 1 and "poor" in told[0].on and "poor" in remark(told[0])
    chances = [entry.raced.place.chance for entry in summarise_run(stored) if entry.raced and entry.raced.place]
    assert told[0].risk == pytest.approx(min(1.0, sum(chances))) and "wrong with a chance of" in remark(told[0])
    assert not [note for note in part.remarks if isinstance(note, StoppedEarly)]
    sentences = {own.name: standing(part.board, own) for own in part.standings}
    assert all("race" in text for text in sentences.values()) and not any(
        "possibly on" in t for t in sentences.values()
    )
