"""The process above a cell: nothing of a cell outlives it, and its log stays small."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bench.record import Cell
from bench.running.executors.base import Job
from bench.running.executors.local import LocalExecutor
from bench.running.executors.supervisor import MAX_LOG_BYTES, children_of
from tests.jobs import make_job

FAKES = "tests.running.executors.fakes"


def run(tmp_path, worker, **options):
    cell = Cell("m", "f", "float32", "t", "k", make_job(options=options.pop("told", {})))
    executor = LocalExecutor(f"{FAKES}:{worker}", preload=(), grace_s=1.0)
    with closing(executor):
        return executor.run(Job(cell, 0, tmp_path, "logs/cell.log", **options))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux adopts orphans")
@pytest.mark.parametrize(
    ("does", "options", "status"),
    [
        ("fine", {}, "ok"),
        ("raises", {}, "failed"),
        ("kills_itself", {}, "failed"),
        ("blocks", {"timeout_s": 5}, "timeout"),
    ],
)
def test_a_child_in_a_session_of_its_own_ends_with_the_cell(tmp_path, does, options, status):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    record = run(tmp_path, "leaves_children", told={"fifo": str(fifo), "does": does}, **options)
    assert record.status == status
    pids = os.read(reading, 4096).split()
    assert len(pids) == 2
    assert os.read(reading, 1) == b""  # no process holds the other end
    assert not any(Path(f"/proc/{int(pid)}").exists() for pid in pids)
    os.close(reading)


def test_a_log_is_cut_at_its_largest_size_with_a_note(tmp_path):
    assert run(tmp_path, "prints_much").status == "ok"
    log = (tmp_path / "logs/cell.log").read_bytes()
    assert MAX_LOG_BYTES < len(log) < MAX_LOG_BYTES + 200
    assert b"this log is cut here" in log[-100:]


@pytest.mark.parametrize("worker", ["writes_garbage", "announces_too_much"])
def test_garbage_on_every_descriptor_fails_the_cell(tmp_path, worker):
    record = run(tmp_path, worker, timeout_s=20)
    assert record.status in ("failed", "timeout")
    assert "\n" not in record.reason


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_children_are_found_in_any_session():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    assert child.pid in children_of(os.getpid())
    child.communicate(b"\n")
