"""Several jobs in one process: what they share, and that one's failure is its own."""

import os
import random

import pytest

from bench.record import Cell
from bench.running.blocks import schedule
from bench.running.executors.base import Job
from bench.running.executors.local import LocalExecutor
from bench.running.runner import run
from bench.store import RunInfo, Store
from tests.jobs import make_job

MIB = 2**20
WORKER = "tests.running.executors.fakes:shares"
INFO = RunInfo("suite", "name: suite", "hash", "bench run", "machine", "quick")


@pytest.fixture
def local():
    executor = LocalExecutor(WORKER, preload=())
    yield executor
    executor.close()


def job(tmp_path, task, share="m #0", does="fine", **options):
    cell = Cell("m", "causal-lm", "float32", task, "classification", make_job(options={"does": does}), {"task": task})
    return Job(cell, 0, tmp_path, f"logs/{task}.log", share=share, **options)


def seen(record):
    values = {fact.name: fact.value for fact in record.facts}
    return values["pid"], values["calls"]


def test_jobs_of_one_share_have_one_process_and_a_log_each(local, tmp_path):
    first, second = (local.run(job(tmp_path, task)) for task in ("one", "two"))
    assert seen(first)[0] == seen(second)[0] != os.getpid()
    assert (seen(first)[1], seen(second)[1]) == (1, 2)
    assert (tmp_path / "logs/one.log").read_text() == "loading m · one\nfrom a library\n"
    assert (tmp_path / "logs/two.log").read_text() == "loading m · two\nfrom a library\n"


@pytest.mark.parametrize("other", ["m #1", None])
def test_another_share_is_another_process(local, tmp_path, other):
    first, second = local.run(job(tmp_path, "one")), local.run(job(tmp_path, "two", other))
    assert seen(first)[0] != seen(second)[0]
    assert not alive(seen(first)[0])


@pytest.mark.parametrize(
    ("does", "options", "status"),
    [
        ("raises", {}, "failed"),
        ("kills_itself", {}, "failed"),
        ("blocks", {"timeout_s": 0.5}, "timeout"),
        ("allocates", {"memory_limit_bytes": 300 * MIB}, "oom"),
        ("unsupported", {}, "unsupported"),
    ],
)
def test_a_failure_is_one_jobs_and_the_rest_go_on_in_a_fresh_process(local, tmp_path, does, options, status):
    others = options | {"timeout_s": 60}  # theirs may be spent on starting a process on a busy machine
    first = local.run(job(tmp_path, "one", **others))
    second = local.run(job(tmp_path, "two", does=does, **options))
    third, fourth = (local.run(job(tmp_path, task, **others)) for task in ("three", "four"))
    assert (second.status, first.status, third.status) == (status, "ok", "ok")
    assert seen(third)[0] not in (seen(first)[0], None)
    assert seen(fourth) == (seen(third)[0], 2)
    assert not alive(seen(first)[0])


def test_a_process_that_is_killed_while_it_waits_is_replaced(local, tmp_path):
    first = local.run(job(tmp_path, "one"))
    os.kill(int(seen(first)[0]), 9)
    assert local.run(job(tmp_path, "two")).status in ("ok", "failed")
    assert local.run(job(tmp_path, "three")).status == "ok"


def test_close_ends_the_process_that_waits(tmp_path):
    executor = LocalExecutor(WORKER, preload=())
    pid = seen(executor.run(job(tmp_path, "one")))[0]
    assert alive(pid)
    executor.close()
    assert not alive(pid)
    executor.close()


def alive(pid):
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


def shared_cell(model, task, does="fine"):
    job = make_job(model, task, options={"does": does}, share_load=True)
    return Cell(model, "causal-lm", "float32", task, "k", job, {"model": model, "task": task})


def test_tasks_of_a_model_follow_one_another_and_models_are_interleaved():
    cells = [shared_cell(model, task) for model in "abcd" for task in "xyz"]
    random.Random(3).shuffle(cells)
    blocks = schedule(cells, 2, seed=5)
    assert [(sorted(block.tasks), block.process) for block in blocks] == [(list("xyz"), 0), (list("xyz"), 1)]
    jobs = [(cell, block.process) for block in blocks for cell in block.cells]
    for process in range(2):
        part = [cell.model for cell, number in jobs if number == process]
        assert sorted(part) == sorted(cell.model for cell in cells)
        runs = [model for place, model in enumerate(part) if place == 0 or part[place - 1] != model]
        assert sorted(runs) == list("abcd")
    orders = [[(cell.model, cell.task) for cell, number in jobs if number == process] for process in range(2)]
    assert orders[0] != orders[1]


def test_a_run_shares_processes_and_ends_them(tmp_path):
    plan = [shared_cell("a", "x"), shared_cell("a", "y"), shared_cell("a", "z", "raises"), shared_cell("b", "x")]
    executor = LocalExecutor(WORKER, preload=())
    with Store.open(tmp_path / "results") as store:
        finished = run(plan, executor, store, INFO, processes=2, seed=1)
        records = store.load().records
    assert finished.counts == {"ok": 3, "failed": 1}
    pids = {
        (record.cell.model, record.cell.task, record.process): seen(record)[0] for record in records if record.facts
    }
    assert pids["a", "x", 1] == pids["a", "y", 1] != pids["a", "x", 0]
    assert pids["b", "x", 0] not in (pids["a", "x", 0], pids["a", "y", 0])
    assert not any(alive(pid) for pid in pids.values())
