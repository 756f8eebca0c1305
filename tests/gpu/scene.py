"""One run of `bench` on one device: small candidates in every form, and what became of each."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.record import Fact, Record
from bench.store import Store
from tests.checkpoints import LABELS

ROOT = Path(__file__).parents[2]
CANDIDATES = Path(__file__).with_name("gpu_candidates.py")
EXTRAS = "BENCH_GPU_EXTRAS"
"""Names a folder of packages that only some tests see: torchao makes every process of a suite import transformers."""

SUITE = """\
name: gpu-tests
defaults: {{device: "{device}", timeout_s: {cell_s:g}, batch_size: 4}}
models:
  - {{name: gpt2, family: causal-lm, checkpoint: {causal}, variants: [{{}}, {{dtype: bfloat16}}, {{dtype: float16}}, {{compile: true}}]}}
  - {{name: bert, family: encoder, checkpoint: {encoder}, variants: [{{}}, {{quantise: int8}}]}}
  - {{name: plain, family: torch-module, factory: "gpu_candidates:plain"}}
  - {{name: graphs, family: torch-module, factory: "gpu_candidates:graphs"}}
  - {{name: hungry, family: torch-module, factory: "gpu_candidates:hungry"}}
  - {{name: int8, family: torch-module, factory: "gpu_candidates:quantised", options: {{scheme: int8}}, variants: [{{dtype: bfloat16}}]}}
  - {{name: int4, family: torch-module, factory: "gpu_candidates:quantised", options: {{scheme: int4}}, variants: [{{dtype: bfloat16}}]}}
tasks:
  - {{name: topic, kind: classification, data: {{path: topic.jsonl}}}}
  - {{name: fixed, kind: classification, data: {{path: topic.jsonl}}, batch_size: 16}}
  - {{name: auto, kind: classification, data: {{path: topic.jsonl}}, batch_size: auto}}
  - {{name: write, kind: translation, data: {{path: write.jsonl}}, max_new_tokens: 8}}
measure: {{profile: quick, window_s: {window}}}
objectives: [quality, latency_p50_s, peak_memory_bytes]
"""  # noqa: E501
CELLS = ("gpt2*/write", "bert*/topic", "plain/topic", "graphs/topic", "hungry/fixed", "hungry/auto")
TIMEOUT_S = (160.0, 1200.0)
"""On a GPU, and on a CPU that others may use too; then the run is asked to stop, and what it finished is looked at."""
CELL_S = (120.0, 600.0)
"""Of one cell, likewise."""
STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Scene:
    """What one run left."""

    device: str
    records: Mapping[tuple[str, str], Record]
    """By candidate (`model` or `model[variant]`) and task."""
    printed: str

    def record(self, candidate: str, task: str) -> Record:
        """Look up a cell's record; without it, what the run printed."""
        assert (candidate, task) in self.records, f"no record of {candidate} on {task}:\n{self.printed[-2000:]}"
        return self.records[candidate, task]

    def fact(self, candidate: str, task: str, name: str) -> Fact:
        """Look up one fact."""
        record = self.record(candidate, task)
        assert record.status == "ok", record.reason
        return next(fact for fact in record.facts if fact.name == name)


def play(
    device: str,
    folder: Path,
    checkpoints: Mapping[str, Path],
    cells: Sequence[str] = CELLS,
    environment: Mapping[str, str] | None = None,
    window_s: float = 0.5,
) -> Scene:
    """Write the suite and its data, run some cells, and read the records."""
    shutil.copy(CANDIDATES, folder / CANDIDATES.name)
    texts = [f"Parcel {place} left the port of Bremen on day {place % 7}." for place in range(16)]
    rows = [{"text": text, "label": LABELS[place % len(LABELS)]} for place, text in enumerate(texts)]
    written = [{"source": text, "target": text} for text in texts[:4]]
    for name, lines in (("topic", rows), ("write", written)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    places = {"causal": checkpoints["causal-lm"], "encoder": checkpoints["encoder"]}
    (folder / "suite.yaml").write_text(
        SUITE.format(device=device, window=window_s, cell_s=CELL_S[device == "cpu"], **places)
    )
    only = [part for cell in cells for part in ("--only", cell)]
    command = [sys.executable, "-m", "bench", "run", str(folder / "suite.yaml"), "--results", str(folder / "results")]
    log = folder / "printed.txt"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--no-report", *only],
            cwd=ROOT,
            env=os.environ | dict(environment or {}),
            stdout=file,
            stderr=file,
        )
        _wait(process, TIMEOUT_S[device == "cpu"])
    with Store.open(folder / "results") as store:
        records = store.load("latest", rows=True).records
    return Scene(
        device, {(_candidate(record), record.cell.task): record for record in records}, log.read_text(errors="replace")
    )


def printed(code: str, *arguments: str, **environment: str) -> Any:
    """Run code in a process of its own, and read what it prints."""
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _candidate(record: Record) -> str:
    variant = record.cell.variant
    return record.cell.model if variant == "float32" else f"{record.cell.model}[{variant}]"
