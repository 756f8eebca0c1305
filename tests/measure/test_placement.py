from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

from bench.errors import EnvironmentLackError
from bench.measure import placement
from bench.suite import Defaults


@pytest.fixture(autouse=True)
def threads_restored():  # type: ignore[no-untyped-def]
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_threads_are_fixed_and_recorded() -> None:
    found = placement.place(1)
    assert found["threads"] == torch.get_num_threads() == 1
    assert found["affinity"] == sorted(os.sched_getaffinity(0))


def test_quota_limits_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "affinity", lambda: list(range(8)))
    monkeypatch.setattr(placement, "quota_cpus", lambda *_: 2.5)
    assert placement.default_threads() == 2
    monkeypatch.setattr(placement, "quota_cpus", lambda *_: 0.5)
    assert placement.default_threads() == 1
    monkeypatch.setattr(placement, "quota_cpus", lambda *_: None)
    assert placement.default_threads() == 8


BINDS = """
import json, os, sys, threading
from bench.measure.placement import place
started, end, seen = threading.Event(), threading.Event(), []
def early():
    started.set()
    end.wait()
    seen.append(sorted(os.sched_getaffinity(0)))
thread = threading.Thread(target=early)
thread.start()
started.wait()
found = place(None, sys.argv[1])
end.set()
thread.join()
print(json.dumps([found["threads"], found["affinity"], found["affinity_from"], seen[0]]))
"""


def test_asked_cpus_bind_every_thread_and_set_their_number() -> None:
    last = max(os.sched_getaffinity(0))
    done = subprocess.run([sys.executable, "-c", BINDS, str(last)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [1, [last], "defaults.cpus", [last]]


def test_default_binds_to_all_that_may_be_used_and_says_so() -> None:
    usable = sorted(os.sched_getaffinity(0))
    found = placement.place(1)
    assert found["affinity"] == usable == sorted(os.sched_getaffinity(0))
    assert found["affinity_from"] == "every CPU that the run may use"


def test_a_sandbox_that_binds_nothing_stops_only_who_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    usable = min(os.sched_getaffinity(0))
    monkeypatch.setattr(os, "sched_setaffinity", refused)
    placement.bind(None)
    with pytest.raises(EnvironmentLackError, match="not permitted; leave out"):
        placement.bind(str(usable))


def test_a_cpu_that_is_not_there_says_which_are() -> None:
    beyond = max(os.sched_getaffinity(0)) + 1
    with pytest.raises(
        EnvironmentLackError, match=f"CPUs 0-{beyond}, and this run may use .* only; set 'defaults.cpus'"
    ):
        placement.bind(f"0-{beyond}")


def test_system_without_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "affinity", list)
    placement.bind(None)
    with pytest.raises(EnvironmentLackError, match="leave out"):
        placement.bind("0")


def test_suite_writes_the_list_one_way() -> None:
    assert Defaults(cpus="2, 0-1").cpus == Defaults(cpus="0,1,2").cpus == "0-2"
    for wrong in ("0-", "3-1", "a", "", "0-99999"):
        with pytest.raises(ValueError, match="CPUs"):
            Defaults(cpus=wrong)
