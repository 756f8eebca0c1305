"""A racing run against the full run of the same suite, in turn: wall time, answers, and whether both pick alike.

    python benchmarks/race_run.py [--repeats N] [--suite SUITE] [--quick]

Each run starts from an empty results folder. `--quick` runs three models that guess, on 300 examples, in place of the
quickstart: whether the script goes, on a machine that does other things too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from contract import Contract, make_parser, ratio_of
from race_kills import fill

MOST = 1.0
"""Times as long as the full run that a race may take: what it spares must be worth its looks."""
DONE = (0, 5)
"""Exit codes of a run that has its answers: all went well, or a cell failed."""


@dataclass(frozen=True)
class Ran:
    """What one run came to."""

    picks: dict[str, str | None]
    """By task."""
    qualities: dict[tuple[str, str], float]
    """By task and candidate."""
    answers: int
    seconds: float


def run(suite: Path, until: str) -> Ran:
    """Run a suite from an empty results folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "bench",
            "run",
            str(suite.resolve()),
            "--until",
            until,
            "--json",
            "--no-report",
        ]
        begin = time.monotonic()
        done = subprocess.run([*command, "--results", folder], capture_output=True, text=True, check=False)
        seconds = time.monotonic() - begin
    if done.returncode not in DONE:
        raise SystemExit(f"bench run {suite} --until {until} ended with {done.returncode}: {done.stderr[-500:]}")
    document = json.loads(done.stdout)
    scored = [cell for cell in document["cells"] if cell["quality"]]
    firsts = {(cell["task"], cell["candidate"]): next(iter(cell["quality"].values())) for cell in scored}
    tasks = document["decision"]["tasks"]
    return Ran(
        {name: task["recommendation"]["pick"] for name, task in tasks.items()},
        {key: first["value"] for key, first in firsts.items()},
        sum(first["n"] for first in firsts.values()),
        seconds,
    )


def compare(raced: Ran, whole: Ran, contract: Contract) -> None:
    """Hold the picks of a race against those of the full run, by whose values their distance is told."""
    for task, pick in whole.picks.items():
        own = raced.picks.get(task)
        values = [whole.qualities.get((task, str(name))) for name in (own, pick)]
        apart = "" if None in values or own == pick else f"; the full run gives {values[0]:.4g} and {values[1]:.4g}"
        contract.require(f"same pick for '{task}'", own == pick, f"race: {own}, full run: {pick}{apart}")


def main() -> int:
    """Run both, compare."""
    parser = make_parser(__doc__, repeats=1)
    parser.add_argument("--suite", type=Path, default=Path("suites/quickstart.yaml"), help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="three models that guess, on 300 examples")
    options = parser.parse_args()
    contract = Contract()
    ran: dict[str, list[Ran]] = {"decided": [], "all": []}
    with ExitStack() as stack:
        suite = options.suite
        if options.quick:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            fill(folder)
            suite = folder / "suite.yaml"
        for repeat in range(options.repeats):
            for until in ("decided", "all") if repeat % 2 == 0 else ("all", "decided"):
                ran[until].append(run(suite, until))
                last = ran[until][-1]
                contract.tell(f"until {until}: {last.seconds:.0f} s, {last.answers:,} answers")
            compare(ran["decided"][-1], ran["all"][-1], contract)
    seconds = [[own.seconds for own in ran[until]] for until in ("decided", "all")]
    contract.hold("wall time of the race against the full run", ratio_of(*seconds), at_most=MOST)
    return contract.close(options.json)


if __name__ == "__main__":
    sys.exit(main())
