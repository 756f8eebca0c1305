"""What the harness itself costs: time inside the timed region, and wall time around the measured windows.

    python benchmarks/overhead.py [--suite quickstart] [--results DIR] [--skip-run]

The first part times a model that does nothing, with and without token stamps. The second runs a suite and
divides its wall time by the sum of its records' windows (load, evaluation and every pass). Wanted: at most
1.15 for the quickstart.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract import Contract, make_parser

from bench.measure.requests import time_request
from bench.meters.clock import HostClock
from bench.store import Store
from bench.tasks.base import OnToken

WANTED_RATIO = 1.15
"""Wall time over the sum of the windows."""
REQUESTS, TOKENS = 20_000, 100


def nothing(_: OnToken | None) -> Sequence[Any]:
    """Answers at once."""
    return ()


def tokens(on_token: OnToken | None) -> Sequence[Any]:
    """Reports tokens and does nothing else."""
    if on_token is not None:
        for _ in range(TOKENS):
            on_token()
    return ()


def inside_ns(request: Any, stamp: bool, count: int) -> float:
    """Returns the median time of a request in nanoseconds."""
    clock = HostClock("cpu")
    timings = [time_request(clock, request, "latency", 0, turn, (0,), stamp)[0] for turn in range(count)]
    return statistics.median(timing.duration_ns for timing in timings)


def run_windows(suite: str, kept: Path | None) -> tuple[float, Counter[str]]:
    """Returns the wall time of a run, and the sum of its windows by phase, in seconds."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = kept or Path(scratch)
        start = time.perf_counter()
        command = [sys.executable, "-m", "bench", "run", suite, "--results", str(folder), "--no-report", "--rerun"]
        subprocess.run(command, check=True)
        wall_s = time.perf_counter() - start
        with Store.open(folder) as store:
            records = store.load("latest", rows=False).records
    seconds: Counter[str] = Counter()
    for fact in (fact for record in records for fact in record.facts):
        if fact.name.startswith("window_") and fact.value is not None:
            seconds[fact.name.removeprefix("window_").removesuffix("_s")] += fact.value
    return wall_s, seconds


def main() -> int:
    """Print both costs."""
    parser = make_parser(__doc__)
    parser.add_argument("--suite", default="quickstart")
    parser.add_argument("--skip-run", action="store_true")
    parser.add_argument("--results", type=Path, help="results folder to run into, and to leave there")
    arguments = parser.parse_args()
    empty = inside_ns(nothing, False, REQUESTS)
    silent, stamped = (inside_ns(tokens, stamp, REQUESTS // TOKENS) for stamp in (False, True))
    print(f"inside the timed region, a model that does nothing: {empty:.0f} ns a request")
    print(f"a token's stamp: {(stamped - silent) / TOKENS:.0f} ns")
    if arguments.skip_run:
        return 0
    contract = Contract()
    wall_s, windows = run_windows(arguments.suite, arguments.results)
    contract.tell(f"'{arguments.suite}': {wall_s:.1f} s wall over {windows.total():.1f} s of windows")
    print("of them: " + ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in windows.most_common()))
    contract.hold("wall over windows", wall_s / windows.total(), at_most=WANTED_RATIO)
    return contract.close(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
