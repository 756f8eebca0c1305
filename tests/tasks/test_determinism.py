"""The same suite twice gives the same rows, bit for bit, for every family and kind of task; one worker, real cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.planning import make_plan, open_suite
from bench.record import Record
from bench.running.worker.cell import run_cell
from tests.checkpoints import FAMILIES, TEXTS

SUITE = """\
name: twice
defaults: {{device: cpu, batch_size: 3, threads: 1}}
models:
{models}
  - {{name: floor, family: baseline, strategy: majority}}
tasks:
  - {{name: topic, kind: classification, data: {{path: data.jsonl}}}}
  - {{name: likely, kind: classification, data: {{path: data.jsonl}}, scoring: {{{likelihood}}}}}
  - {{name: written, kind: classification, data: {{path: data.jsonl}}, scoring: {{{generated}}}, max_new_tokens: 4}}
  - {{name: choice, kind: multiple-choice, data: {{path: data.jsonl}}, scoring: likelihood-per-byte}}
  - {{name: answer, kind: question-answering, data: {{path: data.jsonl}}, max_new_tokens: 5}}
  - {{name: beams, kind: translation, data: {{path: data.jsonl}}, max_new_tokens: 5, num_beams: 2}}
  - {{name: text, kind: language-modelling, data: {{path: data.jsonl}}}}
measure: {{profile: quick, window_s: 0.01, energy: off}}
"""
GENERATORS = ("causal-lm", "seq2seq", "transformer")


def write_suite(folder: Path, checkpoints: dict[str, Path]) -> Path:
    labels = ("red", "green", "dark blue")
    rows: list[dict[str, Any]] = [
        {
            "text": text,
            "label": labels[i % 3],
            "source": text,
            "target": text[::-1],
            "question": text,
            "choices": ["red", "a green tea", "12"][: 2 + i % 2],
            "answer": i % 2,
            "answers": ["red", text],
        }
        for i, text in enumerate(TEXTS)
    ]
    (folder / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    models = "\n".join(f"  - {{name: {f}, family: {f}, checkpoint: {checkpoints[f]}}}" for f in FAMILIES)
    likelihood = ", ".join(f"{family}: likelihood-per-token" for family in GENERATORS)
    generated = ", ".join(f"{family}: generated" for family in GENERATORS)
    path = folder / "suite.yaml"
    path.write_text(SUITE.format(models=models, likelihood=likelihood, generated=generated).replace("off", "'off'"))
    return path


def scored(path: Path, results: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Record]:
    """The records of every cell that can run; what is not scored is not timed either."""
    from bench.measure import session
    from bench.measure.measured import Measured

    nothing = Measured(timings=(), facts=(), doubts=(), notes={})
    monkeypatch.setattr(session, "measure", lambda *args, **options: nothing)
    plan = make_plan(open_suite(str(path)), results)
    cells = [cell for cell in plan.written(results) if cell.unsupported is None]
    return {cell.label: run_cell(cell, 0, lambda phase: None) for cell in cells}


@pytest.mark.slow
def test_every_family_gives_the_same_rows_twice(
    tmp_path: Path, checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_suite(tmp_path, checkpoints)
    first, second = (scored(path, tmp_path / name, monkeypatch) for name in "ab")
    assert {label: record.samples for label, record in first.items()} == {
        label: record.samples for label, record in second.items()
    }
    done = {tuple(label.split(" · ")) for label in first}
    for family in GENERATORS:
        assert {task for model, task in done if model == family} >= {
            "topic",
            "likely",
            "written",
            "choice",
            "answer",
            "beams",
        }
    assert {task for model, task in done if model == "encoder"} == {"topic", "likely", "written"}
    assert {task for model, task in done if model == "floor"} == {"topic", "likely", "written", "choice", "answer"}
    choice = first["floor · choice"].samples
    assert {row.prediction for row in choice} == {"red"}
    assert first["causal-lm · choice"].notes["inputs"]["1"].startswith(f"{TEXTS[1]}\n(1) red\n(2) a green tea")
    assert {row.prediction for row in first["floor · answer"].samples} == {"red"}
    assert all(row.answers == ("red", TEXTS[row.index]) for row in first["seq2seq · answer"].samples)
