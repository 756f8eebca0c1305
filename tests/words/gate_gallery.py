"""Results of the gate whose sentences are kept as snapshots, on nights and reruns whose truth is known."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np

from bench.gate import rerun, settlement
from bench.gate.gate import gate
from bench.host.facts import Facts
from bench.measure.canary import Canary
from bench.record import Cell, Record
from bench.running.executors.base import Answer, Call, Executor
from bench.store import Store
from bench.words.gate import label
from tests.factories import Sketch, Task, make_record
from tests.history.nights import environment_of, night

GOOD = [Sketch("a"), Sketch("b")]
SLOW = [Sketch("a", latency_s=0.012), Sketch("b")]
SLOWER = [Sketch("a", latency_s=0.0112), Sketch("b")]
HALF = [Sketch("a", latency_s=0.02), Sketch("b")]
WORSE = [Sketch("a", skill=0.5), Sketch("b")]
LATE = [Sketch("a"), Sketch("b", status="timeout", reason="60 s are over")]

Truth = Callable[[str, int, Cell], Sketch]
"""What a side ("candidate" or "baseline") is like in a process."""


class Knows(Executor):
    """Answers each job with the record of a sketch."""

    def __init__(self, truth: Truth) -> None:
        super().__init__()
        self.truth = truth

    def fingerprint(self) -> Facts:
        """Returns that of the machine of the nights."""
        return environment_of("m")

    def attempt(self, call: Call) -> Answer:
        """Returns the canary, or the record of the cell that is asked for."""
        if "cell" not in call.arguments:
            return Answer(Canary(1, 0.004, {}, ""))
        side = "candidate" if call.log_path is not None and "candidate" in call.log_path.name else "baseline"
        process = call.arguments["process"]
        return Answer(_measured(self.truth(side, process, call.arguments["cell"]), process))


def _measured(sketch: Sketch, process: int = 0) -> Record:
    return make_record(sketch, Task("topic"), examples=200, process=process, requests=400)


def _as(sketches: Sequence[Sketch]) -> Truth:
    by_id = {_measured(sketch).cell.id: sketch for sketch in sketches}
    return lambda _, __, cell: by_id[cell.id]


def _gate(
    nights: Sequence[tuple[Sequence[Sketch], str]], truth: Truth | None = None, rounds: Sequence[int] = (6,)
) -> list[str]:
    """Returns all that the gate says of the last of some nights, each on a machine of a name."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        runs = [night(store, sketches, machine) for sketches, machine in nights]
        found = gate(store, executor=None if truth is None else Knows(truth), rounds=rounds)
    lines = [f"{line.verdict} · {label(line)}: {line.text}" for line in found.lines]
    text = "\n".join([*lines, *(front.text for front in found.fronts), *found.remarks, found.sentence])
    for number, run_id in enumerate(runs):
        text = text.replace(run_id, f"RUN-{number}")
    return text.split("\n")


def _same_machine(*nights: Sequence[Sketch]) -> list[tuple[Sequence[Sketch], str]]:
    return [(sketches, "m") for sketches in nights]


def _paired(truth: Truth, rounds: Sequence[int] = (6,)) -> list[str]:
    """Returns what the gate says where both sides of a slow night can be run."""
    with patch.object(settlement, "duel", lambda new, old, score: rerun.Duel(new, old, score=score)):
        return _gate(_same_machine(GOOD, SLOW), truth, rounds)


def _noisy(side: str, process: int, _: Cell) -> Sketch:
    swing = 0.6 * (-1) ** process if side == "candidate" else 0.0
    return Sketch("a", latency_s=0.01 * float(np.exp(swing)))


SCENES: dict[str, Callable[[], list[str]]] = {
    "gate-first": lambda: _gate(_same_machine(GOOD)),
    "gate-unchanged": lambda: _gate(_same_machine(GOOD, GOOD, GOOD)),
    "gate-worse": lambda: _gate(_same_machine(GOOD, WORSE)),
    "gate-worse-elsewhere": lambda: _gate([(GOOD, "kernel-1"), (WORSE, "kernel-2")]),
    "gate-suspected": lambda: _gate(_same_machine(GOOD, SLOW)),
    "gate-better": lambda: _gate(_same_machine(GOOD, [Sketch("a", latency_s=0.008), Sketch("b")])),
    "gate-disturbed": lambda: _gate(_same_machine(GOOD, SLOW), _as(GOOD), (3,)),
    "gate-machine": lambda: _gate(_same_machine(GOOD, SLOWER), _as(SLOWER)),
    "gate-unexplained": lambda: _gate(_same_machine(*[GOOD] * 5, HALF), _as(HALF)),
    "gate-no-longer-runs": lambda: _gate(
        _same_machine(GOOD, [Sketch("a"), Sketch("b", status="failed", reason="boom")])
    ),
    "gate-runs-again": lambda: _gate(_same_machine(GOOD, LATE), _as(GOOD)),
    "gate-late-again": lambda: _gate(_same_machine(GOOD, LATE), _as(LATE)),
    "gate-answers-gone": lambda: _gate(_same_machine(GOOD, WORSE), _as(GOOD)),
    "gate-answers-again": lambda: _gate(_same_machine(GOOD, WORSE), _as(WORSE)),
    "gate-other-models": lambda: _gate(_same_machine(GOOD, [Sketch("a"), Sketch("c")])),
    "gate-confirmed": lambda: _paired(lambda side, *_: Sketch("a", latency_s=0.012 if side == "candidate" else 0.01)),
    "gate-refuted": lambda: _paired(lambda *_: Sketch("a", latency_s=0.01)),
    "gate-noisy": lambda: _paired(_noisy, (6, 12)),
    "gate-side-fails": lambda: _paired(lambda side, *_: Sketch("a", status="timeout" if side == "baseline" else "ok")),
}
