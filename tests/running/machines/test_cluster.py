"""A real Ray cluster of three nodes with folders of their own: the answers are as at home, nothing finished is lost.

`test_ray.py` is the wide form. One cluster serves all; the suite's models need no torch, which would be imported on
each node.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import bench
from bench.planning import make_plan, open_suite
from bench.record import Record
from bench.running.executors import chosen_executor, executor_of
from bench.running.launch import launch
from bench.running.progress import SilentProgress
from bench.running.runner import run
from bench.store import Store
from bench.suite.machines import MachinesSpec
from tests.running.machines.cluster import Nodes, a_cluster, write_light, write_one
from tests.running.machines.deaths import kill_all_three, kill_soon, records
from tests.running.machines.driver import INFO, pids

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray leaves sockets to the collector
pytest.importorskip("ray")

RUNS = {"inline": "inline", "local": "local", "ray1": "ray"}
"""Where each is run; `ray3` is run by the command."""


@dataclass
class World:
    """The cluster, and what was run on it."""

    nodes: Nodes
    folder: Path
    suite: Path
    runs: dict[str, list[Record]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """Key of the machine of each run."""
    lines: dict[str, str] = field(default_factory=dict)
    """What each run told of machines."""
    told: str = ""
    """What the command printed."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run a suite in this process, in processes, on one node of the cluster, and on all three."""
    folder = tmp_path_factory.mktemp("world")
    suite = write_light(folder)
    few = folder / "few.yaml"
    few.write_text(suite.read_text() + "machines: {at_most: 1}\n")
    with a_cluster(folder, nodes=3) as nodes:
        made = World(nodes, folder, suite)
        for name, place in RUNS.items():
            made.lines[name] = launched(few if name == "ray1" else suite, place, folder / name)
        stored = folder / "stored.yaml"  # each machine fetches the checkpoint for itself
        stored.write_text(suite.read_text().replace(f'"{folder}', f'"file://{folder}'))
        words = ["run", str(stored), "--on", "ray", "--results", str(folder / "ray3"), "--no-report"]
        said = CliRunner().invoke(bench, words)
        assert said.exit_code == 0, said.output
        made.lines["ray3"], made.told = said.stderr, said.stdout
        for name in made.lines:
            with Store.open(folder / name) as store:
                made.runs[name] = list(store.load().records)
                made.keys[name] = store.load().info.machine_key
        yield made


def launched(suite: Path, place: str, results: Path) -> str:
    """Run a suite as the command does, without what it imports and prints; return what was told of machines."""
    located, lines = open_suite(str(suite)), list[str]()
    executor = executor_of(located, place).open(measuring=False, tell=lines.append)
    with Store.open(results) as store:
        plan = make_plan(located, results)
        done = launch(plan, executor, store, command="", rerun=False, progress=SilentProgress(), echo=lines.append)
    assert done.exit_code == 0
    return "\n".join(lines)


def test_the_answers_are_the_same_wherever_they_are_made(world: World) -> None:
    """Bit for bit: floats are compared as they are."""
    answers = {name: {record.cell.label: record.samples for record in records} for name, records in world.runs.items()}
    assert len(answers["inline"]) == 6
    assert all(samples and samples[0].scores for label, samples in answers["inline"].items() if "linear" in label)
    assert answers["inline"] == answers["local"] == answers["ray1"] == answers["ray3"]


def test_a_record_names_its_machine_and_only_there(world: World) -> None:
    machines = {name: {r.notes.get("machine", {}).get("name") for r in runs} for name, runs in world.runs.items()}
    assert machines["inline"] == machines["local"] == {None}
    assert machines["ray1"] == {"node-1"}
    assert machines["ray3"] == {"node-1", "node-2", "node-3"}  # a block is one load where nothing is timed
    assert world.keys["ray1"] == world.keys["ray3"]
    assert "2 machines stay free: machines.at_most is 1" in world.lines["ray1"]
    assert "\nMachines: on 3 machines: " in world.told
    assert all((world.folder / "ray3" / str(record.log_path)).is_file() for record in world.runs["ray3"])


def test_a_checkpoint_by_its_address_is_fetched_by_each_machine_that_needs_it(world: World) -> None:
    used = {r.notes["machine"]["name"] for r in world.runs["ray3"] if r.cell.model == "linear"}
    have = {
        name
        for name in ("node-1", "node-2", "node-3")
        if [*world.folder.glob(f"{name}/cache/bench/checkpoints/*/fitted")]
    }
    assert used == have
    assert {r.cell.id for r in world.runs["ray3"]} == {r.cell.id for r in world.runs["inline"]}


def test_one_cell_is_scored_on_all_machines_and_one_of_them_may_be_killed(world: World, tmp_path: Path) -> None:
    """Bit for bit, by the very batches of the whole cell."""
    trace, results = tmp_path / "trace", tmp_path / "parts"
    trace.mkdir()
    suite = write_one(world.suite)
    launched(suite, "inline", tmp_path / "whole")
    [whole] = records(tmp_path / "whole")
    located = open_suite(str(suite))
    executor = chosen_executor("ray", MachinesSpec(least_part=2)).open(measuring=False)
    executor.worker = "tests.running.machines.driver:late"
    with Store.open(results) as store, ThreadPoolExecutor(1) as beside:
        [cell] = make_plan(located, results).written(results)
        job = cell.to_run()
        slow = job.model.model_copy(update={"options": {"trace": str(trace), "wait_s": 0.0}})
        cell = replace(cell, job=job.model_copy(update={"model": slow}))
        killing = beside.submit(kill_soon, world.nodes.all[2], trace, 3)
        assert run([cell], executor, store, INFO).exit_code == 0
        killing.result()
    [record] = records(results)
    assert record.samples == whole.samples
    assert (record.status, record.doubts) == (whole.status, whole.doubts)
    assert {part["machine"] for part in record.notes["parts"]} == {"node-1", "node-2"}
    assert len(record.notes["parts"]) == 3
    assert len(pids(trace)) == 4  # the part of the node that was killed is done again, and no other


def test_a_worker_a_raylet_and_the_driver_may_be_killed(world: World, tmp_path: Path) -> None:
    """Jobs of a lost machine are done by others; of a lost driver the same command does what is left."""
    kill_all_three(world.nodes.all[1], tmp_path, cells=12, wait_s=0.5)
