"""A parent to be killed: `python -m tests.running.executors.parent RESULTS TRACE FIFO DOES`; `blocker` never ends."""

import signal
import sys
from pathlib import Path

from bench.record import Cell
from bench.running.executors.local import LocalExecutor
from bench.running.runner import run
from bench.store import RunInfo, Store
from tests.jobs import make_job

WORKER = "tests.running.executors.fakes:behaves"
NAMES = ("first", "second", "blocker", "third", "fourth")
INFO = RunInfo("suite", "name: suite", "hash", "bench run", "machine", "quick")
SEED = 6


def plan(trace: Path, fifo: Path, blocker: str) -> list[Cell]:
    """Five cells, of which `blocker` does what is said; what a cell does is no part of its identity."""
    told = {"trace": str(trace), "fifo": str(fifo)}
    does = dict.fromkeys(NAMES, "fine") | {"blocker": blocker}
    return [
        Cell(n, "f", "float32", "t", "k", make_job(n, options=told | {"does": does[n]}), {"model": n}) for n in NAMES
    ]


if __name__ == "__main__":
    # A shell starts what it puts in the background with SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    results, trace, fifo, blocker = sys.argv[1:]
    with Store.open(Path(results)) as store:
        cells = plan(Path(trace), Path(fifo), blocker)
        finished = run(cells, LocalExecutor(WORKER, preload=()), store, INFO, seed=SEED)
    sys.exit(finished.exit_code)
