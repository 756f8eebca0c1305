"""A parent whose only cell leaves everything behind: `python -m tests.running.executors.leaver RESULTS FIFO DOES`."""

import signal
import sys
from pathlib import Path

from bench.record import Cell
from bench.running.executors.base import Job
from bench.running.executors.local import LocalExecutor
from tests.jobs import make_job

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    results, fifo, does = sys.argv[1:]
    executor = LocalExecutor("tests.running.executors.fakes:leaves_everything", preload=(), grace_s=1.0)
    cell = Cell("m", "f", "float32", "t", "k", make_job("m", options={"fifo": fifo, "does": does}), {})
    record = executor.run(Job(cell, 0, Path(results), "cell.log"))
    executor.close()
    print(record.status)
