"""A plug-in of pytest that writes the outcome of each test the moment it is known.

A run that is stopped half way has kept what it found. Loaded with `-p benchmarks.gpu.kit.outcomes`; the file and the
step are named by environment variables.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.gpu.kit.rows import Ledger

ROWS, STEP = "BENCH_KIT_ROWS", "BENCH_KIT_STEP"


def ledger() -> Ledger:
    """Open the ledger that the environment names."""
    return Ledger(Path(os.environ[ROWS]), os.environ[STEP])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write a row for a test that ended, was skipped, or failed in its set-up or its tear-down."""
    name = report.nodeid.removeprefix("tests/gpu/")
    if report.skipped:
        ledger().skip(name, _why(report))
    elif report.failed:
        ledger().require(name, False, _last(report))
    elif report.when == "call":
        ledger().require(name, True, f"{report.duration:.1f} s")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Write a row for a file that cannot be collected."""
    if report.failed:
        ledger().require(report.nodeid, False, _last(report))


def _why(report: pytest.TestReport) -> str:
    reason = report.longrepr
    return str(reason[2]).removeprefix("Skipped: ") if isinstance(reason, tuple) else str(reason)


def _last(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Find the line that says what went wrong."""
    lines = [line for line in report.longreprtext.splitlines() if line.strip()]
    errors = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
    return (errors or lines or ["failed"])[0][:400]
