"""A database of the first version becomes one of the newest, with all that it held, whoever else opens it."""

import sqlite3
import subprocess
import sys

import pytest

from bench.__main__ import main
from bench.store import Store
from bench.store.schema import HEAD
from tests.store.first_version import RUN, make_first_version
from tests.store.servers import Server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Address of a database of the first version."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path / 'bench.db'}"
        make_first_version(address)
        yield address
        return
    server = Server()
    try:
        server.start()
        make_first_version(server.url())
        yield server.url()
    finally:
        server.close()


def test_all_of_it_is_there_afterwards(tmp_path, url):
    with Store.open(tmp_path, url) as store:
        assert (store.migration.before, store.migration.after) == ("0001", HEAD)
        stored = store.load("latest")
    assert {name: getattr(stored.info, name) for name in ("id", "suite", "suite_text", "command", "started_at")} == {
        name: RUN[name] for name in ("id", "suite", "suite_text", "command", "started_at")
    }
    assert (stored.info.plan, stored.info.settings) == ((("id-a", "a · t"),), {"objectives": ["accuracy"]})
    assert stored.info.environment == {"cpu": "x"}
    [record] = stored.records
    assert (record.cell.label, record.status, record.wall_s) == ("a · t", "ok", 1.5)
    assert [(fact.name, fact.value) for fact in record.facts] == [("load_s", 0.25)]
    assert record.notes == {"labels": ["x", "y"]}
    with Store.open(tmp_path, url) as store:
        assert (store.migration.before, store.migration.backup) == (HEAD, None)


def test_writers_that_race_to_migrate(tmp_path, url):
    command = [sys.executable, "-m", "tests.store.writer", str(tmp_path), "3", "1", url]
    subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
    with Store.open(tmp_path, url) as store:
        assert sorted(run.suite for run in store.runs()) == ["old", *(f"suite{n}" for n in range(3))]
        assert all(len(store.load(run.id).records) == 1 for run in store.runs())


def test_sqlite_is_copied_as_it_was_before(tmp_path, capsys):
    make_first_version(f"sqlite:///{tmp_path / 'bench.db'}")
    assert main(["store", "check", "--results", str(tmp_path)]) == 4
    assert "version 0001 of the tables" in capsys.readouterr().out
    assert main(["store", "migrate", "--results", str(tmp_path)]) == 0
    backup = tmp_path / "bench.db.0001-backup"
    assert capsys.readouterr().out == f"from version 0001 to {HEAD}\nbackup of the database before: {backup}\n"
    connection = sqlite3.connect(backup)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    assert connection.execute("SELECT id FROM runs").fetchall() == [(RUN["id"],)]
    connection.close()
    assert main(["store", "check", "--results", str(tmp_path)]) == 0


def test_a_new_database_leaves_no_copy(tmp_path):
    Store.open(tmp_path).close()
    assert not list(tmp_path.glob("*backup*"))
