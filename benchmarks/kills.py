"""A run that is ended at any moment: what is left behind, and whether the next command goes on.

    python benchmarks/kills.py [--moments N] [--signals INT TERM KILL] [--seed SEED]

A small suite (a floor, a module that starts processes of its own, a training) is run once to the end; then it is
started again and again and ended at moments spread over that time, also inside a cell and a training. After each end
nothing may be left: no process, no temporary file, no shared memory; what a SIGKILL leaves in the results folder is
gone after the next run of the same suite. Only `bench: interrupted` may be said.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from contract import Contract, make_parser

SIGNALS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "KILL": signal.SIGKILL}
MARK = "BENCH_KILLS_RUN"
"""Environment variable by which all processes of a run are found, whatever their parent and session."""
GONE_S = 20.0
"""Longest time until everything of a run has ended: a supervisor waits ten seconds at most."""
STEP_S = 0.05
MEMORY = Path("/dev/shm")  # the place of shared memory and semaphores
NOISE = re.compile(r"Traceback|resource_tracker|leaked|Exception ignored|Error in atexit", re.IGNORECASE)
MODULE = """\
import pathlib, subprocess, sys, time
class Slow:
    def classify(self, texts, labels):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        pathlib.Path("in-cell").touch()
        time.sleep(0.02)
        return [[float(len(text) % (1 + place)) for place, _ in enumerate(labels)] for text in texts]
def make(): return Slow()
"""
SUITE = """\
name: kills
defaults: {device: cpu, threads: 1, max_examples: 12, seed: 3}
models:
  - {name: floor, family: baseline, strategy: majority}
  - {name: own, family: torch-module, factory: "own:make"}
  - {name: trained, family: encoder, fit: {recipe: recipe.yaml, output: trained}}
tasks:
  - {name: status, kind: classification, data: {path: splits}, metrics: [accuracy]}
measure: {profile: quick, window_s: 0.2}
"""
RECIPE = """\
start: scratch
architecture: {layers: 1, d_model: 32, heads: 2, d_ff: 64, max_length: 64, vocab_size: 320}
steps: 60
warmup_steps: 5
batch_tokens: 512
learning_rate: 3.0e-3
evaluate_every: 30
save_every: 10
"""


@dataclass(frozen=True, slots=True)
class Left:
    """What was there after a run had ended."""

    processes: tuple[str, ...] = ()
    temporary: tuple[str, ...] = ()
    memory: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    """Half-written files and folders in the results folder."""

    def __str__(self) -> str:
        """List everything, or say that there is nothing."""
        named = {name: getattr(self, name) for name in ("processes", "temporary", "memory", "results")}
        return "; ".join(f"{name}: {', '.join(found)}" for name, found in named.items() if found) or "nothing"


@dataclass(slots=True)
class Place:
    """A folder with the suite, a results folder, and a folder for temporary files."""

    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    memory_before: frozenset[str] = field(default_factory=lambda: frozenset(unused_memory()))

    def fill(self) -> None:
        """Write the suite."""
        for name, text in {"own.py": MODULE, "suite.yaml": SUITE, "recipe.yaml": RECIPE}.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        for split, rows in {"train": 60, "validation": 20, "test": 12}.items():
            texts = [{"text": f"parcel {place} in row {place % 7}", "label": "ab"[place % 2]} for place in range(rows)]
            path = self.folder / "splits" / f"{split}.jsonl"
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(f"{json.dumps(row)}\n" for row in texts), encoding="utf-8")
        self.temporary.mkdir()

    @property
    def temporary(self) -> Path:
        """The folder for temporary files."""
        return self.folder / "tmp"

    def start(self) -> subprocess.Popen[str]:
        """Start a run, in a session of its own, as a terminal starts a job."""
        environment = os.environ | {"TMPDIR": str(self.temporary), MARK: self.mark, "HF_HUB_OFFLINE": "1"}
        with (self.folder / "stderr").open("w") as stderr, (self.folder / "stdout").open("w") as stdout:
            return subprocess.Popen(
                [sys.executable, "-m", "bench", "run", "suite.yaml", "--results", "results"],
                cwd=self.folder,
                env=environment,
                start_new_session=True,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )

    def said(self) -> str:
        """Read what the run printed."""
        return (self.folder / "stderr").read_text() + (self.folder / "stdout").read_text()

    def left(self) -> Left:
        """List what is left of the run, once its processes had their time."""
        deadline = time.monotonic() + GONE_S
        while (processes := processes_of(self.mark)) and time.monotonic() < deadline:
            time.sleep(STEP_S)
        results = self.folder / "results"
        partial = [p for p in results.rglob("*") if p.name.endswith((".partial", ".replaced"))]
        memory = unused_memory() - self.memory_before
        if memory:  # other programs make and remove some all the time
            time.sleep(1)
            memory &= unused_memory()
        return Left(
            tuple(processes),
            tuple(sorted(path.name for path in self.temporary.iterdir())),
            tuple(sorted(memory)),
            tuple(sorted(str(path.relative_to(results)) for path in partial)),
        )


def unused_memory() -> set[str]:
    """List the files of shared memory that no living process has mapped."""
    mapped: set[str] = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError, UnicodeDecodeError):  # it has just ended, or is another user's
            mapped |= {line.rpartition("/")[2] for line in maps.read_text().splitlines() if str(MEMORY) in line}
    return {path.name for path in MEMORY.iterdir()} - mapped


def processes_of(mark: str) -> list[str]:
    """List the processes that carry a mark in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(f"{entry.name} {(entry / 'cmdline').read_bytes().replace(bytes(1), b' ').decode()[:80]}")
        except (OSError, UnicodeDecodeError):
            continue  # it has just ended, or is another user's
    return found


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run ended, and how the next one did."""

    code: int
    said: str
    left: Left
    next_code: int
    next_said: str
    next_left: Left
    checked: int
    """Exit code of `bench store check` after that."""

    def faults(self, number: signal.Signals) -> list[str]:
        """List what is not as it must be."""
        killed = number == signal.SIGKILL
        allowed = {signal.SIGKILL: (-number, 0), signal.SIGTERM: (-number, 130, 0), signal.SIGINT: (130, 0)}[number]
        faults = [] if self.code in allowed else [f"exit code {self.code}"]
        for name, said in (("run", self.said), ("next run", self.next_said)):
            faults += [f"the {name} says {line.strip()!r}" for line in said.splitlines() if NOISE.search(line)]
        never = Left(self.left.processes, self.left.temporary, self.left.memory, () if killed else self.left.results)
        for name, left in (("left", never), ("left after the next run", self.next_left)):
            faults += [f"{name}: {left}"] if left != Left() else []
        faults += [] if self.next_code == 0 else [f"the next run ends with {self.next_code}"]
        return faults + ([] if self.checked == 0 else [f"store check ends with {self.checked}"])


def end_at(place: Place, number: int, after_s: float, *, whole_group: bool) -> Ended:
    """Start a run, end it after a time, and run it again."""
    process = place.start()
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, number) if whole_group else process.send_signal(number)
    code = process.wait(60)
    left, said = place.left(), place.said()
    (place.folder / "stderr").rename(place.folder / "stderr-ended")
    following = place.start()
    next_code = following.wait(300)
    check = [sys.executable, "-m", "bench", "store", "check", "--results", "results"]
    checked = subprocess.run(check, cwd=place.folder, capture_output=True, check=False)
    return Ended(code, said, left, next_code, place.said(), place.left(), checked.returncode)


def moments(count: int, whole_s: float, seed: int) -> list[float]:
    """Spread moments over a run, one at random in each stretch of equal length."""
    draw = random.Random(seed)
    return [whole_s * (place + draw.random()) / count for place in range(count)]


def kill_all(contract: Contract, folder: Path, count: int, names: Sequence[str], seed: int) -> None:
    """End runs at every moment with every signal, and hold what must be."""
    first = Place(folder / "whole")
    first.folder.mkdir()
    first.fill()
    start = time.monotonic()
    code = first.start().wait(300)
    whole_s = time.monotonic() - start
    contract.tell(f"a whole run: {whole_s:.1f} s, left: {first.left()}")
    contract.require(f"a whole run ends with 0 ({code})\n{first.said() if code else ''}".strip(), code == 0)
    for place, after_s in enumerate(moments(count, whole_s, seed)):
        name = names[place % len(names)]
        spot = Place(folder / f"{place}-{name}")
        spot.folder.mkdir()
        spot.fill()
        ended = end_at(spot, SIGNALS[name], after_s, whole_group=name == "INT")
        faults = ended.faults(SIGNALS[name])
        contract.require(f"SIG{name} at {after_s:5.2f} s: {'; '.join(faults) or 'nothing left'}", not faults)
        if not faults:
            shutil.rmtree(spot.folder)


def main() -> int:
    """Run the benchmark."""
    parser = make_parser(__doc__)
    parser.add_argument("--moments", type=int, default=21)
    parser.add_argument("--signals", nargs="+", choices=sorted(SIGNALS), default=sorted(SIGNALS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder to work in, where what failed stays")
    given = parser.parse_args()
    contract = Contract()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        kill_all(contract, folder.resolve(), given.moments, given.signals, given.seed)
    return contract.close(given.json)


if __name__ == "__main__":
    sys.exit(main())
