"""The local executor: every way in which a worker can end, and what the parent makes of it."""

import os
import signal
import sys
import threading
from contextlib import closing, suppress

import psutil
import pytest

from bench.errors import BenchError, FitError
from bench.record import Cell
from bench.running import server
from bench.running.executors.base import Job
from bench.running.executors.local import LocalExecutor
from tests.jobs import make_job

MIB = 2**20
FAKES = "tests.running.executors.fakes"


def executor(worker: str = "fine", **options) -> LocalExecutor:
    return LocalExecutor(f"{FAKES}:{worker}", preload=(), **options)


def job(tmp_path, **options) -> Job:
    cell = Cell("m", "causal-lm", "float32", "t", "classification", make_job(options=options.pop("told", {})))
    return Job(cell, 0, tmp_path, "logs/cell.log", **options)


def processes() -> set[int]:
    """Process ids of all that descends from this process."""
    return {process.pid for process in psutil.Process().children(recursive=True)}


def test_a_finished_cell_gives_the_workers_record_phases_and_log(tmp_path):
    phases = []
    record = executor().run(job(tmp_path), phases.append)
    assert (record.status, record.reason, len(record.samples), record.wall_s) == ("ok", None, 2, 0.5)
    assert phases == ["load", "latency"]
    assert record.log_path == "logs/cell.log"
    assert (tmp_path / "logs/cell.log").read_text() == "loading m · t\nfrom a library\n"


def test_every_cell_has_a_process_of_its_own(tmp_path):
    local = executor()
    first, second = (local.run(job(tmp_path)).facts[0].value for _ in range(2))
    assert len({first, second, float(os.getpid())}) == 3


def test_the_next_process_is_forked_once_nothing_is_timed_any_more(tmp_path, monkeypatch):
    with closing(executor()) as other:  # which starts the server
        other.run(job(tmp_path))
    forked, forking, before = [], server.forking, processes()
    monkeypatch.setattr(server, "forking", lambda *, light: forked.append(light) or forking(light=light))
    local = executor("counts_arithmetic")
    first = local.run(job(tmp_path)).facts[0].value
    assert forked == [False, False]
    second = local.run(job(tmp_path)).facts[0].value
    assert (forked, first != second) == ([False] * 3, True)
    other = local.run(job(tmp_path, memory_limit_bytes=512 * MIB))  # the one that waits has another limit
    assert (forked, other.status) == ([False] * 5, "ok")
    local.close()
    assert processes() == before


def test_a_process_that_died_while_it_waited_is_replaced(tmp_path):
    with closing(executor()) as other:
        other.run(job(tmp_path))
    local, before = executor("counts_arithmetic"), processes()
    local.run(job(tmp_path))
    waiting = [psutil.Process(pid) for pid in processes() - before]
    for process in waiting:
        with suppress(psutil.NoSuchProcess):  # one ends with the other
            process.kill()
    psutil.wait_procs(waiting)
    assert local.run(job(tmp_path)).status == "ok"
    local.close()
    assert waiting and processes() == before


def test_the_first_call_waits_for_the_other_server_too_and_only_once(tmp_path, monkeypatch):
    """What a server imports beside a measurement would disturb it."""
    forked, forking = [], server.forking
    monkeypatch.setattr(server, "forking", lambda *, light: forked.append(light) or forking(light=light))
    local = executor()
    local.prepare()
    local.prepare(light=True)
    for _ in range(2):
        assert local.run(job(tmp_path)).status == "ok"
    assert forked == [True, False, False]


@pytest.mark.parametrize(
    ("worker", "options", "status", "pieces"),
    [
        (
            "raises",
            {},
            "failed",
            ["ValueError: the tokenizer has no padding token", "phase evaluate", "logs/cell.log"],
        ),
        ("unsupported", {}, "unsupported", ["an encoder writes no text"]),
        ("exits", {}, "failed", ["SystemExit: 3"]),
        ("no_record", {}, "failed", ["returned no record"]),
        ("absent", {}, "failed", ["has no 'absent'"]),
        ("kills_itself", {}, "failed", ["SIGKILL", "out-of-memory killer", "phase latency", "logs/cell.log"]),
        ("crashes", {}, "failed", ["SIGSEGV", "logs/cell.log"]),
        ("blocks", {"timeout_s": 0.5}, "timeout", ["500 ms", "phase", "timeout_s", "logs/cell.log"]),
        (
            "allocates",
            {"memory_limit_bytes": 64 * MIB},
            "oom",
            ["64.0 MiB", "phase load", "memory_limit", "logs/"],
        ),
        ("aborts_without_memory", {"memory_limit_bytes": 64 * MIB}, "oom", ["std::bad_alloc", "phase load"]),
    ],
)
def test_a_failed_cell_is_a_record_with_a_status_and_a_reason(tmp_path, worker, options, status, pieces):
    record = executor(worker).run(job(tmp_path, **options))
    assert record.status == status
    assert [piece for piece in pieces if piece not in record.reason] == []
    assert "\n" not in record.reason
    assert record.started_at
    assert record.wall_s > 0


def test_the_whole_traceback_is_in_the_log(tmp_path):
    executor("raises").run(job(tmp_path))
    log = (tmp_path / "logs/cell.log").read_text()
    assert "Traceback (most recent call last)" in log
    assert "in raises" in log


def test_the_stack_of_a_crash_is_in_the_log(tmp_path):
    executor("crashes").run(job(tmp_path))
    assert "fakes.py" in (tmp_path / "logs/cell.log").read_text()


def test_within_its_memory_limit_a_cell_is_not_disturbed(tmp_path):
    assert executor().run(job(tmp_path, memory_limit_bytes=64 * MIB)).status == "ok"


def test_a_worker_deaf_to_sigterm_is_killed(tmp_path):
    record = executor("ignores_sigterm", grace_s=0.2).run(job(tmp_path, timeout_s=0.5))
    assert record.status == "timeout"


def test_a_worker_killed_from_outside_is_recorded(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def kill():
        with fifo.open() as pipe:
            os.kill(int(pipe.readline()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    record = executor("announces_and_blocks").run(job(tmp_path, told={"fifo": str(fifo)}))
    killer.join()
    assert record.status == "failed"
    assert "SIGKILL" in record.reason


def test_a_call_gives_the_functions_value(tmp_path):
    phases = []
    value = executor().call(f"{FAKES}:add", {"a": 2, "b": 3}, log_path=tmp_path / "c.log", notify=phases.append)
    assert value == 5
    assert phases == ["adding"]


def test_a_call_raises_the_functions_own_bench_error(tmp_path):
    with pytest.raises(FitError, match=r"the loss became NaN at step 3 \(log: .*c.log\)"):
        executor().call(f"{FAKES}:diverges", {}, log_path=tmp_path / "c.log")


def test_a_value_that_cannot_be_sent_is_a_failure_not_a_hang(tmp_path):
    with pytest.raises(BenchError, match="cannot be sent to the parent"):
        executor().call(f"{FAKES}:unpicklable", {}, log_path=tmp_path / "c.log")


def test_the_parents_main_module_is_not_imported_by_the_child(tmp_path, monkeypatch):
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", str(tmp_path / "main.py"), raising=False)
    assert executor().call(f"{FAKES}:main_file", {}, log_path=tmp_path / "c.log") is None
    assert sys.modules["__main__"] is main


def test_the_parent_waits_as_long_as_the_tick_says(tmp_path):
    """The tick that ends the wait is asked again; None leaves the parent blocked until the child speaks."""
    answers = iter([0.0, 0.0, None])
    asked = []

    def tick():
        asked.append(next(answers, None))
        return asked[-1]

    executor("blocks").run(job(tmp_path, timeout_s=1.0), tick=tick)
    assert asked[:3] == [0.0, 0.0, None]
    assert len(asked) <= 4  # once more at most: when the phase came
