"""What the harness itself costs: time inside the timed region, and wall time around the measured windows.

    python benchmarks/overhead.py [--suite quickstart] [--before COMMIT | FOLDER] [--repeats 1]

The first part times a model that does nothing, with and without token stamps. The second runs a suite with bench as it
was (a commit, checked out beside, or a folder) and as it is here, in turn, each in new folders, and says where the time
of both goes.

    wall      from starting the command `bench run` to its end, without a report
    windows   the sum of the `window_*` facts of all records: loading, first request, scoring, warm-up, latency,
              throughput, memory, energy and arithmetic; what a run is made for
    rest      all else: planning, starting processes, admission, opening meters, storing, the canary, deciding, printing

Wanted of this tree: wall over windows at most 1.15 for the quickstart. Admission, which loads nothing and measures
nothing, is no window. The interpreter and its packages are the same for both; only bench differs. `processes` is the
time on the CPU of the command and everything that it starts.
"""

from __future__ import annotations

import ctypes
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from contract import Contract, interleaved, make_parser, ratio_of

from bench.errors import BenchError, InputError
from bench.measure.requests import time_request
from bench.meters.clock import HostClock
from bench.record import Record
from bench.store import Store
from bench.tasks.base import OnToken

WANTED_RATIO = 1.15
"""Wall time over the sum of the windows."""
BEFORE = "fd65d2f"
"""The commit that this bound was set against."""
HERE = Path(__file__).resolve().parents[1]
REQUESTS, TOKENS = 20_000, 100
PR_SET_CHILD_SUBREAPER = 36
"""Source: prctl(2). Processes that the command leaves behind become ours, and their time is counted."""
WARM = "import numpy, pandas, scipy.stats, sqlalchemy, torch, transformers.generation.utils"
"""Reads from the disk what both trees import."""


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
    """Compute the median time of a request in nanoseconds."""
    clock = HostClock("cpu")
    timings = [time_request(clock, request, "latency", 0, turn, (0,), stamp)[0] for turn in range(count)]
    return statistics.median(timing.duration_ns for timing in timings)


@dataclass(frozen=True, slots=True)
class Spent:
    """Where the time of one run went, in seconds."""

    wall: float
    processes: float
    """On the CPU, of all its processes."""
    windows: Counter[str]
    """By phase."""
    rest: Counter[str]
    """By what was done; with the windows it adds up to the wall time."""

    @property
    def ratio(self) -> float:
        """Divide the wall time by the sum of the windows."""
        return self.wall / self.windows.total()


def divide(records: Sequence[Record], began: float, ended: float, processes: float) -> Spent:
    """Divide a run's time by what was done.

    Args:
        records: of the run; those that ran nothing are left out.
        began: when the command was started, in seconds since 1970.
        ended: when it had ended.
        processes: time on the CPU.
    """
    windows, rest = Counter[str](), Counter[str]()
    ran = sorted((record for record in records if record.wall_s), key=lambda record: record.started_at)
    before = began
    for place, record in enumerate(ran):
        start = datetime.fromisoformat(record.started_at).timestamp()
        rest["before the first cell" if place == 0 else "between cells"] += start - before
        own = Counter[str]()
        for fact in record.facts:
            if fact.name.startswith("window_") and fact.value is not None:
                own[fact.name.removeprefix("window_").removesuffix("_s")] += fact.value
        admitted = sum(fact.value or 0.0 for fact in record.facts if fact.name == "admission_s")
        rest["admission"] += admitted
        rest["else within cells"] += record.wall_s - own.total() - admitted
        windows += own
        before = start + record.wall_s
    rest["after the last cell"] += ended - before
    return Spent(ended - began, processes, windows, rest)


def run(tree: Path, suite: str, results: Path) -> Spent:
    """Run a suite with the bench of a tree, and divide its time."""
    command = [sys.executable, "-m", "bench", "run", suite, "--results", str(results), "--no-report", "--rerun"]
    used, began = cpu_s(), time.time()
    subprocess.run(command, check=True, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}, stdout=subprocess.DEVNULL)
    ended = time.time()
    wait_for_all()
    with Store.open(results) as store:
        records = store.load("latest", rows=False).records
    return divide(records, began, ended, cpu_s() - used)


def cpu_s() -> float:
    """Read the time on the CPU of all processes that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def wait_for_all() -> None:
    """Wait for what the command has left to us: its server of processes ends a moment after it."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


@contextmanager
def tree_of(before: str, scratch: Path) -> Iterator[Path]:
    """Find the folder of an earlier bench: a folder as it is, a commit as a work tree that is removed afterwards.

    Raises:
        InputError: it is neither.
    """
    if (Path(before) / "bench").is_dir():
        yield Path(before).resolve()
        return
    folder, git = scratch / "before", ["git", "-C", str(HERE)]
    added = subprocess.run(
        [*git, "worktree", "add", "--detach", str(folder), before], capture_output=True, text=True, check=False
    )
    if added.returncode:
        why = (added.stderr.strip().splitlines() or ["git said nothing"])[-1]
        raise InputError(
            f"--before {before}: neither a folder that holds 'bench' nor a commit here ({why}); fetch the history, or "
            "name a folder"
        )
    try:
        yield folder
    finally:
        subprocess.run([*git, "worktree", "remove", "--force", str(folder)], check=True)


def tell(contract: Contract, spent: dict[str, list[Spent]]) -> None:
    """Print where the time went, side by side; of several runs the median of each line."""
    contract.tell(f"{'seconds':24}" + "".join(f"{name:>12}" for name in spent))

    def line(title: str, read: Any) -> None:
        values = [statistics.median(read(each) for each in runs) for runs in spent.values()]
        contract.tell(f"{title:24}" + "".join(f"{value:12.2f}" for value in values))

    runs = [each for side in spent.values() for each in side]
    line("windows", lambda each: each.windows.total())
    for phase, _ in sum((each.windows for each in runs), Counter[str]()).most_common():
        line(f"  {phase}", lambda each, phase=phase: each.windows[phase])
    line("rest", lambda each: each.rest.total())
    for part, _ in sum((each.rest for each in runs), Counter[str]()).most_common():
        line(f"  {part}", lambda each, part=part: each.rest[part])
    line("wall", lambda each: each.wall)
    line("processes", lambda each: each.processes)
    line("wall over windows", lambda each: each.ratio)


def main() -> int:
    """Print both costs."""
    parser = make_parser(__doc__, repeats=1)
    parser.add_argument("--suite", default="quickstart")
    parser.add_argument("--before", default=BEFORE, help="commit or folder of an earlier bench; default: %(default)s")
    parser.add_argument("--skip-before", action="store_true", help="run this tree alone")
    parser.add_argument("--skip-run", action="store_true", help="time the timed region alone")
    parser.add_argument("--results", type=Path, help="folder to put the results folders into, and to leave them in")
    arguments = parser.parse_args()
    empty = inside_ns(nothing, False, REQUESTS)
    silent, stamped = (inside_ns(tokens, stamp, REQUESTS // TOKENS) for stamp in (False, True))
    print(f"inside the timed region, a model that does nothing: {empty:.0f} ns a request")
    print(f"a token's stamp: {(stamped - silent) / TOKENS:.0f} ns")
    if arguments.skip_run:
        return 0
    contract = Contract()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        trees = {"after": HERE}
        if not arguments.skip_before:
            trees = {"before": stack.enter_context(tree_of(arguments.before, Path(scratch)))} | trees
        spent = run_in_turn(trees, arguments.suite, arguments.results or Path(scratch), arguments.repeats)
    tell(contract, spent)
    if not arguments.skip_before:
        walls = {name: [each.wall for each in runs] for name, runs in spent.items()}
        contract.tell(f"wall time, after over before: {ratio_of(walls['after'], walls['before'])}")
    ratios = [each.wall for each in spent["after"]], [each.windows.total() for each in spent["after"]]
    contract.hold("wall over windows", ratio_of(*ratios), at_most=WANTED_RATIO)
    return contract.close(arguments.json)


def run_in_turn(trees: dict[str, Path], suite: str, folder: Path, repeats: int) -> dict[str, list[Spent]]:
    """Run a suite with each tree, in random order, as often as asked for; each run has a results folder of its own."""
    for tree in trees.values():  # an installed bench has its bytecode, whatever this shell says of writing it
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(tree / "bench")], check=True)
    subprocess.run([sys.executable, "-c", WARM], check=True)
    spent: dict[str, list[Spent]] = {name: [] for name in trees}

    def side(name: str) -> None:
        spent[name].append(run(trees[name], suite, folder / f"{name}-{len(spent[name])}"))

    interleaved({name: lambda name=name: side(name) for name in trees}, repeats)
    return spent


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(str(error))
