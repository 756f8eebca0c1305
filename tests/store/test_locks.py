"""Locks: one holder, free when it ends, and a file that goes or stays."""

import signal
import subprocess
import sys

from bench.store.locks import FileLock, RunLocks


def test_a_run_has_one_holder(tmp_path):
    first, second = RunLocks(tmp_path), RunLocks(tmp_path)
    assert first.hold("a")
    assert first.hold("a")
    assert not second.hold("a")
    assert not second.is_free("a") and not first.is_free("a")
    assert second.hold("b")
    first.release("a")
    assert first.is_free("a")
    assert second.hold("a")
    second.release_all()
    assert first.hold("b")
    first.release_all()
    first.release("never held")
    assert list(tmp_path.iterdir()) == []


def test_those_who_come_later_read_who_holds_it(tmp_path):
    first, second = (FileLock(tmp_path / "locks" / "a", keep_file=True) for _ in range(2))
    assert second.holder() == ""
    assert first.take(holder="me")
    assert not second.take(holder="you")
    assert second.holder() == "me"
    first.release()
    assert second.holder() == ""
    assert second.take(holder="you")
    assert first.holder() == "you"
    second.release()


def test_a_file_that_its_holder_removed_is_not_locked_instead_of_the_new_one(tmp_path, monkeypatch):
    """The second opens it, its holder removes it, a third makes it anew: the second must not have it."""
    first, second, third = (FileLock(tmp_path / "a") for _ in range(3))
    assert first.take()
    import fcntl

    flock = fcntl.flock

    def late(stream, how):
        monkeypatch.setattr(fcntl, "flock", flock)
        first.release()
        assert third.take()
        flock(stream, how)

    monkeypatch.setattr(fcntl, "flock", late)
    assert not second.take()
    assert third.is_held
    third.release()


HELD = """
import os, sys
from pathlib import Path
from bench.store.locks import FileLock
assert FileLock(Path(sys.argv[1])).take(holder="dead")
os.kill(os.getpid(), 9)
"""


def test_a_killed_holder_holds_nobody_up(tmp_path):
    done = subprocess.run([sys.executable, "-c", HELD, str(tmp_path / "a")], timeout=60)
    assert done.returncode == -signal.SIGKILL
    lock = FileLock(tmp_path / "a")
    assert lock.holder() == "dead"
    assert lock.take(wait=True)
    assert lock.holder() == ""
    lock.release()
    assert list(tmp_path.iterdir()) == []
