"""Nights on a real Ray cluster whose machines change: another class of them is another environment, another node of the
class is not.

A class is made by what a node may use of this machine: one whose processes are held to a single CPU has another
fingerprint than one that has them all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.cli import bench
from bench.store import Store
from tests.running.machines.cluster import a_cluster

pytestmark = [pytest.mark.whole, pytest.mark.filterwarnings("ignore")]  # Ray leaves sockets to the collector
pytest.importorskip("ray")

SUITE = """\
name: light
defaults: {{device: cpu, threads: 1}}
models: [{{name: near, family: baseline, strategy: nearest}}]
tasks: [{{name: topic, kind: classification, data: {{path: data}}, labels: [x, y, z]}}]
measure: {{profile: quick, window_s: 0.05, processes: 2, energy: "off"}}
machines: {{like: "({cpus} CPUs)"}}
"""


@contextmanager
def held_to_one_cpu() -> Iterator[None]:
    """Start processes that have a single CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def night(folder: Path, cpus: int) -> tuple[int, dict[str, Any], set[str]]:
    """Run a night on the machines with so many CPUs; return its exit code, its outcome and the machines."""
    (folder / "suite.yaml").write_text(SUITE.format(cpus=cpus))
    words = ["nightly", str(folder / "suite.yaml"), "--on", "ray", "--results", str(folder / "results"), "--json"]
    said = CliRunner().invoke(bench, words)
    outcome = json.loads(said.stdout)
    with Store.open(folder / "results", create=False) as store:
        machines = {record.notes["machine"]["name"] for record in store.load(outcome["run_id"]).records}
    return said.exit_code, outcome, machines


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="classes are told apart by their CPUs")
def test_a_night_on_another_class_is_another_environment_and_on_another_node_of_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = "\n".join(json.dumps({"text": f"note {i} of {'abc'[i % 3]}", "label": "xyz"[i % 3]}) for i in range(12))
    for split in ("train", "test"):
        (tmp_path / "data" / f"{split}.jsonl").write_text(rows)
    all_of_them = len(os.sched_getaffinity(0))
    with ExitStack() as stack:
        with held_to_one_cpu():  # the head is of the other class, so that nodes of the first may go
            nodes = stack.enter_context(a_cluster(tmp_path))
        first = nodes.add()
        code, home, machines = night(tmp_path, all_of_them)
        assert (code, home["verdict"], machines) == (0, "insufficient history", {"node-2"})

        code, moved, machines = night(tmp_path, 1)
        assert (code, moved["verdict"], machines) == (0, "environment changed", {"node-1"})
        assert (moved["gate"]["baseline"], moved["counts"], moved["problems"]) == (home["run_id"], {"ok": 1}, [])
        timed = [line for line in moved["gate"]["lines"] if line["reading"].startswith("latency")]
        assert timed and {line["verdict"] for line in timed} == {"environment changed"}
        assert not any(line["rerun"] for line in moved["gate"]["lines"])

        nodes.add()
        nodes.cluster.remove_node(first)
        code, back, machines = night(tmp_path, all_of_them)
        assert (code, machines, back["gate"]["baseline"]) == (0, {"node-3"}, home["run_id"])
        assert "environment changed" not in {line["verdict"] for line in back["gate"]["lines"]}
