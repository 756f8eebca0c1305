"""What it costs to start an isolated cell, against a fresh interpreter that imports the same.

    python benchmarks/isolation.py [REPEATS]

A start ends when the first line of the worker function runs, which it reports by its own
clock: CLOCK_MONOTONIC is the same in all processes of a machine. The forkserver's own start is paid once a
run and printed apart.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.running.executors.local import MEASURING, LocalExecutor
from bench.running.preload.measuring import MODULES as FURTHER
from bench.running.preload.scoring import MODULES

WANTED_RATIO = 20
"""How many times cheaper an isolated cell must be (issue 2, "What it must show")."""


def entered_ns(notify: Callable[[str], None]) -> int:
    """The worker function: returns when it was entered, in nanoseconds of the machine's monotonic clock."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def forked_start_s(executor: LocalExecutor, log_path: Path) -> float:
    """Returns the seconds from asking for a process until the worker function is entered."""
    start = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    entered: int = executor.call("isolation:entered_ns", {}, log_path=log_path)
    return (entered - start) / 1e9


def fresh_start_s() -> float:
    """Returns the seconds from asking for an interpreter until it has imported what the server preloads."""
    now = "time.clock_gettime_ns(time.CLOCK_MONOTONIC)"
    script = f"import time, {', '.join(MEASURING)}; print({now})"
    start = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return (int(ran.stdout) - start) / 1e9


def main(repeats: int = 5) -> int:
    """Prints both costs and their ratio; returns 1 when it is less than wanted."""
    with tempfile.TemporaryDirectory() as folder:
        executor, log_path = LocalExecutor(), Path(folder) / "cell.log"
        first_s = forked_start_s(executor, log_path)
        forked = [forked_start_s(executor, log_path) for _ in range(4 * repeats)]
        fresh = [fresh_start_s() for _ in range(repeats)]
    ratio = statistics.median(fresh) / statistics.median(forked)
    print(f"preloaded: {', '.join((*MODULES, *FURTHER))}")
    print(f"forkserver, once a run:       {first_s * 1e3:8.1f} ms")
    print(_line("isolated cell (forkserver)", forked))
    print(_line("fresh interpreter", fresh))
    print(f"ratio of the medians:         {ratio:8.1f}  (wanted: at least {WANTED_RATIO})")
    return 0 if ratio >= WANTED_RATIO else 1


def _line(name: str, seconds: list[float]) -> str:
    low, middle, high = min(seconds) * 1e3, statistics.median(seconds) * 1e3, max(seconds) * 1e3
    return f"{name + ':':30s}{middle:8.1f} ms  median of {len(seconds)}, from {low:.1f} to {high:.1f}"


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
