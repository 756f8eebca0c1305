"""Writers: `python -m tests.store.writer RESULTS WRITERS CELLS` forks them, then lets all go at once."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from bench.record import Cell
from bench.store import RunInfo, Store
from tests.executors.fakes import record_of


def write(results: Path, name: str, cells: int) -> None:
    info = RunInfo(name, "name: suite", "hash", "bench run", "machine", "quick", environment={"cpu": "x"})
    with Store.open(results) as store:
        run_id = store.begin_run(info)
        for number in range(cells):
            record = record_of(Cell(f"m{number}", "f", "float32", "t", "k", {}, {"m": number}), pid=number)
            store.commit(run_id, replace(record, environment={"cpu": "x"}))
        store.finish_run(run_id, "complete")


def forked(results: Path, name: str, cells: int, gate: int, gatekeeper: int) -> int:
    """Returns the process id of a writer that waits until the gate's other end is closed everywhere."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.close(gatekeeper)
        os.read(gate, 1)
        write(results, name, cells)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    folder, writers, cells = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    gate, gatekeeper = os.pipe()
    pids = [forked(folder, f"suite{n}", cells, gate, gatekeeper) for n in range(writers)]
    os.close(gatekeeper)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    sys.exit(sum(code != 0 for code in codes))
