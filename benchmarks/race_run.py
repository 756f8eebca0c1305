"""A racing run against the full run of the same suite, in turn: wall time, answers, and whether both pick alike.

    python benchmarks/race_run.py [--repeats N] [--suite SUITE]

Each run starts from an empty results folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time

from contract import Contract, make_parser, ratio_of

MOST = 1.0
"""Times as long as the full run that a race may take: what it spares must be worth its looks."""


def run(suite: str, until: str) -> tuple[dict[str, str | None], float, int]:
    """Run a suite, and return each task's pick, the seconds that it took, and how many answers there are."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench", "run", suite, "--until", until, "--json", "--no-report"]
        begin = time.monotonic()
        done = subprocess.run([*command, "--results", folder], capture_output=True, text=True, check=False)
        seconds = time.monotonic() - begin
    if done.returncode not in (0, 5):
        raise SystemExit(f"bench run {suite} ended with {done.returncode}: {done.stderr[-500:]}")
    document = json.loads(done.stdout)
    answers = sum(max((metric["n"] for metric in cell["quality"].values()), default=0) for cell in document["cells"])
    tasks = document["decision"]["tasks"]
    return {name: task["recommendation"]["pick"] for name, task in tasks.items()}, seconds, answers


def main() -> int:
    """Run both, compare."""
    parser = make_parser(__doc__, repeats=1)
    parser.add_argument("--suite", default="suites/quickstart.yaml", help="default: %(default)s")
    options = parser.parse_args()
    contract, raced, whole = Contract(), list[float](), list[float]()
    for repeat in range(options.repeats):
        order = ("decided", "all") if repeat % 2 == 0 else ("all", "decided")
        found = {until: run(options.suite, until) for until in order}
        raced.append(found["decided"][1])
        whole.append(found["all"][1])
        for until, (picks, seconds, answers) in found.items():
            contract.tell(f"until {until}: {seconds:.0f} s, {answers:,} answers, {picks}")
        contract.require("the race picks what the full run picks", found["decided"][0] == found["all"][0])
    contract.hold("wall time of the race against the full run", ratio_of(raced, whole), at_most=MOST)
    return contract.close(options.json)


if __name__ == "__main__":
    sys.exit(main())
