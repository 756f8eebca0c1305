"""Opening the database: fresh, older, newer, damaged, read-only, absent."""

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bench.errors import StoreError, UsageError
from bench.store import RunInfo, Store, database
from bench.store.schema import HEAD, metadata

INFO = RunInfo("suite", "", "hash", "bench run", "machine", "quick")


def test_the_migrations_lead_to_the_tables_as_declared(tmp_path):
    with Store.open(tmp_path) as store, store.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_newest_migration_is_the_declared_version():
    folder = str(database.Path(database.__file__).parent / "migrations")
    assert ScriptDirectory(folder).get_heads() == [HEAD]


def test_sqlite_is_in_wal_mode_with_foreign_keys(tmp_path):
    with Store.open(tmp_path) as store, store.database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_database_without_a_version_is_brought_to_the_newest(tmp_path):
    sqlite3.connect(tmp_path / "bench.db").close()
    with Store.open(tmp_path) as store:
        assert store.runs() == []


def test_a_newer_database_is_refused_untouched(tmp_path):
    Store.open(tmp_path).close()
    with sqlite3.connect(tmp_path / "bench.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match=rf"version 9999, and this bench knows versions up to {HEAD}; install"):
        Store.open(tmp_path)


def test_a_damaged_file_is_named_with_what_to_do(tmp_path):
    (tmp_path / "bench.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"bench\.db: the file is damaged or no database; move it away"):
        Store.open(tmp_path)


def test_a_page_that_is_damaged_later_is_a_store_error(tmp_path):
    with Store.open(tmp_path) as store:
        store.begin_run(INFO)
    path = tmp_path / "bench.db"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(StoreError, match="move it away"):
        Store.open(tmp_path)


def test_a_folder_in_place_of_the_database(tmp_path):
    (tmp_path / "bench.db").mkdir()
    with pytest.raises(StoreError, match="cannot be opened; check that it is a file"):
        Store.open(tmp_path)


def test_a_file_in_place_of_the_results_folder(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(StoreError, match=r"results: File exists"):
        Store.open(tmp_path / "results")


def test_a_read_only_database_can_be_read_and_says_so_when_written(tmp_path):
    with Store.open(tmp_path) as store:
        run_id = store.begin_run(INFO)
    with Store.open(tmp_path, f"sqlite:///file:{tmp_path}/bench.db?mode=ro&uri=true") as store:
        assert [run.id for run in store.runs()] == [run_id]
        with pytest.raises(StoreError, match="it is read-only"):
            store.begin_run(INFO)


def test_without_create_nothing_is_made(tmp_path):
    with pytest.raises(StoreError, match="no results are there"):
        Store.open(tmp_path / "results", create=False)
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_none(tmp_path):
    for url in ("nonsense", "nosuchdatabase://host/name"):
        with pytest.raises(UsageError, match="is no database address"):
            Store.open(tmp_path, url)


def test_a_writing_transaction_takes_the_write_lock_when_it_begins(tmp_path):
    """A reader that turns writer half way would fail at once when another writer came between."""
    other = sqlite3.connect(tmp_path / "bench.db", timeout=0)
    with Store.open(tmp_path) as store:
        with database.writing(store.database.engine), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")
    other.close()
