"""Several machines: how much sooner a suite is done, what a job costs, and whether comparisons stay fair.

Nodes are those of a Ray cluster on this machine, whose cores soon end: a job sleeps, as it would wait for a core of its
own. The scheduling of 100,000 cells is done with a worker that does nothing and a store that keeps nothing. The
comparisons are simulated, with known truth.

    python benchmarks/machines.py                       # all of it: some minutes
    python benchmarks/machines.py --only worlds cells   # without a cluster
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract import Contract, make_parser
from machines_worlds import World, rates

PARTS = ("worlds", "cells", "nodes")
JOBS, JOB_S = 16, 3.0
NODES = (1, 2, 4)
SPEED_UP = 1.9
"""Of two nodes over one: what is asked."""
EXAMPLES, ANSWER_S, START_S = 10_000, 0.006, 1.0
"""One cell that is scored alone, and what each of its parts takes to load the model."""
SPEED_UP_OF_ONE = 1.8
"""Of two nodes over one, for one cell in two parts."""
WORLDS = 4000
ERRORS = 0.05
POWER_LOST = 0.10
GAP = 0.017
"""Of the slower candidate, found on one machine in four of five worlds."""
CELLS, CELLS_S = 100_000, 60.0
GROWTH = 1.25
"""Memory of four times as many cells, over four times the memory: linear, with room for what a dictionary wastes."""


def main() -> int:
    """Measure, and hold the numbers to what is promised."""
    parser = make_parser(__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--worlds", type=int, default=WORLDS, help="simulated runs of each kind; default: %(default)s")
    parser.add_argument("--cells", type=int, help="plan and schedule so many, print seconds and bytes, and end")
    arguments = parser.parse_args()
    if arguments.cells is not None:
        print(json.dumps(scheduled(arguments.cells)))
        return 0
    contract = Contract()
    for part in arguments.only:
        {
            "worlds": lambda: worlds(contract, arguments.worlds),
            "cells": lambda: cells(contract),
            "nodes": lambda: nodes(contract),
        }[part]()
    return contract.close(arguments.json)


def worlds(contract: Contract, count: int) -> None:
    """Compare within blocks, and as if machines did not matter, where the truth is known."""
    alone = rates(World(1, apart=0.0), GAP, blocks=True, worlds=count, seed=1)
    contract.tell(f"one machine: {alone[0]:.1%} errors, power {alone[1]:.1%}")
    slack = 3 * (ERRORS * (1 - ERRORS) / count) ** 0.5
    for name, world in {
        "3 machines, 5 % apart, drifting": World(3),
        "3 machines, one of them bad": World(3, bad=True),
    }.items():
        within = rates(world, GAP, blocks=True, worlds=count, seed=2)
        pooled = rates(world, GAP, blocks=False, worlds=count, seed=3)
        contract.hold(f"{name}: errors within blocks", within[0], at_most=ERRORS + slack, shown=f"{within[0]:.1%}")
        lost = 1 - within[1] / alone[1]
        if world.bad:
            contract.tell(
                f"      power {within[1]:.1%}, {lost:.0%} less than on one machine; a canary leaves it out before"
            )
        else:
            contract.hold(f"{name}: power lost", lost, at_most=POWER_LOST, shown=f"{lost:.1%} (power {within[1]:.1%})")
        contract.tell(f"      pooled without blocks: {pooled[0]:.1%} errors, power {pooled[1]:.1%}")


def cells(contract: Contract) -> None:
    """Plan and schedule many cells, each number in a process of its own."""
    measured = {}
    for count in (0, CELLS // 4, CELLS):
        command = [sys.executable, __file__, "--cells", str(max(count, 100))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        measured[count] = json.loads(done.stdout)
    whole, quarter, none = measured[CELLS], measured[CELLS // 4], measured[0]
    contract.tell(f"{CELLS:,} cells: planned in {whole['plan_s']:.1f} s, scheduled in {whole['schedule_s']:.1f} s")
    contract.hold("CPU seconds of both", whole["plan_s"] + whole["schedule_s"], at_most=CELLS_S)
    added, quarter_added = (each["bytes"] - none["bytes"] for each in (whole, quarter))
    contract.hold("memory against four times that of a quarter", added / (4 * quarter_added), at_most=GROWTH)
    contract.tell(f"      {added / CELLS / 1e3:.1f} kB for a cell")


def scheduled(count: int) -> dict[str, float]:
    """Plan a suite of so many cells, and do all their jobs with a worker that does nothing.

    Seconds are of the CPU, of all threads: neighbours on the machine do not count.
    """
    from bench.planning import make_plan, open_suite
    from bench.running.runner import run
    from bench.store import RunInfo

    models, tasks = max(count // 100, 1), min(count, 100)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "suite.yaml")
        rows = [json.dumps({"text": f"note {i}", "label": "ab"[i % 2]}) for i in range(8)]
        Path(folder, "data.jsonl").write_text("\n".join(rows))
        lines = [f"  - {{name: m{number}, family: baseline, strategy: majority}}" for number in range(models)]
        asked = [
            f"  - {{name: t{number}, kind: classification, data: {{path: data.jsonl}}}}" for number in range(tasks)
        ]
        text = ["name: many", "defaults: {share_load: false}", "models:", *lines, "tasks:", *asked, 'measure: "off"']
        path.write_text("\n".join(text) + "\n")
        start = time.process_time()
        plan = make_plan(open_suite(str(path)), Path(folder, "results"))
        planned = time.process_time()
        store: Any = Nowhere(Path(folder))
        finished = run(plan.cells, _idle(), store, RunInfo("many", "", "", "", "", "off"))
        ended = time.process_time()
    assert finished.counts == {"ok": len(plan.cells)}, finished.counts
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"plan_s": planned - start, "schedule_s": ended - planned, "bytes": memory}


def _idle() -> Any:
    from bench.record import Cell, Record
    from bench.running.executors.base import Answer, Call, Executor

    class Idle(Executor):
        """Does nothing, on four machines."""

        capacity = 4

        def attempt(self, call: Call) -> Answer:
            """Say that it went well."""
            cell = call.arguments["cell"]
            assert isinstance(cell, Cell)
            return Answer(Record(cell, "ok", None), checked=True)

    return Idle()


class Nowhere:
    """A store that keeps nothing."""

    def __init__(self, results: Path) -> None:
        self.results = results

    def resume(self, info: object, *, since: object = None) -> None:
        """Find nothing."""

    def begin_run(self, info: object) -> str:
        """Begin."""
        return "run"

    def settled(self, run_id: str) -> dict[object, object]:
        """Find nothing."""
        return {}

    def scored_before(self, run_id: str, cell: object) -> None:
        """Find nothing."""

    def reuse(self, *arguments: object) -> None:
        """Find nothing."""

    def proved(self, run_id: str, cell: object) -> tuple[()]:
        """Find nothing."""
        return ()

    def commit(self, run_id: str, record: object) -> None:
        """Keep nothing."""

    def finish_run(self, run_id: str, status: object) -> None:
        """End."""


def waiting(cell: Any, process: int, notify: Callable[[str], None]) -> Any:
    """Sleep as long as a job takes: the worker of the nodes."""
    from bench.record import Record

    time.sleep(JOB_S)
    return Record(cell, "ok", None, process)


def answering(cell: Any, process: int, notify: Callable[[str], None], part: Any = None) -> Any:
    """Sleep as long as a model answers, in all or in a part of the batches of a cell: a worker of the nodes."""
    from bench.data import stored
    from bench.record import Part, Record, Sample
    from bench.tasks.batching import Batching

    time.sleep(START_S)
    examples = stored.read(Path(cell.job.data_path)).examples
    batches = (part or Part()).share(Batching(examples=16).split([len(str(each.columns)) for each in examples]))
    time.sleep(ANSWER_S * sum(map(len, batches)))
    rows = (Sample(index, examples[index].id, "", "") for batch in batches for index in batch)
    return Record(cell, "ok", None, process, samples=tuple(rows))


def nodes(contract: Contract) -> None:
    """Run the same cells, and one cell alone, on one, two and four nodes."""
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join([here, str(Path(here).parent)])
    import ray
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "resources": {"bench_machine": 1}}
    cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    os.environ["RAY_ADDRESS"] = cluster.address
    seconds: dict[int, float] = {}
    alone: dict[int, float] = {}
    try:
        for count in NODES:
            while len(seconds) and len(cluster.list_all_nodes()) < count:
                cluster.add_node(**node)
            seconds[count] = _wall_s(count, _jobs(), "machines:waiting")
            contract.tell(f"{count} nodes: {JOBS} jobs of {JOB_S:g} s in {seconds[count]:.1f} s")
            with tempfile.TemporaryDirectory() as data:
                alone[count] = _wall_s(count, [_large(Path(data))], "machines:answering")
            contract.tell(f"{count} nodes: one cell of {EXAMPLES:,} examples in {alone[count]:.1f} s")
    finally:
        ray.shutdown()
        cluster.shutdown()
    contract.hold("two nodes against one", seconds[1] / seconds[2], at_least=SPEED_UP)
    contract.tell(f"four nodes against one: {seconds[1] / seconds[4]:.2f}")
    contract.hold("one cell: two nodes against one", alone[1] / alone[2], at_least=SPEED_UP_OF_ONE)
    contract.tell(f"one cell: four nodes against one: {alone[1] / alone[4]:.2f}")
    contract.tell(f"overhead of a job: {(seconds[1] / JOBS - JOB_S) * 1e3:.0f} ms, its process and its record included")


def _jobs() -> list[Any]:
    """Make a cell for each job."""
    from bench.record import Cell
    from bench.suite import CellJob, DataSpec, ModelSpec, TaskSpec

    job = CellJob(
        model=ModelSpec(name="m", family="baseline", strategy="majority"),
        task=TaskSpec(name="t", kind="classification", data=DataSpec(builtin="pydocs")),
    )
    return [Cell(f"m{n}", "baseline", "float32", "t", "classification", job, {"n": n}) for n in range(JOBS)]


def _large(folder: Path) -> Any:
    """Make one cell of many examples."""
    from bench.data import stored
    from bench.data.base import Dataset, Example
    from bench.record import Cell
    from bench.suite import CellJob, DataSpec, MeasureSpec, ModelSpec, TaskSpec

    rows = tuple(Example(n, str(n), {"text": f"note {n} " * (1 + n % 7), "label": "a"}) for n in range(EXAMPLES))
    path = stored.write(Dataset(rows, "large", "made", {}), folder)
    job = CellJob(
        model=ModelSpec(name="m", family="linear", checkpoint=str(folder)),
        task=TaskSpec(name="t", kind="classification", data=DataSpec(builtin="pydocs")),
        measure=MeasureSpec(profile="off"),
        data_path=str(path),
    )
    return Cell("m", "linear", "float32", "t", "classification", job, {"n": "large"})


def _wall_s(count: int, plan: list[Any], worker: str) -> float:
    """Measure how long a plan takes on so many nodes."""
    from bench.running.executors.ray import RayExecutor
    from bench.running.runner import run
    from bench.store import RunInfo, Store

    executor = RayExecutor(worker, measuring=False)
    executor.connect()
    assert executor.capacity == count
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        start = time.perf_counter()
        finished = run(plan, executor, store, RunInfo("s", "", "h", "", "m", "off"))
        seconds = time.perf_counter() - start
    assert finished.counts == {"ok": len(plan)}, finished.counts
    return seconds


if __name__ == "__main__":
    sys.exit(main())
