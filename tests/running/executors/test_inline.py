"""The inline executor: the same answers as the local one, in this process."""

import os

import pytest

from bench.errors import FitError
from bench.record import Cell
from bench.running.executors.base import Job
from bench.running.executors.inline import InlineExecutor

FAKES = "tests.running.executors.fakes"


def run(tmp_path, worker):
    cell = Cell("m", "causal-lm", "float32", "t", "classification")
    return InlineExecutor(f"{FAKES}:{worker}").run(Job(cell, 0, tmp_path, "logs/cell.log"))


def test_a_cell_runs_in_this_process(tmp_path):
    record = run(tmp_path, "fine")
    assert record.status == "ok"
    assert record.facts[0].value == os.getpid()


@pytest.mark.parametrize(("worker", "status"), [("raises", "failed"), ("unsupported", "unsupported")])
def test_a_failure_is_a_record(tmp_path, worker, status):
    assert run(tmp_path, worker).status == status


def test_the_traceback_is_in_the_log(tmp_path):
    record = run(tmp_path, "raises")
    assert "in raises" in (tmp_path / record.log_path).read_text()


def test_a_call_raises_the_functions_own_bench_error(tmp_path):
    with pytest.raises(FitError, match="NaN"):
        InlineExecutor().call(f"{FAKES}:diverges", {}, log_path=tmp_path / "c.log")
