"""Which machine a block of work has: of one that was begun before the machine that has its other part."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from bench.errors import EnvironmentLackError
from bench.host import fingerprint, machine_key
from bench.host.facts import Facts
from bench.record import Cell, Record, machine_of
from bench.running.executors import ray as ray_executor
from bench.running.executors.base import Call, Executor
from bench.running.executors.outcome import Answer, Failure
from bench.running.executors.ray import RayExecutor
from bench.running.machines.agent import Request
from bench.running.runner import run
from bench.running.targets import CANARY
from bench.store import RunInfo, Store
from tests.jobs import make_job
from tests.running.machines.fake_ray import FakeRay

ray = pytest.importorskip("ray")
MACHINES = ("one", "three", "two")
INFO = RunInfo("suite", "name: suite", "hash", "bench run", "machine", "quick")
GUARD_S = 60.0
"""Far beyond what is needed; reached only when the code is wrong."""
CANARY_READ = {"version": 1, "seconds": 1.0, "parts": {}, "taken_at": "2026-01-01T00:00:00+00:00"}


def plan_of(models: str, tasks: str = "wxyz") -> list[Cell]:
    return [Cell(m, "f", "float32", t, "k", make_job(m, t), {"m": m, "t": t}) for t in tasks for m in models]


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


def measured(executor: Executor, store: Store, models: str, tasks: str = "wxyz") -> list[Record]:
    finished = run(plan_of(models, tasks), executor, store, INFO, processes=1, canary=True)
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


def test_new_blocks_do_not_wait_for_those_that_wait_for_their_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run began on one machine, and goes on with three; what it began is done there, and what is new elsewhere."""
    begun, more = "abcdef", "xyz"
    work, there, left = answering(), threading.Event(), {f"v · {task}" for task in more}

    def answers(name: str, request: Request) -> Answer:
        cell = request.call.arguments.get("cell")
        if isinstance(cell, Cell):
            if name == "one" and cell.task in begun:
                assert there.wait(GUARD_S)
            left.discard(cell.label)
            if not left:
                there.set()
        return work(name, request)

    with Store.open(tmp_path) as store:
        measured(connected(answering(), monkeypatch, ("one",)), store, "u", begun)
        records = measured(connected(answers, monkeypatch), store, "uv", begun + more)
    blocks = machines_of_blocks(records)
    assert {task for task, machines in blocks.items() if machines == {"one"}} >= {*begun}
    assert all(len(machines) == 1 for machines in blocks.values())


def test_a_block_is_kept_for_its_machine_when_the_machines_are_seated_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answers(name: str, request: Request) -> Answer:
        asked.append(name)
        return Answer(CANARY_READ)

    executor = connected(answers, monkeypatch)
    executor.prefer("x #0", "two")
    executor.check([])
    asked.clear()
    executor.attempt(Call("x", {}, Path("log"), block="x #0"))
    assert asked == ["two"]


@pytest.mark.parametrize("failing", [(), ("two",), MACHINES], ids=["none", "one", "all"])
def test_a_machine_whose_canary_fails_is_left_out_and_said(
    failing: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it fails on all of them, none is the odd one."""
    told: list[str] = []
    FakeRay(
        MACHINES, lambda name, _: Answer(failure=Failure("failed", "no")) if name in failing else Answer(CANARY_READ)
    ).install(monkeypatch)
    executor = RayExecutor(measuring=True)
    executor.tell = told.append
    executor.connect()
    out = [line.split()[0] for line in told if "is left out" in line]
    assert out == (["two"] if failing == ("two",) else [])
    assert executor.fingerprint()["machines"] == [name for name in MACHINES if name not in out]


def test_machines_that_fall_into_halves_are_not_all_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = ("c", "d")
    FakeRay("abcd", lambda name, _: Answer(CANARY_READ | {"seconds": 2.0 if name in slow else 1.0})).install(
        monkeypatch
    )
    executor = RayExecutor(measuring=True)
    executor.connect()
    assert executor.fingerprint()["machines"] == ["a", "b"]


def of_kind(model: str) -> Facts:
    here = fingerprint()
    return here | {"cpu": here["cpu"] | {"model": model}}


def test_what_is_measured_again_is_measured_on_the_kind_that_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """A night is over, its executor was closed, and machines of another kind have become the majority."""
    cluster = FakeRay(("a1", "a2"), lambda *_: Answer(CANARY_READ), facts=lambda name: of_kind(name[0]))
    cluster.install(monkeypatch)
    executor = RayExecutor(measuring=True)
    night = executor.fingerprint()
    executor.close()
    cluster.names = ("a3", "b1", "b2", "b3")
    again = executor.fingerprint()
    assert again["machines"] == ["a3"]
    assert machine_key(again) == machine_key(night)  # another machine of the kind is the same environment
    executor.close()
    cluster.names = ("b1", "b2")
    with pytest.raises(EnvironmentLackError, match="no machine left of the kind that was measured: 2 machines of b"):
        executor.fingerprint()
    other = RayExecutor(measuring=True)
    assert machine_key(other.fingerprint()) != machine_key(night)


def test_a_run_whose_machines_are_lost_goes_on_with_no_other_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last machine dies in the second job: the run stays unfinished."""
    work = answering()

    def answers(name: str, request: Request) -> Answer:
        if name == "a" and len(done) == 1:
            cluster.names = ("b",)
            raise ray.exceptions.RayActorError
        done.append(name)
        return work(name, request)

    done: list[str] = []
    cluster = FakeRay(("a", "b"), answers, facts=of_kind)
    cluster.install(monkeypatch)
    executor = RayExecutor(measuring=True)
    executor.connect()
    with Store.open(tmp_path) as store:
        finished = run(plan_of("uv"), executor, store, INFO, processes=1)
        machines = [machine_of(record) for record in store.load(finished.run_id).records if record.status == "ok"]
    assert machines == ["a"] and finished.cut


def test_a_machine_of_another_kind_with_the_same_name_says_how_it_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def facts(name: str) -> Facts:
        here = of_kind("EPYC" if name != "three" else "Xeon")
        return here | {"machine": here["machine"] | {"kernel": "6.9" if name == "one" else "6.8"}}

    FakeRay(("one", "three", "two", "zwei"), lambda *_: Answer(CANARY_READ), facts=facts).install(monkeypatch)
    executor = RayExecutor(measuring=True)
    executor.tell = told.append
    executor.connect()
    left_out = {line.split()[0]: line for line in told if "is left out" in line}
    assert {*left_out} == {"one", "three"}
    assert "(machine kernel 6.8 → 6.9)" in left_out["one"] and "(Xeon" in left_out["three"]


def test_room_shrinks_when_a_machine_is_lost_and_grows_when_one_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else more blocks would begin than have room, and cells be cut into parts that wait for each other."""

    def answers(name: str, request: Request) -> Answer:
        if name == "one" and name not in cluster.names:
            raise ray.exceptions.RayActorError
        return Answer(CANARY_READ)

    cluster = FakeRay(MACHINES, answers)
    cluster.install(monkeypatch)
    executor = RayExecutor(measuring=False)
    executor.connect()
    assert executor.capacity == 3
    cluster.names = ("two", "three")
    assert executor.attempt(Call("x", {}, Path("log"), block="x #0")).failure is None
    assert executor.capacity == 2
    cluster.names = ("two", "three", "four")
    monkeypatch.setattr(ray_executor, "LOOK_S", 0.0)
    assert executor.attempt(Call("x", {}, Path("log"), block="x #0")).failure is None
    assert executor.capacity == 3


def test_a_run_that_lost_all_machines_but_one_is_measured_between_canaries_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, asked = answering(), list[str]()

    def answers(name: str, request: Request) -> Answer:
        if name == "two" and request.call.target != CANARY:
            cluster.names = ("one",)
            raise ray.exceptions.RayActorError
        if name not in cluster.names:
            raise ray.exceptions.RayActorError
        asked.append("canary" if request.call.target == CANARY else "job")
        return work(name, request)

    cluster = FakeRay(("one", "two"), answers)
    cluster.install(monkeypatch)
    executor = RayExecutor(measuring=True)
    executor.connect()
    with Store.open(tmp_path) as store:
        assert len(measured(executor, store, "u", "wxyz")) == 4
    assert executor.capacity == 1
    assert asked[-1] == "canary" and asked.count("canary") >= 8
