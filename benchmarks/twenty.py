"""Quickstarts in a row beside a neighbour that comes and goes: does every task have an answer, and the same one?

    python benchmarks/twenty.py [--runs N] [--suite SUITE] [--seed SEED] [--no-neighbour]

Each run is a race from an empty results folder, as `make quickstart` makes it. The neighbour keeps one core busy for
some seconds, and sleeps for some, at random: what a shared machine does.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract import Contract, make_parser

BUSY_S, IDLE_S = 8.0, 16.0
"""Mean seconds that the neighbour works, and rests."""
SAME_SHARE = 0.9
"""Share of the runs that must ship the same candidate."""
LONGEST_S, USUAL_S = 120.0, 90.0
SPIN = "import time; end = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass"


@contextmanager
def neighbour(seed: int, *, present: bool) -> Iterator[None]:
    """Keep a core busy now and then."""
    over = threading.Event()

    def come_and_go() -> None:
        rng = random.Random(seed)
        while not over.wait(rng.expovariate(1 / IDLE_S)):
            busy = subprocess.Popen([sys.executable, "-c", SPIN.format(seconds=rng.expovariate(1 / BUSY_S))])
            while busy.poll() is None and not over.wait(0.1):
                pass
            busy.kill()
            busy.wait()

    thread = threading.Thread(target=come_and_go)
    if present:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if present:
            thread.join()


def race(suite: str) -> tuple[dict[str, str | None], float]:
    """Run one race, and return each task's pick and the seconds that it took."""
    with tempfile.TemporaryDirectory() as folder:
        report = str(Path(folder) / "report.html")
        options = ["--until", "decided", "--json", "--results", folder, "--report", report]
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "bench", "run", suite, *options], capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - begin
    if done.returncode not in (0, 5):
        raise SystemExit(f"bench run {suite} ended with {done.returncode}: {done.stderr[-500:]}")
    tasks = json.loads(done.stdout)["decision"]["tasks"]
    return {name: task["recommendation"]["pick"] for name, task in tasks.items()}, seconds


def main() -> int:
    """Run, count, judge."""
    parser = make_parser(__doc__)
    parser.add_argument("--runs", type=int, default=20, help="default: %(default)s")
    parser.add_argument("--suite", default="suites/quickstart.yaml", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=7, help="of the neighbour; default: %(default)s")
    parser.add_argument("--no-neighbour", action="store_true", help="a quiet machine")
    options = parser.parse_args()
    contract, picks, seconds = Contract(), list[dict[str, str | None]](), list[float]()
    with neighbour(options.seed, present=not options.no_neighbour):
        for number in range(options.runs):
            found, took = race(options.suite)
            picks.append(found)
            seconds.append(took)
            contract.tell(f"run {number + 1}: {took:.0f} s; {found}")
    for task in picks[0]:
        shipped = Counter(found[task] for found in picks)
        (usual, count), *_ = shipped.most_common(1)
        unanswered = shipped[None]
        contract.hold(f"{task}: runs without an answer", unanswered, at_most=0)
        contract.hold(f"{task}: share of the runs that ship {usual}", count / len(picks), at_least=SAME_SHARE)
    contract.hold("longest run, s", max(seconds), at_most=LONGEST_S)
    contract.hold("median run, s", statistics.median(seconds), at_most=USUAL_S)
    return contract.close(options.json)


if __name__ == "__main__":
    sys.exit(main())
