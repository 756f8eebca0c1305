"""How many jobs a machine does at once where nothing is timed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bench.record import Cell, Record
from bench.running.executors.outcome import Answer
from bench.running.executors.ray import RayExecutor
from bench.running.machines.agent import Request
from bench.running.machines.room import Needs, room
from bench.running.runner import run
from bench.store import RunInfo, Store
from tests.jobs import make_job
from tests.running.machines.fake_ray import FakeRay

GIB = 2**30
MACHINE = {"cpu": {"usable_cpus": 8, "quota_cpus": None}, "machine": {"memory_bytes": 32 * GIB}}
INFO = RunInfo("suite", "name: suite", "hash", "bench run", "machine", "off")


def cell(name: str = "m", *, limit: int | None = 4 * GIB, threads: int | None = 2, device: str = "cpu") -> Cell:
    job = make_job(name).model_copy(update={"memory_limit_bytes": limit, "threads": threads, "device": device})
    return Cell(name, "f", "float32", "t", "k", job, {"name": name})


@pytest.mark.parametrize(
    ("cells", "cpus", "gpus", "jobs"),
    [
        pytest.param([cell()], 8, 0, 4, id="as many as cores"),
        pytest.param([cell()], 2, 0, 1, id="as the engine counts them"),
        pytest.param([cell(), cell("n", limit=10 * GIB)], 8, 0, 2, id="as the largest memory limit allows"),
        pytest.param([cell(limit=64 * GIB)], 8, 0, 1, id="one at least"),
        pytest.param([cell(), cell("n", threads=None)], 8, 0, 1, id="one that takes all cores"),
        pytest.param([cell(), cell("n", limit=None)], 8, 0, 1, id="one without a memory limit"),
        pytest.param([cell(device="auto")], 8, 1, 1, id="one that may take the GPU"),
        pytest.param([cell(device="auto")], 8, 0, 4, id="no GPU to take"),
        pytest.param([], 8, 0, 1, id="no job"),
    ],
)
def test_cores_and_memory_decide(cells: list[Cell], cpus: float, gpus: float, jobs: int) -> None:
    assert room(MACHINE, Needs.of(cells), cpus, gpus) == jobs


def test_a_quota_counts_and_pinned_cores_are_shared_by_nobody() -> None:
    assert room({**MACHINE, "cpu": {"usable_cpus": 8, "quota_cpus": 4.0}}, Needs.of([cell()]), 8, 0) == 2
    pinned = cell()
    assert pinned.job is not None
    pinned = Cell("p", "f", "float32", "t", "k", pinned.job.model_copy(update={"cpus": "0-1"}), {"name": "p"})
    assert room(MACHINE, Needs.of([pinned]), 8, 0) == 1


@pytest.mark.parametrize(("measuring", "at_once"), [(False, 4), (True, 1)])
def test_jobs_of_one_machine_run_at_once_where_nothing_is_timed(
    measuring: bool, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits until all of the machine's seats are taken, so that fewer would wait in vain."""
    pytest.importorskip("ray")
    together, seats = threading.Barrier(at_once, timeout=20), set()

    def answers(_: str, request: Request) -> Answer:
        together.wait()
        seats.add(request.seat)
        asked = request.call.arguments["cell"]
        assert isinstance(asked, Cell)
        return Answer(Record(asked, "ok", None))

    FakeRay(["one"], answers, lambda _: MACHINE, cpus=8).install(monkeypatch)
    executor = RayExecutor(measuring=measuring)
    with Store.open(tmp_path) as store:
        assert run([cell(f"m{n}") for n in range(4)], executor, store, INFO).counts == {"ok": 4}
    assert seats == set(range(at_once))
