"""The fixed workload, with a clock of its own."""

import itertools

import pytest

from bench.measure import canary
from bench.measure.canary import VERSION, measure_canary
from bench.running.canary import run_canary
from bench.running.executors.base import Answer, Executor
from bench.running.executors.outcome import Failure


def test_the_seconds_are_the_sum_of_the_medians_of_the_parts():
    ticks = itertools.count(0, 1_000_000)
    found = measure_canary(repeats=3, clock=lambda: next(ticks))
    assert found.version == VERSION and set(found.parts) == {"matmul", "python", "copy"}
    assert found.seconds == pytest.approx(0.003) and found.parts["python"] == pytest.approx(0.001)


def test_it_runs_on_the_cpus_of_the_models(monkeypatch):
    done = []
    monkeypatch.setattr(canary, "bind", lambda cpus: done.append(f"bound to {cpus}"))
    monkeypatch.setattr(canary, "_matmul", lambda: done.append("worked") or (lambda: None))
    measure_canary(repeats=1, cpus="2-3")
    assert done == ["bound to 2-3", "worked"]


@pytest.mark.parametrize(("cpus", "told"), [("2-3", {"cpus": "2-3"}), (None, {})])
def test_a_run_tells_it_which_those_are(tmp_path, cpus, told):
    class Listener(Executor):
        def attempt(self, call):
            self.told = dict(call.arguments)
            return Answer(failure=Failure("failed", "nothing was measured"))

    listener = Listener()
    assert run_canary(listener, tmp_path / "canary.log", cpus) is None
    assert listener.told == told
