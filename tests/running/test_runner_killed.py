"""A run whose parent or worker is killed: nothing finished is lost or run again; no process stays behind."""

import contextlib
import os
import select
import signal
import subprocess
import sys

import psutil
import pytest

from bench.running.blocks import schedule
from bench.running.executors.local import LocalExecutor
from bench.running.runner import run
from bench.store import Store
from tests.running.executors.parent import INFO, NAMES, SEED, WORKER, plan

LONG_S = 30
"""Far beyond what the kernel needs; reached only when the code is wrong."""


class Killable:
    """A parent process in the middle of its run: some cells are finished, and `blocker` is at work."""

    def __init__(self, tmp_path, blocker):
        self.results, self.trace, self.fifo = tmp_path / "results", tmp_path / "trace", tmp_path / "fifo"
        self.trace.mkdir()
        os.mkfifo(self.fifo)
        command = [sys.executable, "-m", "tests.running.executors.parent"]
        command += [str(self.results), str(self.trace), str(self.fifo), blocker]
        self.process = subprocess.Popen(command)
        self.pipe = self.fifo.open()  # blocks until the blocker opens its end
        self.worker = int(self.pipe.readline())
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.family = [os.pidfd_open(child.pid) for child in family]
        assert self.worker in [child.pid for child in family]

    def kill(self, number):
        """Sends a signal to the parent; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(LONG_S)

    def left_alive(self):
        """Number of the parent's descendants that do not end, and of the holders of the FIFO that do not."""
        pipes = [*self.family, self.pipe]
        return sum(not select.select([pipe], [], [], LONG_S)[0] for pipe in pipes)  # readable: ended; end of file

    def resume(self):
        """Runs the same plan with a blocker that works."""
        with Store.open(self.results) as store:
            cells = plan(self.trace, self.fifo, "fine")
            finished = run(cells, LocalExecutor(WORKER, preload=()), store, INFO, seed=SEED)
            return finished, store.load(), store.runs()

    def times_run(self):
        return {name: len((self.trace / f"{name}-0").read_text()) for name in NAMES}

    def close(self):
        self.process.kill()
        self.process.wait()
        self.pipe.close()
        for descriptor in self.family:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            os.close(descriptor)


@pytest.fixture
def killable(tmp_path, request):
    parent = Killable(tmp_path, getattr(request, "param", "announces_and_blocks"))
    yield parent
    parent.close()


def test_the_blocker_is_in_the_middle(tmp_path):
    order = [cell.model for block in schedule(plan(tmp_path, tmp_path, "fine"), 1, SEED) for cell in block.cells]
    assert 1 <= order.index("blocker") <= 3


@pytest.mark.parametrize("killable", ["announces_and_blocks", "holds_the_gil", "starts_a_child"], indirect=True)
def test_sigkill_of_the_parent_loses_nothing_and_leaves_nobody(killable):
    assert killable.kill(signal.SIGKILL) == -signal.SIGKILL
    assert killable.left_alive() == 0
    with Store.open(killable.results) as store:
        before = store.load()
    assert before.info.status == "running"
    assert before.records
    finished, stored, runs = killable.resume()
    assert finished.exit_code == 0
    assert finished.run_id == before.info.id
    assert len(runs) == 1
    assert [record.cell.model for record in stored.records] == list(NAMES)
    assert {record.status for record in stored.records} == {"ok"}
    assert stored.info.status == "complete"
    assert killable.times_run() == dict.fromkeys(NAMES, 1) | {"blocker": 2}
    again = {record.cell.model: record for record in stored.records}
    assert all(again[record.cell.model] == record for record in before.records)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "sigterm"])
def test_a_polite_end_marks_the_run_interrupted_and_the_next_run_goes_on(killable, number):
    assert killable.kill(number) == 130
    assert killable.left_alive() == 0
    with Store.open(killable.results) as store:
        assert store.runs()[0].status == "interrupted"
    finished, stored, runs = killable.resume()
    assert (finished.exit_code, len(runs), stored.info.status) == (0, 1, "complete")
    assert killable.times_run() == dict.fromkeys(NAMES, 1) | {"blocker": 2}


def test_sigkill_of_a_worker_fails_its_cell_alone_and_a_new_run_reuses_the_others(killable):
    os.kill(killable.worker, signal.SIGKILL)
    assert killable.process.wait(LONG_S) == 5
    assert killable.left_alive() == 0
    finished, stored, runs = killable.resume()
    assert (finished.exit_code, len(runs)) == (0, 2)
    assert set(stored.reused) == {(f"{name} · t", 0) for name in NAMES if name != "blocker"}
    assert killable.times_run() == dict.fromkeys(NAMES, 1) | {"blocker": 2}


def test_a_run_that_is_alive_is_not_continued_by_another_process(killable):
    finished, stored, runs = killable.resume()
    assert len(runs) == 2
    assert finished.exit_code == 0
    assert stored.info.id != min(runs, key=lambda run: run.started_at).id
