"""The rounds of a racing run, with an executor whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.decision import Question, decide
from bench.decision.remarks import StoppedEarly
from bench.racing.order import shuffle
from bench.racing.rounds import MOST_PROCESSES, Racing, TaskRace
from bench.racing.state import Race, Until
from bench.record import ASKED, Asked, Record
from bench.running.executors.base import Answer, Executor
from bench.running.runner import run
from bench.store import RunInfo, Store
from bench.suite import DecisionSpec
from bench.suite.limits import parse_limit
from bench.summary import summarise_run
from bench.summary.raced import race_outcome
from tests.factories import Sketch, Task, make_record

EXAMPLES = 400
TASK = Task("topic")
BEST, NEAR, FAR = Sketch("best", skill=0.9), Sketch("near", skill=0.88), Sketch("far", skill=0.4)
INFO = RunInfo("suite", "name: suite", "hash", "bench run", "machine", "quick")


class Answers(Executor):
    """Answers the examples that are asked for with those of a sketch, and remembers what it was asked."""

    def __init__(self, sketches: dict[str, Sketch], dies_after: int | None = None) -> None:
        super().__init__()
        self.sketches, self.dies_after = sketches, dies_after
        self.asked: list[tuple[str, int, Asked]] = []
        self.answered: list[tuple[str, int]] = []
        self.taken: dict[str, int] = {}
        """Answers of an earlier run, by candidate."""

    def attempt(self, call):
        if self.dies_after is not None and len(self.asked) >= self.dies_after:
            raise KeyboardInterrupt
        cell, process, asked = (call.arguments[name] for name in ("cell", "process", "asked"))
        self.asked.append((cell.model, process, asked))
        there = {sample.index for sample in call.arguments.get("scored", ())}
        taken = there & {*asked.examples, *asked.at_hand} if call.arguments.get("scored_by") else set()
        self.answered += [(cell.model, index) for index in asked.examples if index not in there]
        self.taken[cell.model] = self.taken.get(cell.model, 0) + len(taken)
        whole = make_record(self.sketches[cell.model], TASK, examples=EXAMPLES, process=0)
        wanted = {*asked.examples, *taken}
        record = replace(
            whole,
            cell=cell,
            process=process,
            status="settled",
            samples=tuple(sample for sample in whole.samples if sample.index in wanted),
            timings=tuple(replace(t, process=process) for t in whole.timings) if asked.measures else (),
            facts=whole.facts if asked.measures else (),
            notes={**whole.notes, ASKED: asked.note(len(taken)), **({} if asked.measures else {"profile": "off"})},
        )
        return Answer(record)


def racing(limit: str | None = None, budget_s: float | None = None, margin: float = 0.5) -> Racing:
    order = shuffle([f"e{i}" for i in range(EXAMPLES)], [None] * EXAMPLES, 42)
    limits = () if limit is None else (parse_limit("latency_p50_s", limit),)
    question = Question(("quality", "latency_p50_s"), limits, firsts=("accuracy",))
    return Racing(Race(margin=margin), question, {TASK.name: TaskRace(order)}, budget_s=budget_s)


def cells(*sketches: Sketch):
    return [make_record(sketch, TASK).cell for sketch in sketches]


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path) as opened:
        yield opened


def go(store: Store, executor: Answers, rounds: Racing, *sketches: Sketch):
    return run(cells(*sketches), executor, store, INFO, rounds=rounds)


def by_name(*sketches: Sketch) -> dict[str, Sketch]:
    return {sketch.name: sketch for sketch in sketches}


def test_a_candidate_that_is_far_behind_answers_the_first_block_alone(store):
    executor = Answers(by_name(BEST, NEAR, FAR))
    finished = go(store, executor, racing(), BEST, NEAR, FAR)
    stored = store.load(finished.run_id)
    counts = {entry.candidate: len(entry.samples) for entry in summarise_run(stored)}
    assert counts["far"] < 100 < counts["best"]
    race = race_outcome(stored.info.race)
    assert race is not None and race.tasks["topic"].out["far"].reason == "no rival" and race.share < 1


def test_all_answer_the_same_examples_in_the_same_order_and_none_twice(store):
    executor = Answers(by_name(BEST, NEAR, FAR))
    go(store, executor, racing(), BEST, NEAR, FAR)
    assert len(executor.answered) == len(set(executor.answered))
    first = {model: asked.examples for model, process, asked in executor.asked if process == 0}
    assert len(set(first.values())) == 1


def test_the_pick_is_that_of_the_full_data(store):
    finished = go(store, Answers(by_name(BEST, FAR)), racing(), BEST, FAR)
    decision = decide(summarise_run(store.load(finished.run_id)), racing().question)
    assert decision.tasks["topic"].pick == "best"


def test_a_cell_that_stopped_early_says_so_and_is_not_taken_for_a_finished_one(store):
    finished = go(store, Answers(by_name(BEST, FAR)), racing(), BEST, FAR)
    far = next(entry for entry in summarise_run(store.load(finished.run_id)) if entry.candidate == "far")
    assert far.status == "settled" and far.ended_well and f"of {EXAMPLES}" in (far.reason or "")
    later = store.begin_run(INFO)
    assert store.reuse(later, far.cell, 0) is None and store.scored_before(finished.run_id, far.cell) is None
    taken = store.scored_before(later, far.cell)
    assert taken is not None and len(taken[0]) == len(far.samples)


@pytest.mark.parametrize("jobs", [1, 4, 7])
def test_a_run_that_was_killed_goes_on_with_the_same_looks_and_answers_nothing_twice(tmp_path, jobs):
    whole = Answers(by_name(BEST, NEAR, FAR))
    with Store.open(tmp_path / "whole") as store:
        expected = store.load(go(store, whole, racing(), BEST, NEAR, FAR).run_id).info.race
    with Store.open(tmp_path / "killed") as store:
        dying = Answers(by_name(BEST, NEAR, FAR), dies_after=jobs)
        assert go(store, dying, racing(), BEST, NEAR, FAR).interrupted
        after = Answers(by_name(BEST, NEAR, FAR))
        race = store.load(go(store, after, racing(), BEST, NEAR, FAR).run_id).info.race
    assert race["tasks"] == expected["tasks"]
    assert sorted(dying.answered + after.answered) == sorted(whole.answered)


def test_the_same_race_again_is_taken_over_whole(store):
    go(store, Answers(by_name(BEST, FAR)), racing(), BEST, FAR)
    again = Answers(by_name(BEST, FAR))
    finished = go(store, again, racing(), BEST, FAR)
    assert again.asked == []
    assert store.load(finished.run_id).info.race["tasks"]


@pytest.mark.parametrize("until", list(Until))
@pytest.mark.parametrize("margin", [0.1, 4.0])
def test_another_race_measures_anew_and_answers_nothing_twice(store, until, margin):
    """Until the front is settled costs are measured for whole windows, and another margin has other looks."""
    first, rounds = Answers(by_name(BEST, NEAR, FAR)), racing(margin=margin)
    go(store, first, racing(), BEST, NEAR, FAR)
    second = Answers(by_name(BEST, NEAR, FAR))
    finished = go(store, second, replace(rounds, race=replace(rounds.race, until=until)), BEST, NEAR, FAR)
    assert set(first.answered).isdisjoint(second.answered)
    entries = summarise_run(store.load(finished.run_id))
    assert all(len({sample.index for sample in entry.samples}) == len(entry.samples) for entry in entries)
    if until is Until.FRONT:
        assert all(second.taken.values()) and {model for model, _, asked in second.asked if asked.measures} == set(
            second.taken
        )


def test_a_race_takes_over_what_was_scored_without_measuring(store):
    """The cell that is measured has the same quality."""
    first, second = Answers(by_name(BEST, FAR)), Answers(by_name(BEST, FAR))
    go(store, first, racing(), BEST, FAR)
    measured = [replace(cell, identity={**cell.identity, "measure": "quick"}) for cell in cells(BEST, FAR)]
    run(measured, second, store, INFO, rounds=racing(margin=0.1))
    assert first.answered and set(first.answered).isdisjoint(second.answered)


def test_a_rerun_takes_over_no_answer(store):
    go(store, Answers(by_name(BEST, FAR)), racing(), BEST, FAR)
    again = Answers(by_name(BEST, FAR))
    run(cells(BEST, FAR), again, store, INFO, rounds=racing(margin=0.1), rerun=True)
    assert not any(again.taken.values()) and again.answered


def test_the_first_round_measures_briefly_and_an_open_limit_whole(store):
    slow = replace(BEST, latency_s=0.01)
    executor = Answers(by_name(slow, FAR))
    go(store, executor, racing(limit="<= 10 ms"), slow, FAR)
    briefly = {process: asked.briefly for _, process, asked in executor.asked if asked.measures}
    assert briefly.pop(0) and briefly and not any(briefly.values())


@pytest.mark.parametrize(
    "rule",
    [
        DecisionSpec(rule="cheapest-within-epsilon", epsilon=0.02),
        DecisionSpec(rule="lexicographic", order=["latency_p50_s", "quality"]),
        DecisionSpec(prefer="latency_p50_s"),
        DecisionSpec(margins={"quality": 0.02}),
    ],
)
def test_where_costs_decide_the_first_round_measures_whole(store, rule):
    executor, rounds = Answers(by_name(BEST, FAR)), racing()
    go(store, executor, replace(rounds, question=replace(rounds.question, rule=rule)), BEST, FAR)
    assert any(asked.measures for *_, asked in executor.asked)
    assert not any(asked.briefly for *_, asked in executor.asked)


def test_a_race_for_the_front_measures_whole_from_the_start(store):
    executor, rounds = Answers(by_name(BEST, FAR)), racing()
    go(store, executor, replace(rounds, race=replace(rounds.race, until=Until.FRONT)), BEST, FAR)
    assert any(asked.measures for *_, asked in executor.asked)
    assert not any(asked.briefly for *_, asked in executor.asked)


def test_what_is_asked_briefly_is_not_done_by_what_was_measured_otherwise():
    assert Asked((1, 2), total=3, briefly=True).key != Asked((1, 2), total=3).key


def test_a_budget_reckons_with_the_whole_windows_of_a_further_process(store):
    """The first processes took a moment; what a whole one takes beyond that is over the budget."""
    slow = replace(BEST, latency_s=0.01)
    spent = sum(make_record(sketch, TASK).wall_s for sketch in (slow, FAR))
    executor = Answers(by_name(slow, FAR))
    rounds = racing(limit="<= 10 ms", budget_s=3 * spent + 5)
    finished = go(store, executor, replace(rounds, spared_s=spent + 5), slow, FAR)
    assert store.load(finished.run_id).info.race["tasks"]["topic"]["ending"] == "budget"


def test_an_open_limit_is_measured_in_further_processes_and_no_more_than_so_many(store):
    slow = replace(BEST, latency_s=0.0100, spread=0.01)
    executor = Answers(by_name(slow, FAR))
    finished = go(store, executor, racing(limit="<= 10 ms"), slow, FAR)
    measured = [process for model, process, asked in executor.asked if model == "best" and asked.measures]
    assert 1 < len(measured) <= MOST_PROCESSES
    assert store.load(finished.run_id).info.race["tasks"]["topic"]["ending"] in ("limit open", "decided", "nobody")


def test_a_budget_ends_the_race_and_says_so(store):
    twin = replace(BEST, name="twin")
    finished = go(store, Answers(by_name(BEST, twin, NEAR)), racing(budget_s=4.0), BEST, twin, NEAR)
    assert store.load(finished.run_id).info.race["tasks"]["topic"]["ending"] == "budget"


def test_a_model_that_fails_is_out_and_the_others_go_on(store):
    class Fails(Answers):
        def attempt(self, call):
            answer = super().attempt(call)
            broken = Record(call.arguments["cell"], "failed", "it broke", call.arguments["process"])
            return Answer(broken) if call.arguments["cell"].model == "far" else answer

    finished = go(store, Fails(by_name(BEST, NEAR, FAR)), racing(), BEST, NEAR, FAR)
    assert finished.exit_code == 5
    race = store.load(finished.run_id).info.race["tasks"]["topic"]
    assert race["pick"] in ("best", "near") and race["out"]["far"]["reason"] == "ended"


def test_no_place_on_the_front_is_certain_by_the_quality_of_a_cell_that_stopped_early(store):
    finished = go(store, Answers(by_name(BEST, FAR)), racing(), BEST, FAR)
    part = decide(summarise_run(store.load(finished.run_id)), racing().question).tasks["topic"]
    assert [remark.candidates for remark in part.remarks if isinstance(remark, StoppedEarly)] == [()]
    assert not any(standing.label in ("on the front", "dominated") for standing in part.standings)


def test_after_a_tie_the_decision_ships_whom_the_race_took(store):
    cheap = replace(NEAR, name="cheap", latency_s=0.002)
    finished = go(store, Answers(by_name(BEST, cheap, FAR)), racing(margin=20.0), BEST, cheap, FAR)
    stored = store.load(finished.run_id)
    race = stored.info.race["tasks"]["topic"]
    assert (race["ending"], race["pick"], race["leader"]) == ("tie", "cheap", "best")
    assert decide(summarise_run(stored), racing().question).tasks["topic"].pick == "cheap"
