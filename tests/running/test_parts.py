"""A cell that is scored in parts is, bit for bit, the cell that is scored in one place; and what if a part is missing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.planning import make_plan, open_suite
from bench.record import Part, Record
from bench.running.executors.base import Answer, Call, Job
from bench.running.executors.inline import InlineExecutor
from bench.running.executors.outcome import Failure
from bench.running.joining import joined
from bench.running.parts import run_in_parts, share_out
from bench.running.runner import Finished, run
from bench.store import RunInfo, Store

SUITE = """\
name: parts
defaults: {{device: cpu, threads: 1, batch_size: 3}}
models:
  - {{name: reads, family: encoder, checkpoint: {encoder}}}
  - {{name: writes, family: seq2seq, checkpoint: {seq2seq}}}
  - {{name: goes-on, family: causal-lm, checkpoint: {causal-lm}}}
  - {{name: often, family: baseline, strategy: majority}}
tasks:
  - {{name: colour, kind: classification, data: {{path: data.jsonl}}, labels: [red, green, dark blue]}}
  - {{name: other, kind: translation, data: {{path: data.jsonl, columns: {{source: text, target: label}}}}, max_new_tokens: 6}}
  - {{name: likely, kind: language-modelling, data: {{path: data.jsonl}}}}
measure: "off"
"""
INFO = RunInfo("parts", "", "hash", "bench run", "machine", "off")
Behaves = Callable[[Call], Answer | None]


class Wide(InlineExecutor):
    """Three machines, one after another in this process."""

    capacity = 3
    least_part = 4

    def __init__(self, behaves: Behaves = lambda call: None) -> None:
        super().__init__()
        self.behaves, self.turn = behaves, threading.Lock()
        self.parts: list[tuple[str, Part | None]] = []
        self.released: list[str] = []

    def attempt(self, call: Call) -> Answer:
        """Make a call, and note of which part of which cell it is, and the machine."""
        with self.turn:
            label, part = call.arguments["cell"].label, call.arguments.get("part")  # type: ignore[attr-defined]
            self.parts.append((label, part))
            answer = self.behaves(call) or super().attempt(call)
        if not isinstance(answer.value, Record):
            return answer
        note = {"name": f"node-{0 if part is None else part.number}", "kind": "cpu"}
        return replace(answer, value=replace(answer.value, notes={**answer.value.notes, "machine": note}))

    def release(self, block: str) -> None:
        self.released.append(block)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, checkpoints: dict[str, Path]) -> Path:
    made = tmp_path_factory.mktemp("parts")
    words = ["red", "green", "dark blue", "box", "cat"]
    rows = [{"text": " ".join(words[: 1 + i % 5] * (1 + i % 3)), "label": words[i % 3]} for i in range(26)]
    (made / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (made / "suite.yaml").write_text(SUITE.format(**checkpoints))
    return made


def done(folder: Path, results: Path, executor: InlineExecutor, model: str = "", task: str = "") -> tuple[Finished, dict[str, Record]]:
    plan = make_plan(open_suite(str(folder / "suite.yaml")), results).written(results)
    cells = [cell for cell in plan if model in cell.model and task in cell.task]
    with Store.open(results) as store:
        finished = run(cells, executor, store, INFO)
        return finished, {record.cell.label: record for record in store.load().records}


def test_x(folder, tmp_path):
    one, whole = done(folder, tmp_path / "whole", InlineExecutor())
    wide = {}
    for label, record in whole.items():
        ex = Wide()
        _, got = done(folder, tmp_path / "wide", ex, record.cell.model, record.cell.task)
        print(label, record.status, record.reason, ex.parts)
        g = got[label]
        print(g.samples == record.samples, g.doubts == record.doubts, g.notes.get("parts"))
        for k in sorted({*g.notes, *record.notes}):
            if g.notes.get(k) != record.notes.get(k): print("  ", k, g.notes.get(k), record.notes.get(k))
        for a, b in zip(g.facts, record.facts, strict=True):
            if a != b: print("  ", a, b)
    assert 0
