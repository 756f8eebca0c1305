"""The Ray executor where a connection breaks: stand-ins for Ray's functions, the real part of bench on a machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.errors import EnvironmentLackError, InputError
from bench.host import fingerprint
from bench.record import Cell
from bench.running.executors import wire
from bench.running.executors.base import Answer, Call
from bench.running.executors.ray import RESOURCE, RayExecutor
from bench.running.machines import agent, parcels
from bench.running.machines.agent import Agent, Reply, Request
from tests.jobs import make_job

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own
ray = pytest.importorskip("ray")

GUARD_S = 60.0
"""Far beyond what is needed; reached only when the code is wrong."""


@dataclass(eq=False)
class Later:
    """An answer that is on its way."""

    value: Callable[[], object]


@dataclass
class Cluster:
    """One node; what is asked of it is done here when the answer is waited for, unless the connection breaks."""

    started: int = 0
    breaks: dict[str, tuple[int, Exception]] = field(default_factory=dict)
    """By what is asked: which time it fails, and how."""
    arriving: Callable[[bytes], bytes] = bytes
    """What a chunk is when it arrives."""
    asked: list[str] = field(default_factory=list)
    looked: threading.Event = field(default_factory=threading.Event)
    may_look: threading.Event = field(default_factory=threading.Event)

    def nodes(self) -> list[dict[str, Any]]:
        """List the node, as soon as it may be seen."""
        self.looked.set()
        assert self.may_look.wait(GUARD_S)
        name = {"NodeName": "one", "NodeManagerAddress": "127.0.0.1", "NodeManagerHostname": "one"}
        return [{"NodeID": "1" * 56, "Alive": True, "Resources": {RESOURCE: 1}, **name}]

    def remote(self, what: Any) -> Any:
        """Make what `ray.remote` makes."""
        start = self.start if what is Agent else lambda *_: self.later("compare", what)
        made = SimpleNamespace(remote=start)
        made.options = lambda **_: made
        return made

    def start(self, *arguments: Any) -> Any:
        """Start bench's part of the machine."""
        self.started += 1
        working = Agent(*arguments)

        def receive(key: str, place: str, start: int, chunk: bytes) -> None:
            working.receive(key, place, start, self.arriving(chunk))

        does: dict[str, Callable[..., object]] = {
            "describe": fingerprint,
            "receive": receive,
            "received": working.received,
            "holds": working.holds,
            "attempt": read_data,
            "close": working.close,
        }

        def remote(name: str) -> Any:
            return SimpleNamespace(remote=lambda *words: self.later(name, lambda: does[name](*words)))

        return SimpleNamespace(**{name: remote(name) for name in does})

    def later(self, name: str, do: Callable[[], object]) -> Later:
        """Promise an answer."""

        def value() -> object:
            self.asked.append(name)
            time, error = self.breaks.get(name, (0, None))
            if error is not None and self.asked.count(name) == time:
                raise error
            return do()

        return Later(value)


def read_data(request: Request) -> Reply:
    """Answer with the content of the data that a cell names, as a worker would read it there."""
    job = cell_of(request.call).to_run()
    return Reply(wire.answer_frame(Answer(Path(str(job.data_path)).read_text())), None)


def cell_of(call: Call) -> Cell:
    cell = call.arguments["cell"]
    assert isinstance(cell, Cell)
    return cell


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Put a cluster of one machine where Ray's functions are."""
    cluster = Cluster()
    cluster.may_look.set()
    before = {name: os.environ[name] for name in agent.CARRIED if name in os.environ}
    for name, stand_in in {
        "is_initialized": lambda: True,
        "nodes": cluster.nodes,
        "remote": cluster.remote,
        "get": lambda answer: answer.value(),
        "wait": lambda answers, **_: (answers, []),
        "kill": lambda _: None,
    }.items():
        monkeypatch.setattr(ray, name, stand_in)
    yield cluster
    os.environ.update(before)


def call(tmp_path: Path, content: str) -> Call:
    data = tmp_path / "data.jsonl"
    data.parent.mkdir(exist_ok=True)
    data.write_text(content)
    cell = Cell("m", "baseline", "default", "t", "classification", make_job(data_path=str(data)))
    return Call("x:y", {"cell": cell}, tmp_path / "log")


def test_what_a_break_left_of_a_file_is_not_continued(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second chunk does not arrive; the next job sends the file again, and has all of it and nothing twice."""
    monkeypatch.setattr(parcels, "CHUNK_BYTES", 4)
    executor, job = RayExecutor(measuring=False), call(tmp_path, "0123456789")
    cluster.breaks["receive"] = 2, ray.exceptions.RayTaskError("receive", "", OSError("no space is left"))
    cut = executor.attempt(job).failure
    assert cut is not None and "no space is left" in cut.reason
    assert executor.attempt(job).value == "0123456789"
    assert cluster.asked.count("receive") == 2 + 3
    assert executor.attempt(job).value == "0123456789"
    assert cluster.asked.count("receive") == 2 + 3  # it is there
    executor.close()


def test_what_arrives_damaged_is_sent_again_and_never_read(cluster: Cluster, tmp_path: Path) -> None:
    executor, job = RayExecutor(measuring=False), call(tmp_path, "0123456789")
    damage = iter([b"x"])
    cluster.arriving = lambda chunk: next(damage, chunk)
    assert executor.attempt(job).value == "0123456789"
    cluster.arriving = lambda _: b"x"
    failure = executor.attempt(call(tmp_path / "other", "9")).failure
    assert failure is not None and "with other content" in failure.reason
    executor.close()


def test_a_file_that_is_gone_is_a_failure_of_its_job(cluster: Cluster, tmp_path: Path) -> None:
    executor, job = RayExecutor(measuring=False), call(tmp_path, "0")
    executor.check([cell_of(job)])
    (tmp_path / "data.jsonl").unlink()
    failure = executor.attempt(job).failure
    assert failure is not None and failure.error is InputError
    executor.close()


@pytest.mark.parametrize("asked", ["compare", "holds"])
def test_a_machine_lost_before_anything_runs_is_told(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(parcels, "TRAVELS_BYTES", 0)
    executor, job = RayExecutor(measuring=False), call(tmp_path, "0")
    cluster.breaks[asked] = 1, ray.exceptions.RaySystemError("the connection broke")
    with pytest.raises(EnvironmentLackError, match=r"a machine of the cluster was lost.*the connection broke"):
        executor.check([cell_of(job)])
    executor.close()


def test_of_several_threads_one_connects(cluster: Cluster, tmp_path: Path) -> None:
    executor, job = RayExecutor(measuring=False), call(tmp_path, "0")
    cluster.may_look.clear()
    threads = [
        threading.Thread(target=executor.check, args=([],)),
        threading.Thread(target=executor.attempt, args=(job,)),
    ]
    threads[0].start()
    assert cluster.looked.wait(GUARD_S)
    threads[1].start()
    threads[1].join(0.2)  # it waits for the first, and would connect again after it
    cluster.may_look.set()
    for thread in threads:
        thread.join(GUARD_S)
    assert cluster.started == 1
    executor.close()
