"""A real Ray cluster of three nodes: the same answers as at home, and nothing finished is lost when something dies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import bench
from bench.errors import EnvironmentLackError
from bench.record import Cell, Record
from bench.running.executors.ray import RayExecutor
from bench.running.machines import parcels
from bench.store import Store
from tests.jobs import make_job
from tests.running.machines.cluster import Nodes, a_cluster, write_suite
from tests.running.machines.deaths import kill_all_three

pytestmark = [pytest.mark.whole, pytest.mark.filterwarnings("ignore")]  # Ray leaves sockets to the collector
pytest.importorskip("ray")


@dataclass
class World:
    """The cluster, and what was run on it."""

    folder: Path
    nodes: Nodes
    runs: dict[str, list[Record]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """Key of the machine of each run."""
    lines: dict[str, str] = field(default_factory=dict)
    """What each run told on stderr."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run a suite in this process, in processes, on a cluster of one node, and on one of three."""
    folder = tmp_path_factory.mktemp("world")
    trace = folder / "trace"
    trace.mkdir()
    suite = write_suite(folder / "suite", 3, 0.0, trace)
    with a_cluster(folder) as nodes:
        made = World(folder, nodes)
        for name, place in {"inline": "inline", "local": "local", "ray1": "ray", "ray3": "ray"}.items():
            if name == "ray3":
                nodes.add(), nodes.add()
            results = folder / name
            said = CliRunner().invoke(bench, ["run", suite, "--on", place, "--results", str(results), "--no-report"])
            assert said.exit_code == 0, said.output
            made.lines[name] = said.stderr
            with Store.open(results) as store:
                made.runs[name] = list(store.load().records)
                made.keys[name] = store.load().info.machine_key
        yield made


def test_the_answers_are_the_same_wherever_they_are_made(world: World) -> None:
    """Bit for bit: floats are compared as they are."""
    answers = {name: {record.cell.label: record.samples for record in records} for name, records in world.runs.items()}
    assert len(answers["inline"]) == 6
    assert all(len(samples) == 12 and samples[0].scores for samples in answers["inline"].values())
    assert answers["inline"] == answers["local"] == answers["ray1"] == answers["ray3"]


def test_a_record_names_its_machine_and_only_there(world: World) -> None:
    machines = {name: {r.notes.get("machine", {}).get("name") for r in runs} for name, runs in world.runs.items()}
    assert machines["inline"] == machines["local"] == {None}
    assert len(machines["ray1"]) == 1
    assert len(machines["ray3"]) > 1  # a block is one load where nothing is timed
    assert {name for name in machines["ray3"] if name and f"{name}:" in world.lines["ray3"]} == machines["ray3"]


def test_code_data_and_logs_travel(world: World) -> None:
    """The factory was imported from a node's own folder, and no log is missing here."""
    places = {line.split()[1] for path in (world.folder / "trace").iterdir() for line in path.read_text().splitlines()}
    away = [place for place in places if not place.startswith(str(world.folder / "suite"))]
    assert away
    assert all("parcels" in place for place in away)
    assert all((world.folder / "ray3" / str(record.log_path)).is_file() for record in world.runs["ray3"])


def test_a_night_on_the_same_kind_of_machine_is_of_one_series(world: World) -> None:
    """How many machines there are changes nothing; the key is the kind's."""
    assert world.keys["ray1"] == world.keys["ray3"]


def test_what_is_too_large_is_looked_for_on_every_machine(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcels, "TRAVELS_BYTES", 0)
    weights = tmp_path / "model" / "weights.bin"
    weights.parent.mkdir()
    weights.write_text("large")
    job = make_job(model="m")
    spec = job.model.model_copy(update={"checkpoint": str(weights.parent)})
    cell = Cell("m", "torch-module", "float32", "t", "classification", job.model_copy(update={"model": spec}))
    executor = RayExecutor(measuring=False)
    executor.check([cell])
    weights.write_text("other")
    with pytest.raises(EnvironmentLackError, match=r"too large to travel, and is not on .* with the same content"):
        executor.check([cell])
    executor.close()


def test_a_worker_a_raylet_and_the_driver_may_be_killed(world: World, tmp_path: Path) -> None:
    """Jobs of a lost machine are done by others; of a lost driver the same command does what is left."""
    kill_all_three(world.nodes.add(), tmp_path, cells=20, wait_s=1.5)
