"""A racing run that is killed (SIGKILL, its whole group) at random moments, and gone on with by the same command.

    python benchmarks/race_kills.py [--moments N] [--seed SEED]

The same race is run once to the end. Then it is killed at moments spread over that time, run again to the end, and held
against the first: the same looks, the same answer, and no example of which two answers are stored.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from contract import Contract, make_parser

from bench.store import Store

ROWS = 300
MODULE = '''\
"""Models that guess with a skill of their own, slowly enough that every look is worth its start."""

import time
import zlib


class Guess:
    def __init__(self, skill):
        self.skill = skill

    def classify(self, texts, labels):
        time.sleep(0.03 * len(texts))
        return [self.scores(text, labels) for text in texts]

    def scores(self, text, labels):
        luck = zlib.crc32(f"{self.skill} {text}".encode()) % 1000 / 1000
        right = text.split()[0] == labels[0]
        chosen = 0 if right == (luck < self.skill) else 1
        return [1.0 + luck if place == chosen else luck / 2 for place in range(len(labels))]


def best(): return Guess(0.9)
def near(): return Guess(0.87)
def poor(): return Guess(0.3)
'''
SUITE = """\
name: race-kills
defaults: {device: cpu, threads: 1, batch_size: 8}
models:
  - {name: best, family: torch-module, factory: "guess:best"}
  - {name: near, family: torch-module, factory: "guess:near"}
  - {name: poor, family: torch-module, factory: "guess:poor"}
tasks:
  - {name: side, kind: classification, data: {path: rows.jsonl}, labels: [left, right]}
measure: {profile: "off"}
objectives: [quality, parameters]
race: {until: decided, margin: 1}
"""


def fill(folder: Path) -> None:
    """Write the suite."""
    (folder / "guess.py").write_text(MODULE, encoding="utf-8")
    (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
    sides = ["left" if place % 3 else "right" for place in range(ROWS)]
    rows = [json.dumps({"text": f"{side} {place}", "label": side}) for place, side in enumerate(sides)]
    (folder / "rows.jsonl").write_text("\n".join(rows), encoding="utf-8")


def start(folder: Path, results: str, until: str) -> subprocess.Popen[bytes]:
    """Start the race in a session of its own."""
    command = [sys.executable, "-m", "bench", "run", "suite.yaml", "--results", results, "--no-report"]
    command += ["--until", until]
    with (folder / "said").open("ab") as said:
        return subprocess.Popen(command, cwd=folder, start_new_session=True, stdout=said, stderr=said)


def killed(process: subprocess.Popen[bytes], after_s: float) -> bool:
    """Kill a run and all that it started, and tell whether it was under way."""
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def came_to(results: Path) -> tuple[object, int, int]:
    """Read the race of the newest run: its looks and pick, how many answers are stored twice, and how many runs there
    are."""
    with Store.open(results, create=False) as store:
        stored = store.load()
        runs = len(store.runs())
    task = stored.info.race["tasks"]["side"]
    answers = Counter((record.cell.model, sample.index) for record in stored.records for sample in record.samples)
    return (
        {key: task[key] for key in ("looks", "pick", "answered", "front")},
        sum(n > 1 for n in answers.values()),
        runs,
    )


def main() -> int:
    """Kill, go on, compare."""
    parser = make_parser(__doc__)
    parser.add_argument("--moments", type=int, default=30, help="Kills (30).")
    parser.add_argument("--seed", type=int, default=11, help="Of the moments (11).")
    parser.add_argument("--until", choices=["decided", "front"], default="decided", help="What the race goes on for.")
    options = parser.parse_args()
    contract = Contract()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        begin = time.monotonic()
        code = start(folder, "whole", options.until).wait()
        whole_s = time.monotonic() - begin
        contract.require("the race that is not killed ends well", code == 0, f"exit code {code} after {whole_s:.1f} s")
        expected, _, _ = came_to(folder / "whole")
        print(f"looks: {expected['looks']}")
        same = once = ended = 0
        for moment in range(options.moments):
            results = f"killed-{moment}"
            while not killed(start(folder, results, options.until), rng.uniform(0.5, whole_s)):
                shutil.rmtree(folder / results)  # it was over before: nothing was killed
            ended += start(folder, results, options.until).wait() == 0
            found, twice, runs = came_to(folder / results)
            same += found == expected
            once += twice == 0 and runs == 1
            if found != expected or twice or runs != 1:
                print(f"moment {moment}: {twice} answered twice, {runs} runs: {found}")
            shutil.rmtree(folder / results)
    total = options.moments
    contract.require("the same command ends well after a kill", ended == total, f"{ended} of {total}")
    contract.require("the same looks and the same answer", same == total, f"{same} of {total}")
    contract.require("no example is answered twice, in one run", once == total, f"{once} of {total}")
    return contract.close(options.json)


if __name__ == "__main__":
    sys.exit(main())
