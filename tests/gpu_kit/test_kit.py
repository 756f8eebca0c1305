"""The kit's commands as a person runs them, where there is no GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu.kit.__main__ import BODIES, NO_GPU, STEPS
from benchmarks.gpu.kit.runner import LIMIT_S

ROOT = Path(__file__).parents[2]


def kit(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.gpu.kit", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_every_step_has_a_body_and_the_whole_ends_in_nine_minutes() -> None:
    assert [step.name for step in STEPS] == list(BODIES)
    assert LIMIT_S <= 9 * 60
    assert all(0 < step.budget_s < LIMIT_S for step in STEPS)


def test_the_targets_of_make_are_the_kits_commands() -> None:
    text = (ROOT / "Makefile").read_text()
    assert "benchmarks.gpu.kit collect" in text and "benchmarks.gpu.kit dry" in text


def test_without_a_gpu_it_explains_itself(tmp_path: Path) -> None:
    ended = kit("run", "--out", str(tmp_path / "out"))
    assert ended.returncode == NO_GPU
    assert "no GPU to measure" in ended.stderr and "collect" in ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_dry_run_writes_every_file_and_skips_what_needs_a_gpu(tmp_path: Path) -> None:
    ended = kit("dry", "--out", str(tmp_path), "--only", "machine", "energy", "left")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    document = json.loads((tmp_path / "kit.json").read_text())
    assert document["passed"] is True
    assert {row["step"] for row in document["rows"] if row["verdict"] == "SKIP"} == {"machine", "energy", "left"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "kit.html",
        "kit.json",
        "kit.md",
        "log.txt",
        "rows.jsonl",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "only", [("models", "suite"), pytest.param((), marks=pytest.mark.whole)], ids=["the suite", "every step"]
)
def test_a_dry_run_holds(tmp_path: Path, only: tuple[str, ...]) -> None:
    ended = kit("dry", "--out", str(tmp_path), *(("--only", *only) if only else ()))
    assert ended.returncode == 0, ended.stdout
    rows = json.loads((tmp_path / "kit.json").read_text())["rows"]
    assert set(only or ("fidelity", "suite", "tests")) <= {row["step"] for row in rows}
    assert (tmp_path / "suite.html").stat().st_size > 10_000
    assert len(list(tmp_path.iterdir())) <= 8, "more files do not come back from the machine"
