"""A machine that changes while a run is measured takes no further part in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.record import Cell, Record
from bench.running.executors.outcome import Answer
from bench.running.executors.ray import RayExecutor
from bench.running.machines.agent import Request
from bench.running.machines.watch import Watch
from bench.running.progress import SilentProgress
from bench.running.runner import run
from bench.running.targets import CANARY
from bench.store import RunInfo, Store
from tests.jobs import make_job
from tests.running.machines.fake_ray import FakeRay

pytest.importorskip("ray")
MACHINES = ("one", "three", "two")
INFO = RunInfo("suite", "name: suite", "hash", "bench run", "machine", "quick")


class Told(SilentProgress):
    """Keeps what is told of machines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, line: str) -> None:
        self.lines.append(line)


def measured(seconds: Sequence[float], folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Record], Told]:
    """Run three tasks of two models in two processes; the canary of machine `three` takes so long, time after time."""
    taken: Counter[str] = Counter()

    def answers(name: str, request: Request) -> Answer:
        if request.call.target != CANARY:
            cell, process = request.call.arguments["cell"], request.call.arguments["process"]
            assert isinstance(cell, Cell) and isinstance(process, int)
            return Answer(Record(cell, "ok", None, process))
        taken[name] += 1
        took = seconds[min(taken[name], len(seconds)) - 1] if name == "three" else 1.0
        return Answer({"version": 1, "seconds": took, "parts": {}, "taken_at": "2026-01-01T00:00:00+00:00"})

    FakeRay(MACHINES, answers).install(monkeypatch)
    plan = [Cell(m, "f", "float32", t, "k", make_job(m, t), {"m": m, "t": t}) for t in "xyz" for m in "ab"]
    told = Told()
    executor = RayExecutor(measuring=True)
    executor.connect()
    with Store.open(folder) as store:
        finished = run(plan, executor, store, INFO, processes=2, progress=told, canary=True)
        assert finished.counts == {"ok": 6}
        return list(store.load(finished.run_id).records), told


@pytest.mark.parametrize(
    ("seconds", "jobs", "said"),
    [
        pytest.param([1.0, 1.5], 0, True, id="before its first block, which another machine does"),
        pytest.param([1.0, 1.0, 1.5], 2, True, id="after its first block, which stays"),
        pytest.param([1.0, 1.0, 1.5, 1.0], None, False, id="once, and not when it is asked again"),
    ],
)
def test_a_machine_that_is_off_after_the_start_is_left_out_and_said(
    seconds: list[float], jobs: int | None, said: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, told = measured(seconds, tmp_path, monkeypatch)
    machines = Counter(record.notes["machine"]["name"] for record in records)
    assert jobs is None or machines["three"] == jobs
    assert any(line.startswith("three is left out: ") for line in told.lines) is said
    blocks = {}
    for record in records:
        blocks.setdefault((record.cell.task, record.process), set()).add(record.notes["machine"]["name"])
    assert len(blocks) == 6
    assert all(len(names) == 1 for names in blocks.values())


def test_two_machines_say_nothing_of_each_other() -> None:
    watch = Watch()
    watch.begin({"one": 1.0, "two": 1.0})
    assert watch.off("two", 2.0) is None
    assert watch.off("three", 1.0) is None
    assert watch.off("two", 2.0) == pytest.approx(1.0)
    watch.forget("three")
    assert watch.off("two", 2.0) is None
