"""Writers: `python -m tests.store.writer RESULTS WRITERS CELLS [URL] [PAUSE_S]` forks them, then lets all go at once.

Each prints a line for every record that its store says is committed.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from bench.record import Cell
from bench.store import RunInfo, Store
from tests.running.executors.fakes import record_of


def write(results: Path, name: str, cells: int, url: str | None, pause_s: float) -> None:
    info = RunInfo(name, "name: suite", "hash", "bench run", "machine", "quick", environment={"cpu": "x"})
    with Store.open(results, url) as store:
        run_id = store.begin_run(info)
        for number in range(cells):
            record = record_of(Cell(f"m{number}", "f", "float32", "t", "k", None, {"m": number}), pid=number)
            store.commit(run_id, replace(record, environment={"cpu": "x"}))
            os.write(1, f"{name} {number}\n".encode())
            time.sleep(pause_s)
        store.finish_run(run_id, "complete")


def forked(results: Path, name: str, cells: int, url: str | None, pause_s: float, gate: int, gatekeeper: int) -> int:
    """Returns the process id of a writer that waits until the gate's other end is closed everywhere."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.close(gatekeeper)
        os.read(gate, 1)
        write(results, name, cells, url, pause_s)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    folder, writers, cells = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    url = sys.argv[4] if len(sys.argv) > 4 else None
    pause_s = float(sys.argv[5]) if len(sys.argv) > 5 else 0.0
    gate, gatekeeper = os.pipe()
    pids = [forked(folder, f"suite{n}", cells, url, pause_s, gate, gatekeeper) for n in range(writers)]
    os.close(gatekeeper)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    sys.exit(sum(code != 0 for code in codes))
