"""What no bench wrote: `check` finds it, reading it is a StoreError with a remedy, and no link is followed."""

import json
import sqlite3

import pytest

from bench.__main__ import main
from bench.errors import StoreError
from bench.store import Store
from bench.store.maintenance import check, repair
from bench.store.rescue import import_kept
from tests.factories import make_run
from tests.store.nights import store_run
from tests.store.test_rescue import INFO, cell, record_of


@pytest.fixture
def results(tmp_path):
    store_run(tmp_path / "results", make_run(["a", "b"], requests=20, examples=20))
    return tmp_path / "results"


def change(results, *statements):
    connection = sqlite3.connect(results / "bench.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def levels(results):
    return [(finding.level, finding.code) for finding in check(results)]


def test_rows_that_were_cut_are_found(results):
    for path in results.glob("rows/*/*.parquet"):
        path.write_bytes(path.read_bytes()[:-20])
    assert levels(results) == [("error", "rows_unreadable")]
    assert main(["store", "check", "--results", str(results)]) == 4
    assert main(["show", "--results", str(results)]) == 4


@pytest.mark.parametrize("table", ["facts", "records", "runs", "environments", "summaries", "tags", "canaries"])
def test_a_table_that_is_missing_is_found(results, table, capsys):
    change(results, f"DROP TABLE {table}")
    [finding] = check(results)
    assert (finding.level, finding.code) == ("error", "damaged")
    assert f"'{table}' is missing" in finding.what
    assert ".recover" in finding.remedy
    assert main(["store", "check", "--results", str(results)]) == 4


def test_a_column_that_is_missing_is_found(results):
    change(results, "ALTER TABLE records DROP COLUMN wall_s")
    [finding] = check(results)
    assert (finding.code, "records.wall_s" in finding.what) == ("damaged", True)


def test_a_record_of_a_run_that_is_gone_is_found(results):
    change(results, "PRAGMA foreign_keys = OFF", "DELETE FROM runs")
    assert ("error", "damaged") in levels(results)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE runs SET plan = '{}'",
        "UPDATE runs SET plan = '[1, 2]'",
        "UPDATE runs SET settings = '[]'",
        "UPDATE runs SET status = 'odd'",
        "UPDATE runs SET restrictions = '3'",
        "UPDATE runs SET plan = 'no JSON'",
        "UPDATE records SET cell = '{}'",
        "UPDATE records SET cell = 'null'",
        "UPDATE records SET doubts = '[{}]'",
        "UPDATE records SET notes = '[]'",
        "UPDATE records SET status = 'odd'",
        "UPDATE records SET wall_s = 'long'",
        "UPDATE records SET started_at = x'ff00'",
        "UPDATE facts SET value = 'many'",
        "UPDATE environments SET body = '3'",
        "UPDATE records SET samples_path = '../../bench.db'",
        "UPDATE records SET samples_path = '/etc/passwd'",
        "UPDATE records SET samples_path = 'nosuch://place#rows/x.parquet'",
    ],
)
def test_what_is_stored_wrongly_is_found_and_never_a_traceback(results, statement, capsys):
    change(results, "PRAGMA foreign_keys = OFF", statement)
    assert any(level == "error" for level, _ in levels(results))
    assert main(["store", "check", "--results", str(results)]) == 4
    assert main(["show", "--results", str(results)]) == 4
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("content", ["{}", "[]", "{", '{"id": 3}', "[" * 100_000])
def test_a_journal_that_no_bench_wrote_is_left_and_named(tmp_path, content):
    with Store.open(tmp_path) as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record_of(cell("a")))
    (tmp_path / "rows" / run_id / "run.json").write_text(content)
    for file in tmp_path.glob("bench.db*"):
        file.unlink()
    with Store.open(tmp_path) as store:
        [(left, reason)] = import_kept(store).left
    assert left == run_id
    assert "run.json" in reason and "move it away" in reason


def test_a_record_of_the_journal_that_no_bench_wrote_is_left_and_named(tmp_path):
    with Store.open(tmp_path) as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record_of(cell("a")))
    [path] = tmp_path.glob("rows/*/*.record.json")
    kept = json.loads(path.read_text())
    for changed in ({}, kept | {"row": {}}, kept | {"facts": [{}]}, kept | {"environment": {}}, kept | {"facts": 3}):
        path.write_text(json.dumps(changed))
        with Store.open(tmp_path) as store:
            [(left, reason)] = import_kept(store).left
        assert (left, path.name in reason) == (run_id, True)
        with Store.open(tmp_path) as store, pytest.raises(StoreError, match=r"record\.json"):
            store.resume(INFO)


def test_no_link_is_followed(results, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("mine.parquet", "mine.partial", "mine.record.json"):
        (outside / name).write_text("years of work")
    [folder] = (results / "rows").iterdir()
    (folder / "link").symlink_to(outside)
    (results / "rows" / "20260101-000000-aaaa").symlink_to(outside)
    (folder / "x.samples.parquet").symlink_to(outside / "mine.parquet")
    findings = check(results)
    assert [(finding.level, finding.code) for finding in findings] == [("note", "links")]
    assert repair(findings, results) == 0
    assert len(list(outside.iterdir())) == 3
