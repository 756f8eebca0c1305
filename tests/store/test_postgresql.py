"""The same store on a real PostgreSQL server: writers at once, a server that dies, migrations, every command."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bench.__main__ import main
from bench.errors import EnvironmentLackError, RecordKeptError, StoreError
from bench.record import Cell
from bench.store import RunInfo, Store, database
from bench.store.rescue import import_kept
from bench.store.schema import metadata
from tests.factories import make_run
from tests.jobs import make_job
from tests.running.executors.fakes import record_of
from tests.store.nights import store_run
from tests.store.servers import Server

INFO = RunInfo("suite", "", "hash", "bench run", "machine", "quick", environment={"cpu": "x"})


@pytest.fixture(scope="module")
def server():
    made = Server()
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def url(server, request):
    return server.database(request.node.name[:60])


def cell(name):
    return Cell(name, "causal-lm", "float32", "t", "classification", make_job(seed=42), {"model": name, "n": 1})


def writers(results, url, count, cells, pause_s=0.0):
    command = [sys.executable, "-m", "tests.store.writer", str(results), str(count), str(cells), url, str(pause_s)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def counted(store):
    """Returns how often each record is there."""
    return Counter((run.suite, r.cell.model) for run in store.runs() for r in store.load(run.id).records)


@pytest.mark.slow
def test_ten_writers_at_once_lose_nothing(tmp_path, url):
    """Into a database without tables, so that they also race to make them."""
    with writers(tmp_path, url, 10, 4) as process:
        assert process.wait(120) == 0
    with Store.open(tmp_path, url) as store:
        assert counted(store) == {(f"suite{n}", f"m{m}"): 1 for n in range(10) for m in range(4)}
        assert {run.status for run in store.runs()} == {"complete"}
        assert all(len(record.samples) == 2 for run in store.runs() for record in store.load(run.id).records)
    assert not [*tmp_path.glob("rows/*/*.json")]


@pytest.mark.slow
def test_a_server_that_dies_and_comes_back_loses_nothing(tmp_path, server, url):
    """Killed after 6 of 16 records, while four writers write; they wait for it and go on."""
    with writers(tmp_path, url, 4, 4, 0.1) as process:
        said = [process.stdout.readline() for _ in range(6)]
        server.kill()
        server.start()
        rest = process.stdout.read()
        assert process.wait(120) == 0
    assert len(said) + len(rest.splitlines()) == 16
    with Store.open(tmp_path, url) as store:
        assert counted(store) == {(f"suite{n}", f"m{m}"): 1 for n in range(4) for m in range(4)}


def test_a_server_that_stays_away_leaves_records_beside_it_to_import(tmp_path, server, url, monkeypatch):
    monkeypatch.setattr(database, "RETRY_DELAYS_S", (0.01,))
    with Store.open(tmp_path, url) as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record_of(cell("a")))
        server.kill()
        try:
            with pytest.raises(RecordKeptError, match=r"the record of b · t is kept in .*record\.json"):
                store.commit(run_id, record_of(cell("b")))
            with pytest.raises(StoreError, match="no server answers there; start it"):
                store.finish_run(run_id, "complete")
        finally:
            server.start()
    with Store.open(tmp_path, url) as store:
        done = import_kept(store)
        assert (done.runs, done.records, done.left) == ((run_id,), 1, ())
        assert [record.cell.model for record in store.load(run_id).records] == ["a", "b"]
        assert store.load(run_id).records[1] == record_of(cell("b"))


def test_a_store_that_is_gone_when_the_night_begins(tmp_path):
    url = f"postgresql+psycopg://u:secret@/n?host={tmp_path}"
    with pytest.raises(StoreError, match="no server answers there; start it") as error:
        Store.open(tmp_path, url)
    assert "secret" not in str(error.value)


def test_a_driver_that_is_not_installed_is_named():
    with pytest.raises(EnvironmentLackError, match=r"'pg8000'.*pip"):
        database.make_engine("postgresql+pg8000://u@h/n")


def test_the_migrations_lead_to_the_tables_as_declared(tmp_path, url):
    with Store.open(tmp_path, url) as store, store.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_machines_that_share_a_server_do_not_share_a_run(tmp_path, url):
    """Alike machines with a results folder each: what the other is running, or has rows of, is not taken over."""
    with Store.open(tmp_path / "a", url) as one, Store.open(tmp_path / "b", url) as two:
        run_id = one.begin_run(INFO)
        one.commit(run_id, record_of(cell("a")))
        assert two.resume(INFO) is None
        one.finish_run(run_id, "interrupted")
        assert two.resume(INFO) == run_id
        assert two.settled(run_id) == {}
        assert one.resume(INFO) is None
        two.finish_run(run_id, "interrupted")
        assert one.resume(INFO) == run_id
        assert len(one.settled(run_id)) == 1


def test_what_no_database_holds_is_kept_as_far_as_it_can_be(tmp_path, url):
    record = replace(record_of(cell("a")), reason="nul \0", notes={"loss": float("nan"), "text": "nul \0"})
    with Store.open(tmp_path, url) as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record)
        assert store.load(run_id).records[0].reason == "nul \\x00"


def test_every_command_reads_from_the_server(tmp_path, url, capsys, monkeypatch):
    run_id = store_run(tmp_path, make_run(["a", "b"]), url=url)
    assert main(["ls", "runs", "--results", str(tmp_path), "--store", url, "--json"]) == 0
    assert [run["id"] for run in json.loads(capsys.readouterr().out)] == [run_id]
    monkeypatch.setenv("BENCH_STORE", url)
    where = ["--results", str(tmp_path)]
    assert main(["show", *where, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["cells"]) == 2
    assert main(["report", *where, "-o", str(tmp_path / "r.html")]) == 0
    assert run_id in (tmp_path / "r.html").read_text()
    assert main(["recommend", *where]) == 0
    assert main(["compare", "a", "b", *where]) == 0
    assert main(["export", *where, "-o", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "timings.csv").stat().st_size > 1000
    assert main(["store", "check", *where]) == 0
    assert main(["store", "migrate", *where]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert not (tmp_path / "bench.db").exists()
