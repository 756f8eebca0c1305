"""A suite from YAML to report through the real executor: every status, resume after SIGKILL, the JSON."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.__main__ import main

pytestmark = pytest.mark.slow

BENCH = [sys.executable, "-m", "bench"]
MODULE = """
import time

class Answers:
    def __init__(self, how): self.how = how
    def classify(self, texts, labels):
        if self.how == "raise": raise RuntimeError("the weights are cursed")
        if self.how == "sleep": time.sleep(3600)
        if self.how == "eat":
            import torch
            self.kept = torch.ones(4 * 1024**3 // 4)
        return [[float(label in text) for label in labels] for text in texts]

def build(how="ok"): return Answers(how)
"""
SUITE = """\
name: trouble
defaults: {timeout_s: 12, memory_limit: 1 GiB, device: cpu}
models:
  - {name: raises, family: torch-module, factory: "mine:build", options: {how: raise}}
  - {name: eats, family: torch-module, factory: "mine:build", options: {how: eat}}
  - {name: sleeps, family: torch-module, factory: "mine:build", options: {how: sleep}}
  - {name: copies, family: baseline, strategy: copy}
  - {name: knows, family: torch-module, factory: "mine:build"}
  - {name: floor, family: baseline, strategy: majority}
tasks:
  - {name: topic, kind: classification, data: {path: topic.jsonl}}
measure: {profile: quick, window_s: 0.2}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("suite")
    (place / "mine.py").write_text(MODULE)
    (place / "suite.yaml").write_text(SUITE)
    rows = [{"text": f"{label} {index}", "label": label} for index in range(20) for label in ("red", "green", "blue")]
    (place / "topic.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return place


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*BENCH, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def show(folder: Path, *arguments: str) -> dict[str, Any]:
    """Read a run back, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["show", "--json", *arguments])
    assert code == 0, err.getvalue()
    shown: dict[str, Any] = json.loads(out.getvalue())
    return shown


@pytest.fixture(scope="module")
def finished(folder: Path) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    return bench(folder, "run", "suite.yaml"), show(folder, "latest")


def test_every_status_has_its_reason_and_the_rest_completes(finished: Any) -> None:
    ran, shown = finished
    assert ran.returncode == 5, ran.stderr
    assert "Traceback" not in ran.stderr + ran.stdout
    cells = {cell["model"]: cell for cell in shown["cells"]}
    statuses = {name: cell["status"] for name, cell in cells.items()}
    assert statuses == {
        "raises": "failed",
        "eats": "oom",
        "sleeps": "timeout",
        "copies": "unsupported",
        "knows": "ok",
        "floor": "ok",
    }
    assert "the weights are cursed" in cells["raises"]["reason"]
    assert "memory" in cells["eats"]["reason"] and "1" in cells["eats"]["reason"]
    assert "12" in cells["sleeps"]["reason"]
    assert "use 'majority'" in cells["copies"]["reason"]


def test_the_report_shows_every_status(finished: Any, folder: Path) -> None:
    reports = list((folder / "results" / "reports").glob("*.html"))
    assert len(reports) == 1
    page = reports[0].read_text(encoding="utf-8")
    for text in ("the weights are cursed", "timeout", "unsupported", "oom", "knows"):
        assert text in page


def test_the_json_has_the_documented_shape(finished: Any) -> None:
    _, shown = finished
    assert set(shown) >= {"run", "cells", "fronts"}
    cell = next(cell for cell in shown["cells"] if cell["model"] == "knows")
    assert set(cell) >= {
        "id",
        "model",
        "family",
        "variant",
        "task",
        "status",
        "reason",
        "quality",
        "efficiency",
        "doubts",
    }
    accuracy = cell["quality"]["accuracy"]
    assert accuracy["value"] == 1.0 and accuracy["n"] == 60 and accuracy["higher_is_better"] is True
    assert accuracy["ci_low"] < 1.0 <= accuracy["ci_high"]
    names = {
        "latency_p50_s",
        "latency_p95_s",
        "ttft_p50_s",
        "tpot_p50_s",
        "throughput_examples_per_s",
        "throughput_output_tokens_per_s",
        "peak_rss_bytes",
        "peak_gpu_memory_bytes",
        "energy_per_example_j",
        "parameters",
        "weights_bytes",
        "load_s",
    }
    assert names <= set(cell["efficiency"])
    assert set(cell["efficiency"]["latency_p50_s"]) >= {"value", "ci_low", "ci_high", "n", "unit", "source"}
    assert cell["efficiency"]["latency_p50_s"]["value"] > 0
    assert cell["efficiency"]["peak_gpu_memory_bytes"]["value"] is None
    assert "knows" in shown["fronts"]["topic"]


def test_a_second_run_reuses_what_was_ok(finished: Any, folder: Path) -> None:
    again = bench(folder, "run", "suite.yaml", "--only", "knows", "--no-report")
    assert again.returncode == 0, again.stderr
    assert "reused from" in again.stderr


@pytest.mark.slow
def test_killed_in_the_middle_and_started_again(folder: Path) -> None:
    marker = f"--results=killed-{os.getpid()}"
    arguments = [*BENCH, "run", "suite.yaml", "--only", "[fk]*", marker]
    child = subprocess.Popen(arguments, cwd=folder, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    first = next(line for line in child.stderr if line.startswith("[1/2]"))
    family = psutil.Process(child.pid).children(recursive=True)
    child.send_signal(signal.SIGKILL)
    child.stderr.close()
    child.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    again = bench(folder, "run", "suite.yaml", "--only", "[fk]*", marker, "--no-report")
    assert again.returncode == 0, again.stderr
    name = first.split()[1]
    lines = [line for line in again.stderr.splitlines() if line.startswith("[") and f" {name} " in line]
    assert all("reused" in line for line in lines)
    shown = show(folder, marker)
    assert {cell["model"]: cell["status"] for cell in shown["cells"]} == {"knows": "ok", "floor": "ok"}


def test_a_training_that_fails_is_told_by_the_exit_code(folder: Path) -> None:
    (folder / "bad.yaml").write_text(
        "name: bad\nmodels:\n  - {name: bert, family: encoder, fit: {recipe: recipe.yaml}}\n"
        "tasks:\n  - {name: topic, kind: classification, data: {path: splits}}\n"
    )
    (folder / "recipe.yaml").write_text(
        "start: scratch\narchitecture: {layers: 1, d_model: 16, heads: 2, d_ff: 32, vocab_size: 300}\n"
        "steps: 20\nlearning_rate: 1.0e+30\nwarmup_steps: 0\nclip_norm: 1.0e+30\n"
    )
    (folder / "splits").mkdir()
    for split in ("train", "validation", "test"):
        rows = [{"text": f"{split} {index}", "label": "ab"[index % 2]} for index in range(20)]
        (folder / "splits" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    ran = bench(folder, "run", "bad.yaml", "--results", "bad-results", "--no-report")
    assert ran.returncode == 5, ran.stderr
    assert "lower the recipe's learning_rate" in ran.stderr
    report = bench(folder, "report", "latest", "--format", "md", "-o", ".", "--results", "bad-results")
    assert report.returncode == 4 and "Traceback" not in report.stderr
