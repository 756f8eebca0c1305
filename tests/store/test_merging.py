"""Results folders become one."""

import sqlite3
from contextlib import closing

import pytest

from bench.errors import StoreError
from bench.store import Store, Summary
from bench.store.maintenance import check
from bench.store.rescue import import_folder
from tests.factories import make_run
from tests.store.nights import store_run
from tests.store.test_rescue import INFO, cell, record_of

SMALL = {"requests": 20, "examples": 20}


def merged(into, folder):
    with Store.open(into) as store:
        return import_folder(store, folder)


def test_everything_of_a_run_comes_over_and_the_folder_stays(tmp_path):
    first = store_run(tmp_path / "a", make_run(["a"], seed=1, **SMALL), night=1)
    second = store_run(tmp_path / "b", make_run(["a"], seed=2, **SMALL), night=2)
    log = tmp_path / "b" / "logs" / second / "x.log"
    log.parent.mkdir(parents=True)
    log.write_text("said")
    with Store.open(tmp_path / "b") as store:
        store.tag(second, "release")
        summary = Summary("a", "float32", "t", "x", "s", False, 1.0, None, None, 1, "clock", None, "ok", "c", "t")
        store.keep_summaries(second, [summary])
        expected = store.load(second)
    before = sorted(path.name for path in (tmp_path / "b").rglob("*") if "bench.db" not in path.name)
    done = merged(tmp_path / "a", tmp_path / "b")
    assert (done.runs, done.records, done.left) == ((second,), 1, ())
    assert sorted(path.name for path in (tmp_path / "b").rglob("*") if "bench.db" not in path.name) == before
    with Store.open(tmp_path / "a") as store:
        assert [run.id for run in store.runs()] == [second, first]
        assert store.load(second) == expected
        assert store.summaries_of(second) == [summary]
        assert store.tags("suite") == {"release": second}
    assert (tmp_path / "a" / "logs" / second / "x.log").read_text() == "said"
    assert check(tmp_path / "a") == []
    again = merged(tmp_path / "a", tmp_path / "b")
    assert (again.runs, again.records, again.left) == ((), 0, ())


def test_records_that_only_a_journal_holds_come_over(tmp_path):
    with Store.open(tmp_path / "b") as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record_of(cell("a")))
        store.database.change(lambda connection: connection.exec_driver_sql("DELETE FROM records"))
    assert merged(tmp_path / "a", tmp_path / "b").records == 1
    with Store.open(tmp_path / "a") as store:
        assert store.load(run_id).records == (record_of(cell("a")),)
        assert store.find(run_id).status == "interrupted"


def test_what_cannot_be_taken_is_left_and_named(tmp_path):
    run_id = store_run(tmp_path / "a", make_run(["a"], **SMALL), night=1)
    other = store_run(tmp_path / "b", make_run(["a", "b"], **SMALL), night=2)
    with Store.open(tmp_path / "b") as store:
        store.database.change(
            lambda connection: [
                connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON"),
                connection.exec_driver_sql(f"UPDATE runs SET id = '{run_id}' WHERE id = '{other}'"),
                connection.exec_driver_sql(f"UPDATE records SET run_id = '{run_id}'"),
            ]
        )
        going = store.begin_run(INFO)
        done = merged(tmp_path / "a", tmp_path / "b")
    assert dict(done.left) == {run_id: "another run has the same id here", going: "it is running now"}
    with pytest.raises(StoreError, match="no results are there"):
        merged(tmp_path / "a", tmp_path / "none")
    with pytest.raises(StoreError, match="the results folder itself"):
        merged(tmp_path / "a", tmp_path / "a")


def test_an_import_that_was_interrupted_goes_on(tmp_path, monkeypatch):
    """Until all of a run has come over it is interrupted here, and decides nothing."""
    run_id = store_run(tmp_path / "b", make_run(["a", "b", "c"], **SMALL), night=1)
    put, calls = Store.put, []

    def broken(self, *arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        put(self, *arguments)

    monkeypatch.setattr(Store, "put", broken)
    with pytest.raises(KeyboardInterrupt):
        merged(tmp_path / "a", tmp_path / "b")
    monkeypatch.undo()
    with Store.open(tmp_path / "a") as store:
        assert (store.find(run_id).status, len(store.load(run_id).records)) == ("interrupted", 1)
    done = merged(tmp_path / "a", tmp_path / "b")
    assert (done.runs, done.records, done.left) == ((run_id,), 2, ())
    with Store.open(tmp_path / "a") as store, Store.open(tmp_path / "b") as other:
        assert store.load(run_id) == other.load(run_id)
    assert check(tmp_path / "a") == []


def test_a_database_of_another_program_is_named_and_left_alone(tmp_path):
    (tmp_path / "b").mkdir()
    path = tmp_path / "b" / "bench.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE runs (id TEXT, what INTEGER)")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not of bench"):
        merged(tmp_path / "a", tmp_path / "b")
    assert path.read_bytes() == before
