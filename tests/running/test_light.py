"""A model that needs no torch runs in a process that never imports it, and its memory shows that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.candidates import without_torch
from bench.fit.session import fit
from bench.planning import make_plan, open_suite
from bench.running.executors.base import Call
from bench.running.executors.local import LocalExecutor
from tests.fit.solved import solver_job

MIB = 2**20
SUITE = """\
name: light
defaults: {{device: cpu, threads: 1}}
models:
  - {{name: linear, family: linear, checkpoint: {folder}}}
  - {{name: near, family: baseline, strategy: nearest}}
tasks:
  - {{name: colour, kind: classification, data: {{path: data}}, labels: [red, green, blue]}}
measure: {{profile: quick, window_s: 0.05}}
"""

FLOOR = """\
name: floor
models: [{name: most, family: baseline, strategy: majority}]
tasks: [{name: topic, kind: classification, data: {path: rows.jsonl}}]
measure: off
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, list]:
    """What the process of each cell tells of itself."""
    folder: Path = tmp_path_factory.mktemp("light")
    job = solver_job("linear", folder / "fitted")
    fit(job, lambda _: None)
    (folder / "data").mkdir()
    for split in ("train", "test"):
        rows = [dict(example.columns) for example in job.tasks[0].train.examples]
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    path = folder / "suite.yaml"
    path.write_text(SUITE.format(folder=job.output))
    plan = make_plan(open_suite(str(path)), folder / "results")
    executor = LocalExecutor()
    told = {}
    for cell in plan.written(folder / "results"):
        assert without_torch(cell.job)
        call = Call("tests.running.light:run_and_tell", {"cell": cell, "process": 0}, folder / "log", light=True)
        answer = executor.attempt(call)
        assert answer.failure is None, answer.failure
        told[cell.model] = answer.value
    return told


@pytest.mark.parametrize("model", ["linear", "near"])
def test_no_torch_is_imported_and_the_memory_is_small(model: str, told) -> None:
    heavy, status, facts, environment = told[model]
    assert (heavy, status) == ([], "ok")
    assert facts["model_memory_bytes"] < 32 * MIB
    assert facts["peak_rss_bytes"] < 256 * MIB  # torch and transformers alone take more
    assert environment["threads"] == 1
    assert environment["device"] == "cpu"


def test_the_size_is_stated(told) -> None:
    _, _, facts, _ = told["linear"]
    assert facts["parameters"] * 4 == facts["weights_bytes"] > 0
    assert facts["load_s"] is not None


def test_scoring_such_models_alone_starts_no_server_with_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "one", "label": "a"}\n{"text": "two", "label": "b"}\n')
    suite = tmp_path / "suite.yaml"
    suite.write_text(FLOOR)
    prepared = []
    usual = LocalExecutor.prepare

    def prepare(self: LocalExecutor, *, light: bool = False) -> None:
        prepared.append(light)
        usual(self, light=light)

    monkeypatch.setattr(LocalExecutor, "prepare", prepare)
    assert main(["run", str(suite), "--results", str(tmp_path / "results"), "--no-report"]) == 0
    assert prepared == [True]
