from __future__ import annotations

import os
import signal
import threading

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
