"""The plug-in of pytest that writes a row for each test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.gpu.kit import outcomes
from benchmarks.gpu.kit.checks import ROOT
from benchmarks.gpu.kit.rows import read_rows

TESTS = """
import os
import pytest

def test_good(): pass
def test_bad(): assert 1 + 1 == 3
@pytest.mark.skip(reason="no GPU here")
def test_left_out(): pass
@pytest.fixture
def broken(): raise RuntimeError("no such thing")
def test_set_up(broken): pass
def test_killed(): os._exit(7)
"""


def test_each_outcome_is_a_row_also_when_the_process_dies(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_worse.py").write_text("import nothing_of_this_name\n")
    path = tmp_path / "rows.jsonl"
    environment = os.environ | {outcomes.ROWS: str(path), outcomes.STEP: "tests", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)]
    options = ["-p", "benchmarks.gpu.kit.outcomes", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    ended = subprocess.run([*command, *options], env=environment, cwd=tmp_path, capture_output=True, check=False)
    assert ended.returncode == 7
    found = {row.name.rpartition("::")[2]: row for row in read_rows(path)}
    verdicts = {name: row.verdict for name, row in found.items()}
    assert verdicts == {
        "test_worse.py": "FAIL",
        "test_good": "PASS",
        "test_bad": "FAIL",
        "test_left_out": "SKIP",
        "test_set_up": "FAIL",
    }
    assert found["test_left_out"].shown == "no GPU here"
    assert "no such thing" in found["test_set_up"].shown and "1 + 1" in found["test_bad"].shown
    assert "nothing_of_this_name" in found["test_worse.py"].shown
