"""However a run ended, no process, no temporary file and no semaphore of it is left, nor a word about it."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

LONG_S = 60
"""Far beyond what is needed; reached only when the code is wrong."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux adopts orphans")


@pytest.fixture
def temporary():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # short: sockets lie in it
        yield Path(folder)


def start(tmp_path, temporary, does):
    """Start a parent; return it, and the end of a pipe that the daemon of its cell holds open."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    command = [sys.executable, "-m", "tests.running.executors.leaver", str(tmp_path), str(fifo), does]
    environment = os.environ | {"TMPDIR": str(temporary)}
    parent = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert select.select([held], [], [], LONG_S)[0]
    assert int(os.read(held, 100)) > 0
    return parent, held


def wait_until_empty(folder):
    """Wait until the server, which outlives a killed parent for a moment, has removed the folder of the run."""
    deadline = time.monotonic() + LONG_S
    while list(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return list(folder.iterdir())


@pytest.mark.parametrize(("does", "status"), [("fine", "ok"), ("kills_itself", "failed"), ("raises", "failed")])
def test_nothing_is_left_of_a_cell(tmp_path, temporary, does, status):
    parent, held = start(tmp_path, temporary, does)
    said, errors = parent.communicate(timeout=LONG_S)
    assert (said, errors) == (f"{status}\n", "")
    assert os.read(held, 1) == b""  # the daemon is gone
    os.close(held)
    assert wait_until_empty(temporary) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_of_a_run_that_is_killed(tmp_path, temporary, number):
    parent, held = start(tmp_path, temporary, "blocks")
    assert list(temporary.iterdir())
    parent.send_signal(number)
    _, errors = parent.communicate(timeout=LONG_S)
    assert (parent.returncode, errors) == (-number, "")
    assert select.select([held], [], [], LONG_S)[0] and os.read(held, 1) == b""
    os.close(held)
    assert wait_until_empty(temporary) == []


def test_what_is_left_when_all_were_killed_at_once_is_removed_by_the_next_run(tmp_path, temporary):
    folder = temporary / "bench-run-dead"
    folder.mkdir()
    (folder / "lock").touch()
    parent, held = start(tmp_path, temporary, "fine")
    assert parent.wait(LONG_S) == 0 and not folder.exists()
    parent.communicate()
    os.close(held)


def test_files_stay_where_the_user_said_and_sockets_where_they_fit(tmp_path):
    deep = tmp_path / ("d" * 60)
    deep.mkdir()
    before = set(Path("/tmp").glob("bench-run-*"))
    parent, held = start(tmp_path, deep, "blocks")
    (files,) = deep.iterdir()
    assert files.name.startswith("bench-run-") and not list(files.glob("pymp-*"))
    mine = [folder for folder in set(Path("/tmp").glob("bench-run-*")) - before if held_by(folder, parent.pid)]
    assert len(mine) == 1 and list(mine[0].glob("pymp-*"))
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=LONG_S)
    os.close(held)
    assert wait_until_empty(deep) == []
    deadline = time.monotonic() + LONG_S
    while mine[0].exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not mine[0].exists()


def held_by(folder, process):
    """Whether a process has the lock of a folder open; that of another run is another's."""
    opened = Path(f"/proc/{process}/fd").iterdir()
    return any(os.path.realpath(path) == str(folder / "lock") for path in opened)


EARLY = """
import sys, time, psutil
from bench.running.executors.local import LocalExecutor
from bench.running.server import begun_early
from pathlib import Path

def alive():
    return [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]

def servers():
    count = 0
    for child in alive():
        try:
            count += "forkserver" in " ".join(child.cmdline())
        except psutil.Error:
            pass  # it has just ended
    return count

before = len(alive())
try:
    with begun_early(("multiprocessing",)) as early:
        print(len(alive()) - before)
        raise KeyError(early)
except KeyError:
    end = time.monotonic() + 30
    while servers() and time.monotonic() < end:
        time.sleep(0.01)  # waiting for it would reap it
    print(servers())
with begun_early(("multiprocessing",)):
    pass
arguments = {"log_path": Path(sys.argv[1]) / "call.log"}
print(LocalExecutor().call("tests.running.executors.fakes:main_file", {}, **arguments))
"""


def test_a_server_that_was_begun_early_ends_with_an_error_and_else_serves(tmp_path):
    ran = subprocess.run([sys.executable, "-c", EARLY, str(tmp_path)], capture_output=True, text=True, timeout=LONG_S)
    assert (ran.stdout.split(), ran.stderr) == (["2", "0", "None"], "")
