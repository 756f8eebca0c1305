from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.host import pool as module
from bench.host.pool import forked


def test_results_come_in_order_from_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "affinity", lambda: [0, 1])
    monkeypatch.setattr(module, "_may_fork", lambda: True)  # a test run has threads
    kept = object()  # cannot be sent to another process, and need not be
    found = forked([lambda i=i: (i, os.getpid(), kept is not None) for i in range(7)], batch=2)
    assert [i for i, _, _ in found] == list(range(7))
    assert os.getpid() not in {pid for _, pid, _ in found}


def test_on_one_core_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "affinity", lambda: [0])
    assert forked([os.getpid, os.getpid]) == [os.getpid()] * 2


def test_an_error_in_a_forked_call_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "affinity", lambda: [0, 1])
    monkeypatch.setattr(module, "_may_fork", lambda: True)
    with pytest.raises(ZeroDivisionError):
        forked([lambda: 1, lambda: 1 // 0])


def test_a_process_with_threads_does_not_fork() -> None:
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(module._may_fork()))
    thread.start()
    thread.join()
    assert seen == [False]


def test_a_killed_child_costs_time_and_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "affinity", lambda: [0, 1])
    monkeypatch.setattr(module, "_may_fork", lambda: True)
    parent = os.getpid()

    def call() -> int:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return 7

    assert forked([call, call, call]) == [7, 7, 7]


def test_ctrl_c_is_answered_by_the_parent_alone() -> None:
    """A terminal sends it to the whole group: a traceback of every child would follow."""
    code = """\
import os, signal, time
from bench.host import pool
pool.affinity = lambda: [0, 1]
here, there = os.pipe()

def call(i):
    os.write(there, b"x")
    time.sleep(10 * i)

try:
    if os.fork() == 0:  # what the terminal does, once one child works and the other waits for work
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.read(here, 1), os.read(here, 1), time.sleep(0.3)
        os.kill(0, signal.SIGINT)
        os._exit(0)
    pool.forked([lambda i=i: call(i) for i in range(2)])
except KeyboardInterrupt:
    print("interrupted")
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, start_new_session=True, check=True
    )
    assert (ended.stdout, ended.stderr) == ("interrupted\n", "")


def test_children_end_with_their_parent() -> None:
    code = """\
import os, signal, time
from bench.host import pool
pool.affinity = lambda: [0, 1]

def call(i):
    os.write(1, f"{os.getpid()}\\n".encode())  # whole: two children write at once
    time.sleep(i)

pool.forked([lambda i=i: call(i) for i in (0, 60)])
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [int(parent.stdout.readline()) for _ in range(2)]
        time.sleep(0.3)  # one child works, the other waits for work
        parent.kill()
    for _ in range(1200):
        alive = [pid for pid in children if Path(f"/proc/{pid}").exists()]
        if not alive:
            return
        time.sleep(0.05)
    raise AssertionError(f"{alive} outlived their parent")
