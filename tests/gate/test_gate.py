"""The gate on stored runs, with an executor whose truth is known."""

import json

import pytest

from bench.__main__ import main
from bench.errors import UsageError
from bench.gate import rerun, settlement
from bench.gate.gate import gate
from bench.history import read_history
from bench.measure.canary import Canary
from bench.running.executors import Chosen
from bench.running.executors.base import Answer, Executor
from bench.store import RunInfo, Store
from bench.suite.machines import MachinesSpec
from tests.factories import Sketch, Task, make_record
from tests.history.nights import night

GOOD = [Sketch("a"), Sketch("b")]


class Knows(Executor):
    """Answers each cell with the record of a sketch; counts what it ran."""

    def __init__(self, sketches):
        super().__init__()
        self.sketches, self.ran, self.closed = sketches, [], False

    def close(self):
        super().close()
        self.closed = True

    def attempt(self, call):
        if "cell" not in call.arguments:
            return Answer(Canary(1, 0.004, {}, ""))
        cell, process = call.arguments["cell"], call.arguments["process"]
        self.ran.append((cell.id, process))
        return Answer(make_record(self.sketches[cell.id], Task("topic"), examples=200, process=process))


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path) as opened:
        yield opened


def test_the_first_run_has_insufficient_history(store):
    night(store, GOOD)
    found = gate(store)
    assert (found.verdict, found.baseline, found.exit_code) == ("insufficient history", None, 0)


def test_equal_nights_are_unchanged_and_say_what_they_could_have_found(store):
    for _ in range(3):
        night(store, GOOD)
    found = gate(store)
    assert (found.verdict, found.exit_code) == ("unchanged", 0)
    latency = next(line for line in found.lines if line.reading == "latency_p50_s")
    assert latency.detectable is not None and latency.detectable > 0.03
    json.dumps(found.to_json(), allow_nan=False)


def test_a_worse_model_fails_and_is_named(store):
    night(store, GOOD)
    night(store, [Sketch("a"), Sketch("b", skill=0.5)])
    found = gate(store)
    assert (found.verdict, found.exit_code) == ("regressed", 6)
    accuracy = next(line for line in found.lines if (line.model, line.reading) == ("b", "accuracy"))
    assert accuracy.verdict == "regressed" and accuracy.power is not None


def test_without_a_rerun_a_slower_model_is_suspected_and_fails_nothing(store):
    night(store, GOOD)
    night(store, [Sketch("a", latency_s=0.012), Sketch("b")])
    found = gate(store)
    assert (found.verdict, found.exit_code) == ("suspected", 0)
    assert {(line.model, line.verdict) for line in found.lines if line.reading == "latency_p50_s"} == {
        ("a", "suspected"),
        ("b", "unchanged"),
    }


def test_the_same_model_measured_again_clears_a_disturbed_night(store):
    night(store, GOOD)
    night(store, [Sketch("a", latency_s=0.012), Sketch("b")])
    cells = {r.cell.id: s for s in GOOD for r in [make_record(s, Task("topic"))]}
    executor = Knows(cells)
    found = gate(store, executor=executor, rounds=(3,))
    assert (found.verdict, found.exit_code) == ("unchanged", 0)
    assert len(executor.ran) == 3 and any(line.rerun and not line.machine for line in found.lines)
    assert executor.closed


def test_the_command_closes_what_reruns_and_gives_it_the_suites_machines(tmp_path, monkeypatch):
    with Store.open(tmp_path) as store:
        info = RunInfo("s", "", "h", "bench", "m", "quick", settings={"machines": {"like": "H100", "at_least": 2}})
        store.finish_run(store.begin_run(info), "complete")
    executor, opened = Knows({}), []
    monkeypatch.setattr(Chosen, "open", lambda chosen, **_: opened.append(chosen) or executor)
    assert main(["gate", "latest", "--on", "ray", "--results", str(tmp_path)]) == 0
    assert [chosen.machines for chosen in opened] == [MachinesSpec(like="H100", at_least=2)]
    assert executor.closed


@pytest.mark.parametrize(("truth", "verdict", "code"), [(0.012, "regressed", 6), (0.010, "unchanged", 0)])
def test_only_what_the_rerun_confirms_fails(store, monkeypatch, truth, verdict, code):
    night(store, GOOD)
    night(store, [Sketch("a", latency_s=0.012), Sketch("b")])
    monkeypatch.setattr(settlement, "duel", lambda new, old, score: rerun.Duel(new, old, score=score))
    executor = Alternating(truth)
    found = gate(store, executor=executor, rounds=(6,))
    lines = {(line.model, line.reading): line for line in found.lines}
    assert lines["a", "latency_p50_s"].verdict == verdict and lines["a", "latency_p50_s"].rerun
    assert (found.exit_code, len(executor.ran)) == (code, 12)


class Alternating(Executor):
    """Tells candidate from baseline by the log of the job."""

    def __init__(self, truth):
        super().__init__()
        self.truth, self.ran = truth, []

    def attempt(self, call):
        process, side = call.arguments["process"], call.log_path.name
        self.ran.append(side)
        seconds = self.truth if "candidate" in side else 0.010
        return Answer(make_record(Sketch("a", latency_s=seconds), process=process, requests=400))


def test_another_machine_is_another_environment(store):
    night(store, GOOD, "kernel-1")
    night(store, [Sketch("a", latency_s=0.02), Sketch("b")], "kernel-2")
    found = gate(store)
    assert (found.verdict, found.exit_code) == ("environment changed", 0)
    assert any("kernel-1 → kernel-2" in line.environment for line in found.lines)


def test_baselines(store):
    first = night(store, GOOD)
    best = night(store, [Sketch("a", latency_s=0.008), Sketch("b", latency_s=0.008)])
    third = night(store, GOOD)
    night(store, GOOD)
    store.tag(first, "good")
    for asked, run_id in (("previous", third), ("best", best), ("tag:good", first), (first, first)):
        assert gate(store, baseline=asked).baseline == run_id
    with pytest.raises(UsageError, match="did you mean 'good'"):
        gate(store, baseline="tag:god")
    with pytest.raises(UsageError, match="own baseline"):
        gate(store, baseline="latest")


def test_a_cell_that_no_longer_runs_fails(store):
    night(store, GOOD)
    night(store, [Sketch("a"), Sketch("b", status="failed", reason="boom")])
    found = gate(store)
    assert found.exit_code == 6
    assert [(line.model, line.reading) for line in found.lines if line.verdict == "regressed"] == [("b", "status")]


def test_history_keeps_missing_nights_missing_and_cuts_at_the_environment(store):
    night(store, GOOD)
    night(store, [Sketch("a")])
    night(store, GOOD, "other")
    found = read_history(store, "s")
    b = found.find("b", "float32", "topic", "latency_p50_s")
    assert b is not None and [p.value is None for p in b.points] == [False, True, False]
    assert [p.segment for p in b.points][::2] == [0, 1]
    assert found.nights[2].changed == ("machine kernel m → other",)
    assert read_history(store, "s") == found  # now from the stored summaries
