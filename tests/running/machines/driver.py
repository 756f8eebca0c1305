"""A run of its own process, which may be killed: `python -m tests.running.machines.driver RESULTS TRACE CELLS WAIT`.

Its cells are of a family without torch, and its worker only waits: what is tested is what becomes of jobs.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.record import Cell, Record
from bench.running.executors.ray import RayExecutor
from bench.running.progress import PlainProgress
from bench.running.runner import run
from bench.running.worker.cell import run_cell
from bench.store import RunInfo, Store
from bench.suite import ModelSpec
from tests.jobs import make_job

INFO = RunInfo("suite", "name: suite", "hash", "bench run", "machine", "off")


HOLDS = {"killed": 4, "over": 7}
"""How many jobs begin before the later ones wait until a file of that name stands beside the traces."""

HELD_S = 600.0
"""Far beyond what is needed; reached only when the code is wrong."""


def waiting(cell: Cell, process: int, notify: Callable[[str], None]) -> Record:
    """Leave the id of the process, wait, and go on once the test has done what must come first."""
    trace, wait_s = Path(str(cell.to_run().model.options["trace"])), cell.to_run().model.options["wait_s"]
    with (trace / cell.model).open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    begun = len(pids(trace))
    time.sleep(float(str(wait_s)))
    for name, free in HOLDS.items():
        if begun > free:
            until(trace.with_name(name).exists, f"{name}: the test went on", HELD_S)
    return Record(cell, "ok", None, process)


def pids(trace: Path) -> list[int]:
    """List the processes of cells that began."""
    return [int(line.split()[0]) for path in trace.iterdir() for line in path.read_text().splitlines()]


def until(condition: Callable[[], Any], what: str, patience_s: float) -> Any:
    """Wait until something is so, and return what it is."""
    end = time.monotonic() + patience_s
    while not (met := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return met


def late(cell: Cell, process: int, notify: Callable[[str], None], **more: Any) -> Record:
    """Leave the id of the process, wait until a node was killed, and do what bench's own worker does."""
    trace = Path(str(cell.to_run().model.options["trace"]))
    waiting(cell, process, notify)
    until(trace.with_name("killed").exists, "a node was killed", HELD_S)
    return run_cell(cell, process, notify, **more)


def plan_of(trace: str, cells: int, wait_s: float) -> list[Cell]:
    """Make a cell for each of some models, on a task of its own."""
    light = ModelSpec(name="m", family="baseline", strategy="majority", options={"trace": trace, "wait_s": wait_s})
    return [
        Cell(
            f"m{n}",
            "baseline",
            "float32",
            f"t{n}",
            "classification",
            make_job().model_copy(update={"model": light}),
            {"n": n},
        )
        for n in range(cells)
    ]


def main(results: str, trace: str, cells: str, wait_s: str) -> int:
    """Run them on the cluster that the environment names."""
    executor = RayExecutor(
        f"{__name__ if __name__ != '__main__' else 'tests.running.machines.driver'}:waiting", measuring=False
    )
    executor.tell = lambda line: print(line, file=sys.stderr, flush=True)
    executor.connect()
    with Store.open(Path(results)) as store:
        return run(
            plan_of(trace, int(cells), float(wait_s)), executor, store, INFO, progress=PlainProgress(sys.stderr)
        ).exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
