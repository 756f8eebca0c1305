from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bench.decision import Decision, Outcome, Question, decide
from bench.decision.board import Absence, Missing
from bench.decision.case import Nobody
from bench.decision.fronts import SetApart
from bench.decision.next_step import How
from bench.decision.remarks import (
    Dropped,
    Estimated,
    LimitInapplicable,
    ObjectiveDropped,
    OneProcess,
    PeakRead,
    TakenAsRead,
)
from bench.suite import DecisionSpec, PriceSpec
from bench.suite.limits import parse_limit
from bench.summary import summarise
from bench.words.decision import sentences
from bench.words.documents import decision_document
from tests.factories import Sketch, Task, make_run

MODELS = [
    Sketch("big", 0.95, 0.040, memory_bytes=900e6, energy_j=2.0),
    Sketch("mid", 0.85, 0.012, energy_j=0.6),
    Sketch("small", 0.70, 0.004, memory_bytes=90e6, energy_j=0.2),
    Sketch("waste", 0.55, 0.045, memory_bytes=950e6, energy_j=2.5),
]
OBJECTIVES = ("quality", "latency_p95_s", "peak_memory_bytes", "energy_per_example_j")
RULE = DecisionSpec(replicates=300)


def _decide(models=MODELS, tasks=("topic",), *limits, objectives=OBJECTIVES, **how) -> Decision:  # type: ignore[no-untyped-def]
    question = Question(
        objectives, tuple(parse_limit(*x) for x in limits), how.pop("rule", RULE), how.pop("prices", None)
    )
    records = make_run(models, list(tasks), examples=300, requests=150, processes=how.pop("processes", 1))
    return decide(summarise(records), question)


def _remarks(decision: Decision, kind: type) -> list[object]:
    """Returns the remarks of one kind on the first task."""
    return [remark for remark in decision.tasks["topic"].remarks if isinstance(remark, kind)]


def test_a_whole_run() -> None:
    found = _decide(MODELS, ("topic",), ("latency_p95_s", "<= 50 ms"))
    labels = {s.name: s.label for s in found.tasks["topic"].standings}
    assert labels == {
        "big": "infeasible",
        "mid": "on the front",
        "small": "on the front",
        "waste": "infeasible",
    }
    assert found.tasks["topic"].recommendation.pick == "mid"
    assert found.fronts() == {"topic": ["mid", "small"]}
    assert found.across is None
    for count, label in ((1, "possibly"), (2, "dominated")):  # one process says nothing of another
        standings = _decide(processes=count).tasks["topic"].standings
        assert {s.name: s.label for s in standings}["waste"] == label


def test_same_seed_same_decision_and_json_is_clean() -> None:
    first, second = (json.dumps(decision_document(_decide()), allow_nan=False) for _ in range(2))
    assert first == second
    found = json.loads(first)
    assert set(found["tasks"]["topic"]) >= {"front", "candidates", "recommendation", "sensitivity", "remarks"}


def test_across_tasks_and_leaving_each_out() -> None:
    tasks = [Task("topic"), Task("en-de", "translation"), Task("lm", "language-modelling")]
    found = _decide(MODELS, tasks)
    assert found.across is not None and found.across.recommendation.pick == "big"
    assert [left.task for left in found.without_task] == ["topic", "en-de", "lm"]
    assert {left.usual for left in found.without_task} == {"big"}


MUTE = [*MODELS, Sketch("mute", energy_j=None)]
SILENT = [replace(m, energy_j=None) for m in MODELS]
DEAD = [Sketch("dead", status="oom", reason="9 GiB of 8")]
ODD = [
    ([], (), None),
    ([Sketch("only")], (), Outcome.ALONE),
    (DEAD, (), Outcome.NOBODY),
    (MODELS, [("latency_p95_s", "<= 1 us")], Outcome.NOBODY),
    (MODELS, [("bleu", ">= 30")], Outcome.SETTLED),
    (SILENT, (), Outcome.SETTLED),
    (MUTE, (), Outcome.SETTLED),
    ([Sketch("x"), Sketch("x", variant="int8", latency_s=0.005)], (), Outcome.OPEN),
]


@pytest.mark.parametrize(("models", "limits", "outcome"), ODD)
def test_every_odd_case_can_be_told(models, limits, outcome) -> None:  # type: ignore[no-untyped-def]
    found = _decide(models, ("topic",), *limits)
    if not models:
        assert found.tasks == {} and sentences(found) == []
        return
    assert found.tasks["topic"].recommendation.outcome is outcome
    assert sentences(found) and json.dumps(decision_document(found), allow_nan=False)


def test_what_is_missing_or_inapplicable_is_remarked() -> None:
    assert _decide(DEAD).tasks["topic"].recommendation.nobody is Nobody.NOT_FINISHED
    (dead,) = _decide(DEAD).tasks["topic"].standings
    assert dead.missing == Missing(Absence.ENDED, status="oom", reason="9 GiB of 8")
    bleu = _decide(MODELS, ("topic",), ("bleu", ">= 30"))
    assert _remarks(bleu, LimitInapplicable) == [LimitInapplicable("topic", parse_limit("bleu", ">= 30"))]
    (silent,) = _remarks(_decide(SILENT), ObjectiveDropped)
    assert isinstance(silent, ObjectiveDropped)
    assert (silent.objective, silent.why) == ("energy_per_example_j", Dropped.NOT_MEASURED)
    mute = _decide(MUTE).tasks["topic"].standings[-1]
    assert mute.missing is not None and mute.missing.column == "energy_per_example_j"


def test_a_metric_of_another_task_is_dropped_as_an_objective() -> None:
    found = _decide(MODELS, ("topic",), objectives=("bleu", "accuracy", "latency_p95_s"))
    assert _remarks(found, ObjectiveDropped) == [ObjectiveDropped("topic", "bleu", Dropped.NOT_A_METRIC)]
    assert [c.name for c in found.tasks["topic"].board.columns] == ["accuracy", "latency_p95_s"]


def test_estimates_are_never_ranked_in_silence() -> None:
    mixed = [MODELS[0], replace(MODELS[1], energy_source="estimate")]
    assert _remarks(_decide(mixed), Estimated) == [Estimated("topic", "energy_per_example_j", ("mid",), ("big",))]
    alike = [replace(m, energy_source="estimate") for m in MODELS]
    everybody = tuple(m.name for m in MODELS)
    assert _remarks(_decide(alike), Estimated) == [Estimated("topic", "energy_per_example_j", everybody, ())]
    assert _remarks(_decide(), Estimated) == []


def test_the_range_of_an_estimate_counts_only_against_measurements() -> None:
    slow, quick = Sketch("slow", 0.9, 0.01, energy_j=1.0), Sketch("quick", 0.9, 0.01, energy_j=0.8)
    alone = _decide([replace(m, energy_source="estimate") for m in (slow, quick)])
    mixed = _decide([slow, replace(quick, energy_source="estimate")])
    draws = [d.tasks["topic"].board.draws[:, 1, 3] for d in (alone, mixed)]
    assert len(set(draws[0])) == 1 and draws[1].min() < 0.5 and draws[1].max() > 1.5


def test_prices_make_objectives() -> None:
    prices = PriceSpec(machine_per_hour=3.0, energy_per_kwh=0.25, carbon_g_per_kwh=300)
    found = _decide(objectives=("quality", "cost_per_1000", "carbon_per_1000_g"), prices=prices)
    board = found.tasks["topic"].board
    assert [c.name for c in board.columns] == ["accuracy", "cost_per_1000", "carbon_per_1000_g"]
    assert board.draws[:, 0, 1].std() > 0
    assert board.draws[:, 0, 1].mean() == pytest.approx(board.values[0, 1], rel=0.05)
    assert "cost_per_1000" in found.entries[0].efficiency


def test_what_enters_without_an_interval_is_remarked() -> None:
    once, twice = _decide(), _decide(processes=2)
    assert _remarks(once, TakenAsRead) == [TakenAsRead("topic", ("energy_per_example_j",), ())]
    assert _remarks(once, OneProcess) == [OneProcess("topic", ("latency_p95_s",), ())]
    assert _remarks(twice, TakenAsRead) == _remarks(twice, OneProcess) == []
    for decision in (once, twice):
        assert _remarks(decision, PeakRead) == [PeakRead("topic", ("peak_rss_bytes",), (), 0.02, 4 * 2**20)]


def test_an_estimate_of_one_process_is_compared_as_it_was_read() -> None:
    """A tenth of a per cent of an estimate certifies nobody."""
    twins = [
        Sketch("x", 0.9, 0.01, energy_j=1.000, energy_source="estimate"),
        Sketch("y", 0.6, 0.02, memory_bytes=300e6, energy_j=0.999, energy_source="estimate"),
    ]
    found = _decide(twins)
    (as_read,) = _remarks(found, TakenAsRead)
    assert isinstance(as_read, TakenAsRead) and "energy_per_example_j" in as_read.columns
    standing = found.tasks["topic"].standings[1]
    assert (standing.label, standing.set_apart) == ("possibly", SetApart(("energy_per_example_j",), "x"))


def test_what_is_counted_needs_no_interval() -> None:
    found = _decide(MODELS, ("topic",), ("parameters", "<= 9 M"), objectives=("quality", "weights_bytes"))
    assert _remarks(found, TakenAsRead) == []
    assert all(check.exact for standing in found.tasks["topic"].standings for check in standing.checks)


def test_a_limit_that_may_hold_on_all_tasks_is_judged_together() -> None:
    # big meets 40 ms on either task about half of the time, and must on both.
    slow = [replace(MODELS[0], latency_s=0.0266), MODELS[1]]
    alone = _decide(slow, ("topic",), ("latency_p95_s", "<= 40 ms")).tasks["topic"].recommendation
    both = _decide(slow, ("topic", "other"), ("latency_p95_s", "<= 40 ms"))
    each = [part.recommendation.shares.get("big", 0.0) for part in both.tasks.values()]
    assert both.across is not None and 0 < alone.shares.get("big", 0.0) < 1
    together = both.across.recommendation.shares.get("big", 0.0)
    assert together == pytest.approx(each[0] * each[1], abs=0.1) and together < min(each)


def test_a_limit_on_something_that_is_no_objective() -> None:
    found = _decide(MODELS, ("topic",), ("parameters", "<= 2 M"), objectives=("quality", "latency_p95_s"))
    assert found.tasks["topic"].board.objectives == 2
    assert all(s.checks[0].state == "inside" for s in found.tasks["topic"].standings)


def test_variants_of_shared_quality_are_paired() -> None:
    found = _decide([Sketch("x", 0.8), Sketch("y", 0.8)])
    board = found.tasks["topic"].board
    entries = found.entries
    right = [e.statistics["accuracy"][:, 0] for e in entries]
    import numpy as np

    expected = np.std(right[0] - right[1]) / 300**0.5
    assert (board.draws[:, 0, 0] - board.draws[:, 1, 0]).std() == pytest.approx(expected, rel=0.15)


def test_estimates_of_a_whole_run_under_a_limit_are_judged_at_their_worst() -> None:
    """The same entries, measured and estimated: an estimate abstains where a measurement decides."""
    measured = _decide(MODELS, ("topic",), ("energy_per_example_j", "<= 2.5 J")).tasks["topic"].recommendation
    guessed = [replace(m, energy_source="estimate") for m in MODELS]
    found = _decide(guessed, ("topic",), ("energy_per_example_j", "<= 2.5 J")).tasks["topic"].recommendation
    assert measured.pick == "big" and measured.confidence == 1.0
    assert (found.settled_pick, found.pick, found.confidence) == (None, "mid", 0.0)
    assert found.next_step is not None and found.next_step.how is How.METER
    assert (found.next_step.first.models, found.next_step.first.column) == (("big",), "energy_per_example_j")
