"""Which machine a block of work has: of one that was begun before the machine that has its other part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from bench.record import Cell, Record, machine_of
from bench.running.executors.base import Executor
from bench.running.executors.outcome import Answer
from bench.running.executors.ray import RayExecutor
from bench.running.machines.agent import Request
from bench.running.runner import run
from bench.running.targets import CANARY
from bench.store import RunInfo, Store
from tests.jobs import make_job
from tests.running.machines.fake_ray import FakeRay

pytest.importorskip("ray")
MACHINES = ("one", "three", "two")
INFO = RunInfo("suite", "name: suite", "hash", "bench run", "machine", "quick")
CANARY_READ = {"version": 1, "seconds": 1.0, "parts": {}, "taken_at": "2026-01-01T00:00:00+00:00"}


def plan_of(models: str) -> list[Cell]:
    return [Cell(m, "f", "float32", t, "k", make_job(m, t), {"m": m, "t": t}) for t in "wxyz" for m in models]


def connected(
    answers: Callable[[str, Request], Answer], monkeypatch: pytest.MonkeyPatch, machines: Sequence[str] = MACHINES
) -> RayExecutor:
    FakeRay(machines, answers).install(monkeypatch)
    executor = RayExecutor(measuring=True)
    executor.connect()
    return executor


def answering(stop_after: int | None = None) -> Callable[[str, Request], Answer]:
    """Answer each cell, and stop the run after some."""
    done: list[str] = []

    def answers(name: str, request: Request) -> Answer:
        if request.call.target == CANARY:
            return Answer(CANARY_READ)
        if len(done) == stop_after:
            raise KeyboardInterrupt
        cell, process = request.call.arguments["cell"], request.call.arguments["process"]
        assert isinstance(cell, Cell) and isinstance(process, int)
        done.append(cell.label)
        return Answer(Record(cell, "ok", None, process))

    return answers


def measured(executor: Executor, store: Store, models: str) -> list[Record]:
    finished = run(plan_of(models), executor, store, INFO, processes=1, canary=True)
    return list(store.load(finished.run_id).records)


def machines_of_blocks(records: Sequence[Record]) -> Mapping[str, set[str | None]]:
    blocks: dict[str, set[str | None]] = {}
    for record in records:
        blocks.setdefault(record.cell.task, set()).add(machine_of(record))
    return blocks


@pytest.mark.parametrize(
    ("before", "stop_after"),
    [
        pytest.param("abcd", 10, id="the run was stopped in the middle of blocks"),
        pytest.param("ab", None, id="candidates were added to the suite"),
    ],
)
def test_a_block_that_was_begun_before_goes_on_where_it_was(
    before: str, stop_after: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path) as store:
        first = measured(connected(answering(stop_after), monkeypatch, ("one", "two")), store, before)
        assert len(first) == (stop_after or 8)
        second = measured(connected(answering(), monkeypatch), store, "abcd")
    assert len(second) == 16
    blocks = machines_of_blocks(second)
    assert all(len(machines) == 1 for machines in blocks.values())
    assert len(set[str | None]().union(*blocks.values())) > 1
