"""The runner: order, statuses, reuse, resume, counts."""

import pytest

from bench.errors import StoreError
from bench.record import Cell, Record
from bench.running.blocks import schedule
from bench.running.executors.inline import InlineExecutor
from bench.running.runner import Finished, count_cells, log_name, run
from bench.store import RunInfo, Store
from tests.jobs import make_job

INFO = RunInfo("suite", "name: suite", "hash", "bench run", "machine", "quick")
WORKER = "tests.running.executors.fakes:behaves"


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "results") as opened:
        yield opened


@pytest.fixture
def trace(tmp_path):
    (tmp_path / "trace").mkdir()
    return tmp_path / "trace"


def cell(trace, name, does="fine", unsupported=None):
    job = make_job(name, options={"trace": str(trace), "does": does})
    return Cell(name, "causal-lm", "float32", "t", "k", job, {"model": name}, unsupported)


def times_run(trace):
    return {path.name: len(path.read_text()) for path in sorted(trace.iterdir())}


class Script:
    """A display that writes down what it is told."""

    def __init__(self):
        self.told = []

    def begin(self, run_id, total, done):
        self.told.append(("begin", total, done))

    def start(self, cell, process):
        self.told.append(("start", cell.model, process))

    def phase(self, name):
        self.told.append(("phase", name))

    def tick(self):
        return None

    def finish(self, record, *, reused_from=None):
        self.told.append(("finish", record.cell.model, record.status, reused_from))

    def leave_out(self, jobs):
        self.told.append(("leave out", jobs))

    def tell(self, line):
        self.told.append(("tell", line))

    def end(self):
        self.told.append(("end",))


def test_schedule_takes_every_cell_once_a_round_in_a_new_order():
    cells = [Cell(str(n), "f", "float32", "t", "k") for n in range(8)]

    def jobs_of(seed):
        return [(cell, block.process) for block in schedule(cells, 3, seed=seed) for cell in block.cells]

    jobs = jobs_of(7)
    rounds = [jobs[start : start + 8] for start in (0, 8, 16)]
    assert [{process for _, process in part} for part in rounds] == [{0}, {1}, {2}]
    orders = [tuple(cell.model for cell, _ in part) for part in rounds]
    assert all(sorted(order) == [str(n) for n in range(8)] for order in orders)
    assert len({*orders, tuple(str(n) for n in range(8))}) == 4
    assert jobs == jobs_of(7)
    assert jobs != jobs_of(8)


def test_every_status_is_stored_and_the_rest_completes(store, trace):
    plan = [
        cell(trace, "a"),
        cell(trace, "b", "raises"),
        cell(trace, "c", unsupported="an encoder writes no text"),
        cell(trace, "d", "unsupported"),
        cell(trace, "e"),
    ]
    finished = run(plan, InlineExecutor(WORKER), store, INFO, processes=2)
    assert finished.counts == {"ok": 2, "failed": 1, "unsupported": 2}
    assert finished.exit_code == 5
    stored = store.load()
    assert [(r.cell.model, r.process, r.status) for r in stored.records] == [
        ("a", 0, "ok"),
        ("a", 1, "ok"),
        ("b", 0, "failed"),
        ("c", 0, "unsupported"),
        ("d", 0, "unsupported"),
        ("e", 0, "ok"),
        ("e", 1, "ok"),
    ]
    assert stored.records[3].reason == "an encoder writes no text"
    assert stored.info.status == "complete"
    assert stored.info.plan == tuple((c.id, c.label) for c in plan)


def test_a_second_run_reuses_what_was_ok_and_tries_the_rest_again(store, trace):
    plan = [cell(trace, "a"), cell(trace, "b", "raises")]
    first = run(plan, InlineExecutor(WORKER), store, INFO)
    plan = [cell(trace, "a"), cell(trace, "b")]
    second = run(plan, InlineExecutor(WORKER), store, INFO)
    assert times_run(trace) == {"a-0": 1, "b-0": 2}
    assert second.run_id != first.run_id
    assert second.counts == {"ok": 2}
    stored = store.load(second.run_id)
    assert stored.reused == {("a · t", 0): first.run_id}
    assert stored.records[0].samples == store.load(first.run_id).records[0].samples != ()


def test_a_reused_cell_bears_its_new_name(store, trace):
    run([cell(trace, "old")], InlineExecutor(WORKER), store, INFO)
    renamed = Cell("new", "causal-lm", "float32", "t", "k", None, {"model": "old"})
    run([renamed], InlineExecutor(WORKER), store, INFO)
    assert [record.cell.model for record in store.load().records] == ["new"]


@pytest.mark.parametrize("change", [{"machine_key": "another machine"}, {}])
def test_nothing_is_reused_on_another_machine_or_with_rerun(store, trace, change):
    from dataclasses import replace

    plan = [cell(trace, "a")]
    run(plan, InlineExecutor(WORKER), store, INFO)
    run(plan, InlineExecutor(WORKER), store, replace(INFO, **change), rerun=not change)
    assert times_run(trace) == {"a-0": 2}
    assert store.load().reused == {}


def test_an_unfinished_rerun_is_continued_without_reuse(store, trace):
    plan = [cell(trace, "a"), cell(trace, "b")]
    run(plan, InlineExecutor(WORKER), store, INFO)
    interrupted = run(plan, Interrupting(WORKER, after=1), store, INFO, rerun=True)
    finished = run(plan, InlineExecutor(WORKER), store, INFO)
    assert finished.run_id == interrupted.run_id
    assert times_run(trace) == {"a-0": 2, "b-0": 2}


class Interrupting(InlineExecutor):
    """The user presses Ctrl-C after some jobs."""

    def __init__(self, worker, after):
        super().__init__(worker)
        self.after = after

    def attempt(self, call):
        if self.after == 0:
            raise KeyboardInterrupt
        self.after -= 1
        return super().attempt(call)


def test_an_interrupted_run_keeps_what_is_finished_and_goes_on(store, trace):
    plan = [cell(trace, name) for name in "abc"]
    script = Script()
    first = run(plan, Interrupting(WORKER, after=2), store, INFO, progress=script)
    assert (first.interrupted, first.exit_code, first.counts) == (True, 130, {"ok": 2})
    assert script.told[-1] == ("end",)
    assert store.runs()[0].status == "interrupted"
    second = run(plan, InlineExecutor(WORKER), store, INFO, progress=script)
    assert (second.run_id, second.counts) == (first.run_id, {"ok": 3})
    assert ("begin", 3, 2) in script.told
    assert times_run(trace) == {"a-0": 1, "b-0": 1, "c-0": 1}


def test_a_changed_plan_begins_a_new_run(store, trace):
    first = run([cell(trace, "a"), cell(trace, "b")], Interrupting(WORKER, after=1), store, INFO)
    second = run([cell(trace, "a")], InlineExecutor(WORKER), store, INFO)
    assert second.run_id != first.run_id


def test_a_cell_whose_need_failed_is_skipped_with_the_reason(store, trace):
    plan = [cell(trace, "a"), cell(trace, "b")]
    finished = run(plan, InlineExecutor(WORKER), store, INFO, skip={plan[1].id: "its fit diverged"})
    assert finished.counts == {"ok": 1, "skipped": 1}
    assert store.load().records[1].reason == "its fit diverged"
    assert times_run(trace) == {"a-0": 1}


def test_two_names_for_equal_models_both_have_their_record(store, trace):
    twin = Cell("twin", "causal-lm", "float32", "t", "k", make_job(options={"trace": str(trace)}), {"model": "a"})
    run([cell(trace, "a"), twin], InlineExecutor(WORKER), store, INFO)
    stored = store.load()
    assert [record.cell.model for record in stored.records] == ["a", "twin"]
    assert sum(times_run(trace).values()) == 1 and stored.reused == {("twin · t", 0): stored.info.id}


def test_the_display_is_told_of_every_job(store, trace):
    script = Script()
    run([cell(trace, "a", "raises")], InlineExecutor(WORKER), store, INFO, processes=3, progress=script)
    assert script.told == [
        ("begin", 3, 0),
        ("start", "a", 0),
        ("phase", "evaluate"),
        ("finish", "a", "failed", None),
        ("leave out", 2),
        ("end",),
    ]


def test_a_store_that_fails_ends_the_run_unfinished(store, trace, monkeypatch):
    def refuse(run_id, record):
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "commit", refuse)
    with pytest.raises(StoreError):
        run([cell(trace, "a")], InlineExecutor(WORKER), store, INFO)
    assert store.runs()[0].status == "running"


def test_the_worst_process_decides_the_status_of_a_cell():
    one, two = Cell("a", "f", "float32", "t", "k"), Cell("b", "f", "float32", "t", "k")
    records = [Record(one, "ok", None), Record(one, "timeout", "", 1), Record(two, "ok", None)]
    assert count_cells(records) == {"timeout": 1, "ok": 1}


@pytest.mark.parametrize(
    ("counts", "code"),
    [({"ok": 1, "unsupported": 1}, 0), ({"oom": 1}, 5), ({"timeout": 1}, 5), ({"failed": 0}, 0)],
)
def test_exit_codes(counts, code):
    assert Finished("id", counts).exit_code == code


def test_log_names_are_plain():
    named = Cell("a b:ü", "f", "bfloat16", "t/ü", "k")
    assert log_name("RUN", named, 2) == f"logs/RUN/a-b-bfloat16-t-{named.id[:8]}-p2.log"
