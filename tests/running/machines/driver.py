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


def waiting(cell: Cell, process: int, notify: Callable[[str], None]) -> Record:
    """Leave the id of the process, and wait."""
    trace, wait_s = cell.to_run().model.options["trace"], cell.to_run().model.options["wait_s"]
    with Path(str(trace), cell.model).open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    time.sleep(float(str(wait_s)))
    return Record(cell, "ok", None, process)


def late(cell: Cell, process: int, notify: Callable[[str], None], **more: Any) -> Record:
    """Leave the id of the process, wait, and do what bench's own worker does."""
    waiting(cell, process, notify)
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
