"""What the rerun leaves of a suspicion: regressed, refuted, or open; and the line that says so."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from bench.doubts import disturbances
from bench.errors import EnvironmentLackError
from bench.gate import rerun, settlement
from bench.gate.fronts import front_changes
from bench.gate.gate import gate
from bench.gate.result import conclude
from bench.gate.screen import screen
from bench.gate.settle import ROUNDS, is_refuted, settle
from bench.measure.canary import Canary
from bench.measure.machine_doubts import interference_doubts
from bench.meters.interference import Interference
from bench.record import MACHINE, Doubt, Fact
from bench.running.executors.base import Answer, Executor
from bench.running.executors.outcome import Failure
from bench.store import RunInfo, Store
from bench.summary import summarise
from tests.factories import Sketch, Task, make_record, make_run
from tests.history.nights import night, series

GOOD = [Sketch("a"), Sketch("b")]
STEP = float(np.log1p(0.03))


class Answers(Executor):
    """Answers a job by a function of its side, its number and its cell; counts the jobs."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.ran = answer, []

    def attempt(self, call):
        if "cell" not in call.arguments:
            return Answer(Canary(1, 0.004, {}, ""))
        side = "candidate" if "candidate" in call.log_path.name else "baseline"
        self.ran.append(side)
        return Answer(self.answer(side, call.arguments["process"], call.arguments["cell"]))


def measured(sketch, process=0, requests=400):
    return make_record(sketch, Task("topic"), examples=200, process=process, requests=requests)


def same(sketches):
    known = {measured(sketch).cell.id: sketch for sketch in sketches}
    return Answers(lambda _, process, cell: measured(known[cell.id], process))


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def changed(monkeypatch):
    """Both sides of every cell can be run, as those of a changed model."""
    monkeypatch.setattr(settlement, "duel", lambda new, old, score: rerun.Duel(new, old, score=score))


def latency(found):
    return next(line for line in found.lines if (line.model, line.reading) == ("a", "latency_p50_s"))


def test_the_same_model_on_a_slower_machine_is_unchanged_and_marked_so(store):
    slow = [Sketch("a", latency_s=0.0112), Sketch("b")]
    night(store, GOOD)
    night(store, slow)
    found = gate(store, executor=same(slow))
    assert (found.verdict, found.exit_code, latency(found).machine) == ("unchanged", 0, True)
    elsewhere = [remark for remark in found.remarks if "another environment" in remark]
    assert len(elsewhere) == 1 and "cpu model none" in elsewhere[0]
    here = same(slow)
    here.fingerprint = environment
    assert {*found.remarks} - {*gate(store, executor=here).remarks} == {*elsewhere}
    gone = same(slow)
    gone.fingerprint = Mock(side_effect=EnvironmentLackError("no machine is left"))
    without = gate(store, executor=gone)
    assert without.lines == found.lines, "what was measured again is judged, where its machines are gone by then, too"
    assert ["no machine is left" in remark for remark in {*without.remarks} - {*found.remarks}] == [True]


def test_what_disturbed_the_night_is_said_beside_it(store):
    night(store, GOOD)
    run_id = store.begin_run(RunInfo("s", "", "h", "bench", "m", "quick", environment=environment()))
    doubt = Doubt("load_of_others", "other processes kept 1.40 CPUs busy", "stop them", ("latency",))
    for sketch in (Sketch("a", latency_s=0.0112), Sketch("b")):
        store.commit(run_id, replace(measured(sketch, requests=100), doubts=(doubt,)))
    store.finish_run(run_id, "complete")
    found = gate(store, executor=same([Sketch("a", latency_s=0.0096), Sketch("b")]))
    assert "the night was disturbed (other processes kept 1.40 CPUs busy)" in latency(found).text


def environment():
    return {"machine": {"kernel": "m"}, "software": {"packages": {"bench": "0.1"}}}


def test_the_same_model_at_half_its_speed_is_left_suspected(store):
    slow = [Sketch("a", latency_s=0.02), Sketch("b")]
    for _ in range(5):
        night(store, GOOD)
    night(store, slow)
    found = gate(store, executor=same(slow))
    assert (found.verdict, found.exit_code) == ("suspected", 0)
    assert (latency(found).verdict, latency(found).rerun, latency(found).machine) == ("suspected", True, False)
    assert gate(store, executor=same(slow), strict=True).exit_code == 6


def test_a_rerun_that_is_too_noisy_refutes_nothing(store, changed):
    night(store, GOOD)
    night(store, [Sketch("a", latency_s=0.012), Sketch("b")])
    executor = Answers(
        lambda side, process, _: measured(
            Sketch("a", latency_s=0.01 * float(np.exp(0.6 * (-1) ** process if side == "candidate" else 0))), process
        )
    )
    found = gate(store, executor=executor)
    assert (found.verdict, found.exit_code, len(executor.ran)) == ("suspected", 0, 2 * ROUNDS[-1])
    assert (latency(found).verdict, latency(found).rerun) == ("suspected", True)


def test_refuting_needs_an_interval_that_excludes_what_was_suspected():
    rng = np.random.default_rng(1)
    quiet, noisy = (np.exp(sigma * rng.standard_normal((2, 12))) for sigma in (0.01, 0.2))
    calm, loud = settle(quiet[0], quiet[1]), settle(noisy[0], noisy[1])
    assert calm is not None and loud is not None
    assert is_refuted(calm, STEP, False, 0.2) and not is_refuted(loud, STEP, False, 0.05)
    mirrored = settle(noisy[1] * 0.7, noisy[0])
    assert mirrored is not None and is_refuted(mirrored, STEP, True, 0.05)  # far better, where more is better


def test_a_canary_taken_under_load_does_not_hide_a_changed_model():
    values, canary = [0.010] * 6 + [0.012], [0.004] * 6 + [0.0048]
    found = series(values, canary=canary)
    candidate, baseline = found.points[-1], found.points[-2]
    same_model, other_model = (screen(found, candidate, baseline, changed=c) for c in (False, True))
    assert same_model is not None and not same_model.suspected
    assert other_model is not None and other_model.suspected and other_model.worse


def test_a_changed_model_that_the_nights_are_too_noisy_to_see_is_run_again(store, changed, monkeypatch):
    for factor in (1.0, 1.3, 0.8, 1.2, 0.75, 1.0):
        night(store, [Sketch("a", latency_s=0.01 * factor)])
    night(store, [Sketch("a", latency_s=0.0105)])
    executor = Answers(lambda side, p, _: measured(Sketch("a", latency_s=0.0115 if side == "candidate" else 0.01), p))
    monkeypatch.setattr("bench.gate.speed.screen", lambda *a, **_: screen(*a, changed=True))
    assert gate(store, executor=executor).verdict == "unchanged"  # the same cell: nothing asks for a rerun
    monkeypatch.setattr("bench.gate.speed.is_other", lambda *_: True)
    found = gate(store, executor=executor)
    assert latency(found).verdict == "regressed" and found.exit_code == 6


def test_answers_that_cannot_be_had_again_are_no_changed_environment(store):
    night(store, GOOD)
    night(store, [Sketch("a", skill=0.5), Sketch("b")])
    found = gate(store, executor=same(GOOD))
    accuracy = next(line for line in found.lines if (line.model, line.reading) == ("a", "accuracy"))
    assert (accuracy.verdict, found.exit_code) == ("suspected", 0) and accuracy.rerun


@pytest.mark.parametrize(("now", "verdict", "code"), [("ok", "suspected", 0), ("timeout", "regressed", 6)])
def test_a_cell_that_ended_badly_is_run_once_more(store, now, verdict, code):
    night(store, GOOD)
    night(store, [Sketch("a"), Sketch("b", status="timeout", reason="60 s are over")])
    found = gate(store, executor=same([Sketch("a"), Sketch("b", status=now, reason="again")]))
    assert (found.verdict, found.exit_code) == (verdict, code) and "60 s are over" in found.sentence


def test_a_side_that_always_fails_is_not_run_to_the_last_round(store, changed):
    night(store, GOOD)
    night(store, [Sketch("a", latency_s=0.012), Sketch("b")])
    executor = Answers(lambda side, p, _: measured(Sketch("a", status="timeout" if side == "baseline" else "ok"), p))
    found = gate(store, executor=executor)
    assert found.verdict == "suspected" and len(executor.ran) <= 2 * rerun.MOST_FAILURES


def test_a_changed_environment_is_named_in_the_last_line(store):
    night(store, GOOD, "kernel-1")
    night(store, GOOD, "kernel-2")
    sentence = gate(store).sentence
    assert sentence.startswith("Environment changed: machine kernel kernel-1 → kernel-2; ")
    assert "begin anew" in sentence and "the other 4 are unchanged" in sentence


def test_a_front_that_moves_with_the_same_models_is_chance_and_not_in_the_last_line():
    settings = {
        "models": [{"name": name, "family": "baseline", "strategy": "majority"} for name in "ab"],
        "tasks": [{"name": "topic", "kind": "classification", "data": {"builtin": "waybills"}}],
        "objectives": ["quality", "peak_rss_bytes"],
    }
    info = RunInfo("s", "", "h", "bench", "m", "quick", settings=settings)
    small, large = (summarise(make_run([Sketch("a"), Sketch("b", memory_bytes=size)])) for size in (100e6, 900e6))
    moved, why = front_changes(info, large, small)
    assert why is None and moved[0].lost == ("b",) and moved[0].by_chance
    said = conclude("new", "old", "previous", (), moved, (), ())
    assert "The front moved" not in said.sentence
    other = tuple(replace(front, by_chance=False) for front in moved)
    assert "The front moved" in conclude("new", "old", "previous", (), other, (), ()).sentence


def test_a_night_with_a_new_reading_is_compared_with_one_without_by_what_both_have():
    settings = {
        "models": [{"name": name, "family": "baseline", "strategy": "majority"} for name in "ab"],
        "tasks": [{"name": "topic", "kind": "classification", "data": {"builtin": "waybills"}}],
        "objectives": ["quality", "memory"],
    }
    info = RunInfo("s", "", "h", "bench", "m", "quick", settings=settings)
    records = make_run([Sketch("a", 0.9, memory_bytes=400e6), Sketch("b", 0.7, memory_bytes=300e6)])
    own = {"a": 100e6, "b": 200e6}  # by which b would be on no front
    newer = [
        replace(record, facts=(*record.facts, Fact("model_memory_bytes", own[record.cell.model], "bytes", "here")))
        for record in records
    ]
    for candidate, baseline in ((newer, records), (records, newer)):
        moved, why = front_changes(info, summarise(candidate), summarise(baseline))
        assert why is None and not any(front.changed for front in moved)


def test_whatever_the_machine_did_is_said_beside_what_it_changed():
    found = interference_doubts(Interference(10.0, 5.0, 1.0, 1.0, 3, 0.2, heat_events=2), 0)
    assert len(found) == 4
    assert {doubt.code for doubt in found} <= disturbances()


def test_the_first_pair_that_ends_well_is_the_one_that_scores(tmp_path):
    class Flaky(Executor):
        def __init__(self):
            super().__init__()
            self.processes = []

        def attempt(self, call):
            self.processes.append(call.arguments["process"])
            failed = Answer(failure=Failure("failed", "once"))
            return failed if len(self.processes) == 1 else Answer(measured(GOOD[0], call.arguments["process"]))

    flaky, cell = Flaky(), measured(GOOD[0]).cell
    one = rerun.Duel(cell, cell, score=True)
    rerun.fight([one], flaky, tmp_path, "run", rounds=range(3), seed=1, say=lambda _: None)
    assert flaky.processes == [0, 0, 0, 3, 3]
    assert [len(one.failures), len(one.pairs)] == [1, 2] and one.pairs[0][1].samples


def test_two_sides_on_different_machines_are_no_pair(tmp_path):
    class Losing(Executor):
        """Loses its first machine after the first call."""

        calls = 0

        def attempt(self, call):
            self.calls += 1
            record = measured(GOOD[0], call.arguments["process"])
            return Answer(replace(record, notes={MACHINE: {"name": "one" if self.calls == 1 else "two"}}))

    cell = measured(GOOD[0]).cell
    one = rerun.Duel(cell, cell)
    rerun.fight([one], Losing(), tmp_path, "run", rounds=range(3), seed=1, say=lambda _: None)
    assert [len(one.failures), len(one.pairs)] == [1, 2]
