"""The store: what is committed comes back, whoever writes beside it and whatever is wrong with it."""

import math
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from bench.errors import StoreError, UsageError
from bench.record import Cell, Doubt, Fact, Record
from bench.store import RunInfo, Store
from tests.jobs import make_job
from tests.running.executors.fakes import record_of

INFO = RunInfo(
    "suite",
    "name: suite # ü\n",
    "hash",
    "bench run s.yaml",
    "machine",
    "quick",
    plan=(("id-b", "b · t"), ("id-a", "a · t")),
    environment={"cpu": "x"},
    settings={"objectives": ["q"]},
)


def cell(name):
    return Cell(name, "causal-lm", "float32", "t", "classification", make_job(seed=42), {"model": name, "n": 1})


class Clock:
    """A clock that goes one second a look."""

    def __init__(self):
        self.time = datetime(2026, 11, 22, 16, 15, 30, tzinfo=UTC)

    def __call__(self):
        self.time += timedelta(seconds=1)
        return self.time


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "results", now=Clock()) as opened:
        yield opened


def test_a_record_comes_back_as_it_was(store):
    run_id = store.begin_run(INFO)
    doubt = Doubt("drift", "+3 %", "cool it", ("latency",), 1)
    estimate = Fact("energy", 2.0, "J", "estimate", "by TDP", 1.0, 3.0)
    record = record_of(cell("a"))
    record = replace(record, doubts=(doubt,), facts=(*record.facts, estimate), log_path="logs/x.log")
    store.commit(run_id, record)
    assert store.load(run_id).records == (record,)


def test_a_run_comes_back_as_it_was_with_its_id_and_times(store):
    run_id = store.begin_run(INFO)
    assert run_id.startswith("20261122-161531-")
    store.finish_run(run_id, "complete")
    [found] = store.runs()
    assert found == replace(
        INFO,
        id=run_id,
        status="complete",
        started_at="2026-11-22T16:15:31+00:00",
        finished_at="2026-11-22T16:15:32+00:00",
    )


def test_records_come_in_the_plans_order_then_by_process(store):
    run_id = store.begin_run(INFO)
    for name, process in (("a", 1), ("a", 0), ("b", 0), ("c", 0)):
        store.commit(run_id, record_of(cell(name), process))
    found = [(record.cell.model, record.process) for record in store.load().records]
    assert found == [("b", 0), ("a", 0), ("a", 1), ("c", 0)]


def test_without_rows_samples_and_timings_stay_on_disk(store):
    run_id = store.begin_run(INFO)
    store.commit(run_id, record_of(cell("a")))
    [record] = store.load(run_id, rows=False).records
    assert (record.samples, record.timings) == ((), ())
    assert record.facts == record_of(cell("a")).facts


def test_a_second_commit_replaces_the_first(store):
    run_id = store.begin_run(INFO)
    store.commit(run_id, Record(cell("a"), "failed", "no"))
    store.commit(run_id, record_of(cell("a")))
    [record] = store.load().records
    assert record.status == "ok"
    assert len(record.facts) == 1


def test_what_no_database_holds_is_kept_as_far_as_it_can_be(store):
    run_id = store.begin_run(INFO)
    record = record_of(cell("a"))
    facts = (Fact("x", math.nan, "s", "clock"), Fact("y", math.inf, "s", "clock", low=math.nan))
    sample = replace(record.samples[0], reference="lone \ud800 surrogate", prediction="nul \0")
    record = replace(record, facts=facts, samples=(sample,), reason="nul \0", notes={"loss": math.nan, "t": (1, 2)})
    store.commit(run_id, record)
    [found] = store.load().records
    assert [(fact.value, fact.low) for fact in found.facts] == [(None, None), (None, None)]
    assert "not a finite number (nan)" in found.facts[0].reason
    assert found.samples[0].reference == "lone \\ud800 surrogate"
    assert found.samples[0].prediction == "nul \\x00"
    assert found.notes == {"loss": None, "t": [1, 2]}


def test_runs_are_found_by_latest_id_and_unique_beginning(store):
    first, second = store.begin_run(INFO), store.begin_run(replace(INFO, suite="other"))
    assert store.find("latest").id == second
    assert store.find(first).id == first
    assert store.find(first[:15]).id == first
    assert [run.id for run in store.runs("suite")] == [first]
    with pytest.raises(UsageError, match=r"several runs begin with '2026'"):
        store.find("2026")
    with pytest.raises(UsageError, match=f"no run is named 'nope': {second}"):
        store.find("nope")


def test_latest_of_nothing_says_what_to_do(store):
    with pytest.raises(UsageError, match="run a suite first"):
        store.load("latest")


def test_a_run_is_resumed_only_when_unfinished_and_alike(store):
    run_id = store.begin_run(INFO)
    store.finish_run(run_id, "interrupted")
    assert store.resume(replace(INFO, machine_key="other")) is None
    assert store.resume(replace(INFO, plan=())) is None
    assert store.resume(replace(INFO, suite_hash="other")) is None
    assert store.resume(INFO) == run_id
    assert store.runs()[0].status == "running"
    store.finish_run(run_id, "complete")
    assert store.resume(INFO) is None


def test_an_unfinished_run_before_a_complete_one_is_history(store):
    store.finish_run(store.begin_run(INFO), "interrupted")
    store.finish_run(store.begin_run(INFO), "complete")
    assert store.resume(INFO) is None


def test_a_run_that_another_store_holds_is_not_resumed(store):
    run_id = store.begin_run(INFO)
    with Store.open(store.results) as other:
        assert other.resume(INFO) is None
        store.close()  # as when its process is killed
        assert other.resume(INFO) == run_id


def test_reuse_needs_the_rows_to_be_there(store):
    first = store.begin_run(INFO)
    store.commit(first, record_of(cell("a")))
    second = store.begin_run(INFO)
    linked = store.reuse(second, cell("a"), 0)
    assert linked is not None
    assert linked[1] == first
    next((store.results / "rows" / first).glob("*.samples.parquet")).unlink()
    assert store.reuse(store.begin_run(INFO), cell("a"), 0) is None
    with pytest.raises(StoreError, match="is missing"):
        store.load(second)


def test_reuse_of_a_reused_record_names_the_run_that_measured_it(store):
    first, second, third = (store.begin_run(INFO) for _ in range(3))
    store.commit(first, record_of(cell("a")))
    assert store.reuse(second, cell("a"), 0)[1] == first
    assert store.reuse(third, cell("a"), 0)[1] == first
    assert store.reuse(third, cell("a"), 1) is None
    assert store.reuse(third, cell("b"), 0) is None
    assert store.load(third).reused == {("a · t", 0): first}


def test_a_failed_record_is_not_reused(store):
    first, second = store.begin_run(INFO), store.begin_run(INFO)
    store.commit(first, Record(cell("a"), "failed", "no"))
    assert store.reuse(second, cell("a"), 0) is None


@pytest.mark.slow
def test_ten_writers_at_once_lose_nothing(tmp_path):
    """Into a folder that is not there yet, so that they also race to make the tables."""
    command = [sys.executable, "-m", "tests.store.writer", str(tmp_path / "results"), "10", "4"]
    subprocess.run(command, check=True, timeout=120)
    with Store.open(tmp_path / "results") as store:
        runs = store.runs()
        assert sorted(run.suite for run in runs) == sorted(f"suite{n}" for n in range(10))
        for run in runs:
            records = store.load(run.id).records
            assert [fact.value for record in records for fact in record.facts] == [0.0, 1.0, 2.0, 3.0]
            assert all(len(record.samples) == 2 for record in records)


def test_a_record_that_the_database_refuses_is_kept_beside_it(store):
    run_id = store.begin_run(INFO)
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql("DROP TABLE facts")
        connection.commit()
    with pytest.raises(StoreError, match=r"the record of a · t is kept in .*\.record\.json"):
        store.commit(run_id, record_of(cell("a")))
    [kept] = (store.results / "rows" / run_id).glob("*.record.json")
    assert '"status": "ok"' in kept.read_text()
    with Store.open(store.results) as other:
        assert other.database.read(text("SELECT * FROM records")) == []  # nothing half-written
