"""How long the report of a large run takes, and where the time goes.

Builds synthetic records (60 models on 8 tasks of all kinds, 2 000 examples each, by default), then times what
`bench report` does after it has read the store: summarise, decide, the view, the page. Wanted: under 20 s
on two cores, and at most 1.5 MB.

    python benchmarks/report.py [--models 60] [--tasks 8] [--examples 2000] [--requests 200] [--processes 1]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from contract import Contract, make_parser

from bench.__main__ import collect_rarely
from bench.decision import Question, decide
from bench.record import Record
from bench.report import render, view_of
from bench.store import RunInfo, StoredRun
from bench.suite import Suite
from bench.summary import summarise
from tests.factories import Sketch, Task, make_run

SECONDS, BYTES = 20.0, 1_500_000
"""What a reader waits for without leaving, and what a mail takes."""
KINDS = ("classification", "summarisation", "translation", "language-modelling")
FAMILIES = ("causal-lm", "encoder", "seq2seq", "transformer")


def records_of(models: int, tasks: int, examples: int, requests: int, processes: int) -> list[Record]:
    """Returns the records of a run of `models` on `tasks`, one in thirty of them failed."""
    sketches = [
        Sketch(
            f"model-{i:02}",
            skill=0.4 + 0.5 * ((i * 37) % models) / models,
            latency_s=0.002 * 1.07**i,
            memory_bytes=(200 + 9 * i) * 2**20,
            energy_j=0.02 * 1.05**i,
            family=FAMILIES[i % len(FAMILIES)],
            status="failed" if i % 30 == 3 else "ok",
        )
        for i in range(models)
    ]
    chosen = [Task(f"task-{i}", KINDS[i % len(KINDS)]) for i in range(tasks)]
    return make_run(sketches, chosen, examples=examples, requests=requests, processes=processes)


def suite_of(records: list[Record]) -> Suite:
    """Returns the suite that such records come from."""
    models = dict.fromkeys((r.cell.model, r.cell.family) for r in records)
    tasks = dict.fromkeys((r.cell.task, r.cell.kind) for r in records)
    body = {
        "name": "large",
        "models": [{"name": name, "family": family, "checkpoint": "x"} for name, family in models],
        "tasks": [{"name": name, "kind": kind, "data": {"builtin": "waybills"}} for name, kind in tasks],
        "objectives": ["quality", "latency_p95_s", "peak_memory_bytes", "energy_per_example_j"],
        "constraints": {"latency_p95_s": "<= 100 ms"},
    }
    return Suite.model_validate_json(json.dumps(body))


def timed(said: dict[str, float], stage: str, act: Callable[[], object]) -> object:
    """Runs one stage, notes its seconds, and returns its result."""
    before = time.perf_counter()
    result = act()
    said[stage] = time.perf_counter() - before
    return result


def main() -> int:
    """Print seconds by stage, and the bytes of the page."""
    collect_rarely()  # as the command does
    parser = make_parser(__doc__)
    for name, usual in (("models", 60), ("tasks", 8), ("examples", 2000), ("requests", 200), ("processes", 1)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    records = records_of(asked.models, asked.tasks, asked.examples, asked.requests, asked.processes)
    suite = suite_of(records)
    info = RunInfo(suite.name, "", "", "", "m", "quick", tuple((r.cell.id, r.cell.label) for r in records))
    said: dict[str, float] = {}
    entries = timed(said, "summarise", lambda: summarise(records))
    decision = timed(said, "decide", lambda: decide(entries, Question.of(suite)))  # type: ignore[arg-type]
    view = timed(said, "view", lambda: view_of(StoredRun(info, tuple(records)), suite, decision))  # type: ignore[arg-type]
    page = timed(said, "page", lambda: render(view))  # type: ignore[arg-type]
    total, size = sum(said.values()), len(str(page).encode())
    for stage, seconds in said.items():
        print(f"{stage:10} {seconds:7.2f} s  {100 * seconds / total:3.0f} %")
    contract = Contract()
    contract.hold("seconds in all", total, at_most=SECONDS)
    contract.hold("bytes of the page", size, at_most=BYTES, shown=f"{size:,}")
    return contract.close(asked.json)


if __name__ == "__main__":
    sys.exit(main())
