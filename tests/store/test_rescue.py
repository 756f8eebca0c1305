"""What the database does not take is kept beside it, and put back."""

import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest

from bench.errors import RecordKeptError, StoreError
from bench.record import Cell, Record
from bench.running.executors.base import Answer, Executor
from bench.running.runner import run
from bench.store import RunInfo, Store
from bench.store.journal import Journal
from bench.store.rescue import BESIDE, import_kept, open_or_beside
from tests.jobs import make_job
from tests.running.executors.fakes import record_of

INFO = RunInfo("suite", "name: s", "hash", "bench run", "machine", "quick", environment={"cpu": "x"})


def cell(name):
    return Cell(name, "causal-lm", "float32", "t", "classification", make_job(seed=42), {"model": name, "n": 1})


CELLS = [cell(name) for name in "abcd"]


class Breaking(Executor):
    """Gives a record for each job; does something to the world before the third."""

    def __init__(self, act):
        super().__init__()
        self.act, self.jobs = act, 0

    def attempt(self, call):
        self.jobs += 1
        if self.jobs == 3:
            self.act()
        return Answer(record_of(call.arguments["cell"], call.arguments["process"]))


def damage(path):
    """Overwrites a database that is in use, the way a broken disk does."""
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            with file.open("r+b") as stream:
                stream.write(b"\xff" * file.stat().st_size)


def models(store, run_id):
    return sorted(record.cell.model for record in store.load(run_id).records)


def test_a_database_damaged_in_the_middle_of_the_night_costs_nothing(tmp_path):
    path = tmp_path / "bench.db"
    executor = Breaking(lambda: damage(path))
    with Store.open(tmp_path) as store, pytest.raises(StoreError, match=r"2 of 4 records of run .* kept in .*import"):
        run(CELLS, executor, store, INFO)
    assert executor.jobs == 4
    with pytest.raises(StoreError, match="move it away"):
        Store.open(tmp_path)
    for file in tmp_path.glob("bench.db*"):
        file.unlink()
    with Store.open(tmp_path) as store:
        done = import_kept(store)
        assert (len(done.runs), done.records, done.left) == (1, 4, ())
        [info] = store.runs()
        assert (info.suite, info.status, info.environment) == ("suite", "interrupted", {"cpu": "x"})
        assert models(store, info.id) == ["a", "b", "c", "d"]
        first = store.load(info.id).records[0]
        assert replace(first, log_path=None) == record_of(first.cell)
        assert import_kept(store).records == 0
    assert not [*tmp_path.glob("rows/*/*.json")]


def test_a_database_that_becomes_read_only_is_said_and_the_night_goes_on(tmp_path):
    with Store.open(tmp_path) as store:
        executor = Breaking(lambda: store.database.engine.dispose() or _read_only(store))
        with pytest.raises(StoreError, match="it is read-only; give this user the right"):
            run(CELLS, executor, store, INFO)
    assert executor.jobs == 4
    with Store.open(tmp_path) as store:
        run_id = store.resume(replace(INFO, plan=tuple((c.id, c.label) for c in CELLS)))
        assert run_id is not None
        assert len(store.settled(run_id)) == 4  # resuming alone puts them back
        store.finish_run(run_id, "complete")
    assert not [*tmp_path.glob("rows/*/*.json")]


def _read_only(store):
    from sqlalchemy import event

    event.listen(store.database.engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))


def test_a_finished_run_leaves_no_journal_and_a_running_one_has_it(tmp_path):
    with Store.open(tmp_path) as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record_of(cell("a")))
        assert [kept.row["model"] for kept in store.journal.records(run_id)] == ["a"]
        assert store.journal.info(run_id) == store.find(run_id)
        store.finish_run(run_id, "complete")
        assert store.journal.runs() == []


def test_an_older_file_does_not_replace_a_newer_record(tmp_path):
    with Store.open(tmp_path) as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, Record(cell("a"), "failed", "old", started_at="2026-01-01T00:00:00+00:00"))
        store.commit(run_id, Record(cell("a"), "failed", "new", started_at="2026-01-02T00:00:00+00:00"))
        store.finish_run(run_id, "complete")
        assert [record.reason for record in store.load(run_id).records] == ["new"]


def test_a_run_that_is_going_on_is_not_imported(tmp_path):
    with Store.open(tmp_path) as store, Store.open(tmp_path) as other:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record_of(cell("a")))
        assert import_kept(other).left == ((run_id, "it is running now"),)


def test_a_damaged_file_is_left_and_named(tmp_path):
    with Store.open(tmp_path) as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record_of(cell("a")))
    [path] = tmp_path.glob("rows/*/*.record.json")
    path.write_text("{")
    with Store.open(tmp_path) as store:
        [(run, reason)] = import_kept(store).left
    assert run == run_id
    assert f"{path} cannot be read" in reason


def test_a_night_that_finds_the_store_unusable_is_kept_in_a_database_beside_it(tmp_path):
    Store.open(tmp_path).close()
    damage(tmp_path / "bench.db")
    store, why = open_or_beside(tmp_path)
    assert "move it away" in why
    assert f"kept in {tmp_path / BESIDE}, and `bench store import`" in why
    with store:
        finished = run(CELLS, Breaking(lambda: None), store, INFO)
    for file in tmp_path.glob("bench.db*"):
        file.unlink()
    with Store.open(tmp_path) as store:
        done = import_kept(store)
        assert (done.runs, done.records) == ((finished.run_id,), 4)
        assert models(store, finished.run_id) == ["a", "b", "c", "d"]
        assert store.find("latest").status == "complete"
        assert import_kept(store).runs == ()
    assert not (tmp_path / BESIDE).exists()
    assert len([*tmp_path.glob("*.imported")]) == 1


def test_a_read_only_database_is_found_out_before_the_night_begins(tmp_path):
    Store.open(tmp_path).close()
    store, why = open_or_beside(tmp_path, f"sqlite:///file:{tmp_path}/bench.db?mode=ro&uri=true")
    store.close()
    assert "it is read-only" in why


def test_a_store_that_works_is_taken(tmp_path):
    store, why = open_or_beside(tmp_path)
    store.close()
    assert why is None
    assert not (tmp_path / BESIDE).exists()


KILLED = """
import os, sys
from pathlib import Path
from bench.store import Store
from tests.store.test_rescue import INFO, cell, record_of
store = Store.open(Path(sys.argv[1]))
run_id = store.begin_run(INFO)
store.put = lambda *_: os.kill(os.getpid(), 9)
store.commit(run_id, record_of(cell("a")))
"""


def test_killed_between_the_file_and_the_database(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    with Store.open(tmp_path) as store:
        run_id = store.resume(INFO)
        assert models(store, run_id) == ["a"]


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    with Store.open(tmp_path) as store:
        run_id = store.begin_run(INFO)
        rows = tmp_path / "rows"
        rows.rename(tmp_path / "gone")
        rows.write_text("")
        with pytest.raises(StoreError, match=r"rows.*; check the folder and its rights") as error:
            store.commit(run_id, record_of(cell("a")))
    assert not isinstance(error.value, RecordKeptError)


def test_the_files_survive_whatever_holds_text(tmp_path):
    journal = Journal(tmp_path)
    journal.begin(replace(INFO, id="r", settings={"é": [1, None]}, plan=(("i", "ü · t"),)))
    assert journal.info("r").settings == {"é": [1, None]}
    assert journal.info("r").plan == (("i", "ü · t"),)
    journal.forget("r")
    assert list(tmp_path.iterdir()) == []


def test_sqlite_says_what_it_always_said():
    """`PRAGMA query_only` stands in for a file that became read-only: the message is the same."""
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.OperationalError, match="attempt to write a readonly database"):
        connection.execute("CREATE TABLE t (x)")
    connection.close()


def test_a_night_keeps_to_its_database_where_only_the_blob_store_is_away(tmp_path):
    """Beside it the gate would have no night to compare with."""
    pytest.importorskip("fsspec")
    store, why = open_or_beside(tmp_path, blobs="memory://of-nobody/team")
    with store:
        assert store.database.is_at(tmp_path / "bench.db")
    assert "there is no '/of-nobody/team'; create it" in why
    assert not (tmp_path / BESIDE).exists()
