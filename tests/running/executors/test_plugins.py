"""A new executor is one file, or one entry point: found, chosen by a suite, and used for several blocks at once."""

from __future__ import annotations

import importlib.metadata
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import bench.running.executors as folder
from bench import plugins
from bench.cli import bench
from bench.errors import InputError, SuiteError
from bench.planning import open_suite
from bench.record import Cell, Record
from bench.running.executors import EXECUTORS, executor_of
from bench.running.executors.base import Answer, Call, Executor
from bench.running.executors.inline import InlineExecutor
from bench.running.executors.local import LocalExecutor
from bench.running.runner import run
from bench.store import RunInfo, Store
from tests.jobs import make_job

FILE = '''"""An executor of somebody else's."""

from bench.running.executors.base import Answer, Call
from bench.running.executors.inline import InlineExecutor

CALLS = []


class Elsewhere(InlineExecutor):
    """Runs calls elsewhere."""

    name = "elsewhere"
    isolation = "machine"

    def attempt(self, call: Call) -> Answer:
        CALLS.append(call.block)
        return super().attempt(call)
'''
SUITE = """\
name: s
defaults: {device: cpu, executor: NAME}
models:
  - {name: floor, family: baseline, strategy: majority}
tasks:
  - {name: topic, kind: classification, data: {path: data.jsonl}}
measure: "off"
"""


def suite_file(tmp_path: Path, name: str) -> str:
    rows = [{"text": f"note {i}", "label": "ab"[i % 2]} for i in range(6)]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "suite.yaml").write_text(SUITE.replace("NAME", name))
    return str(tmp_path / "suite.yaml")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put one file into the folder of executors."""
    place = tmp_path / "executors"
    place.mkdir()
    (place / "elsewhere_of_a_test.py").write_text(FILE)
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(place)])
    monkeypatch.delitem(sys.modules, f"{folder.__name__}.elsewhere_of_a_test", raising=False)
    EXECUTORS.forget()
    yield f"{folder.__name__}.elsewhere_of_a_test"
    EXECUTORS.forget()


def test_the_houses_own_declare_themselves() -> None:
    assert {name: (kind.capacity, kind.isolation) for name, kind in EXECUTORS.items()} == {
        "local": (1, "process"),
        "inline": (1, "none"),
        "ray": (1, "machine"),
    }
    assert EXECUTORS["local"] is LocalExecutor


@pytest.mark.parametrize("option", [False, True])
def test_a_file_in_the_folder_runs_a_suite(elsewhere: str, option: bool, tmp_path: Path) -> None:
    suite = suite_file(tmp_path, "local" if option else "elsewhere")
    asked = ["--executor", "elsewhere"] if option else []
    said = CliRunner().invoke(bench, ["run", suite, "--results", str(tmp_path / "results"), "--no-report", *asked])
    assert said.exit_code == 0, said.output
    assert sys.modules[elsewhere].CALLS == ["topic #0"]


def test_an_entry_point_is_found_too(monkeypatch: pytest.MonkeyPatch) -> None:
    point = importlib.metadata.EntryPoint("three", f"{__name__}:Three", EXECUTORS.group)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point] if group == EXECUTORS.group else [])
    EXECUTORS.forget()
    assert EXECUTORS["three"] is Three
    EXECUTORS.forget()


def test_a_name_that_is_nobodys_is_told_with_its_place(tmp_path: Path) -> None:
    path = suite_file(tmp_path, "locl")
    with pytest.raises(SuiteError, match=r"suite\.yaml:2:.*defaults\.executor.*did you mean 'local'"):
        executor_of(open_suite(path))
    with pytest.raises(InputError, match="no executor is named 'inlin'; did you mean 'inline'"):
        executor_of(open_suite(path), "inlin")
    said = CliRunner().invoke(bench, ["validate", path])
    assert isinstance(said.exception, SuiteError)


class Three(Executor):
    """Runs three calls at once, each block on one of three machines."""

    name = "three"
    isolation = "machine"
    capacity = 3

    def __init__(self) -> None:
        super().__init__()
        self.together = threading.Barrier(3, timeout=30)
        self.first: set[str] = set()
        self.calls: list[tuple[str, str, str, int]] = []
        """Block, thread, model and process of each, in the order of their ends."""

    def attempt(self, call: Call) -> Answer:
        cell, process = call.arguments["cell"], call.arguments["process"]
        assert isinstance(cell, Cell)
        assert isinstance(process, int)
        if call.block not in self.first and process == 0:
            self.first.add(str(call.block))
            self.together.wait()  # passes when three blocks are under way, and never else
        self.calls.append((str(call.block), threading.current_thread().name, cell.model, process))
        status = "failed" if (cell.model, cell.task) == ("b", "y") else "ok"
        return Answer(Record(cell, status, None if status == "ok" else "it broke", process))


def test_three_blocks_at_once_and_never_two_of_one_task(tmp_path: Path) -> None:
    plan = [
        Cell(model, "causal-lm", "float32", task, "k", make_job(model, task), {"model": model, "task": task})
        for model in "abcd"
        for task in "xyz"
    ]
    executor, info = Three(), RunInfo("suite", "name: suite", "hash", "bench run", "machine", "quick")
    with Store.open(tmp_path) as store:
        finished = run(plan, executor, store, info, processes=2)
        stored = store.load()
    assert (finished.counts, stored.info.status) == ({"ok": 11, "failed": 1}, "complete")
    assert len(stored.records) == len(executor.calls) == 2 * 12 - 1  # the second process of what failed is left out
    for task in "xyz":
        processes = [process for block, _, _, process in executor.calls if block.startswith(task)]
        assert processes == sorted(processes)  # a later process begins when the earlier one is done
    assert {block for block, *_ in executor.calls} == {f"{task} #{process}" for task in "xyz" for process in (0, 1)}


def test_the_canary_is_taken_between_blocks_only_where_they_are_many(tmp_path: Path) -> None:
    plan = [Cell("m", "causal-lm", "float32", task, "k", make_job("m", task), {"task": task}) for task in "xyz"]
    worker = "tests.running.executors.fakes:fine"
    info = RunInfo("suite", "name: suite", "hash", "bench run", "machine", "quick")
    counts = []
    for processes in (1, 2):
        with Store.open(tmp_path / str(processes)) as store:
            done = run(plan, InlineExecutor(worker), store, info, processes=processes, canary=True)
            counts.append(len(store.canaries([done.run_id])[done.run_id]))
    assert counts == [2, 1 + 2 * 3]
