"""What `check` finds, and what `repair` may touch."""

import pytest

from bench.errors import StoreError
from bench.record import Sample
from bench.store import Store
from bench.store.maintenance import check, repair
from tests.factories import make_run
from tests.store.nights import store_run
from tests.store.test_rescue import INFO, cell, damage, record_of


@pytest.fixture
def results(tmp_path):
    store_run(tmp_path, make_run(["a", "b"], requests=20, examples=20))
    return tmp_path


def codes(results):
    return [(finding.level, finding.code) for finding in check(results)]


def test_what_is_whole_has_no_findings(results):
    assert check(results) == []


def test_no_results_at_all(tmp_path):
    with pytest.raises(StoreError, match="no results are there"):
        check(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_an_error_with_a_remedy(results):
    damage(results / "bench.db")
    [found] = check(results)
    assert (found.level, found.code) == ("error", "unusable")
    assert "move it away" in found.what


def test_a_damaged_page_that_still_opens_is_found(results):
    path = results / "bench.db"
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xff" * 4096
    path.write_bytes(content)
    assert codes(results)[0] in {("error", "damaged"), ("error", "unusable")}


def test_a_database_that_can_only_be_read_is_found(results):
    [found] = check(results, f"sqlite:///file:{results}/bench.db?mode=ro&uri=true")
    assert (found.level, found.code) == ("warning", "read_only")


def test_missing_rows_are_an_error(results):
    [gone, *_] = sorted(results.glob("rows/*/*.samples.parquet"))
    gone.unlink()
    [found] = check(results)
    assert (found.level, found.code, found.files) == ("error", "rows_missing", ())
    assert gone.name in found.what


def test_what_a_killed_process_left_is_removed_and_nothing_else(results):
    [folder] = (results / "rows").iterdir()
    kept = sorted(path.name for path in folder.iterdir())
    (folder / "x.samples.parquet").write_bytes(b"")
    (folder / "y.timings.parquet.partial").write_bytes(b"")
    found = check(results)
    assert sorted(finding.code for finding in found) == ["orphans", "partial_files"]
    assert {finding.remedy for finding in found} == {"bench store check --repair"}
    assert repair(found, results) == 2
    assert sorted(path.name for path in folder.iterdir()) == kept
    assert check(results) == []


def test_rows_of_runs_that_the_database_does_not_know_are_never_removed(results):
    """As when the wrong database is named: they may be the only copy."""
    for file in results.glob("bench.db*"):
        file.unlink()
    Store.open(results).close()
    found = check(results)
    assert [(finding.code, finding.files) for finding in found] == [("foreign_rows", ())]
    assert repair(found, results) == 0


def test_rows_that_were_uploaded_and_never_stored_are_removed_of_complete_runs(tmp_path):
    """A run that may go on may have them in a journal, here or on another machine."""
    results, place = tmp_path / "results", f"file://{tmp_path}/elsewhere"
    with Store.open(results, blobs=place) as store:
        run_id = store.begin_run(INFO)
        record = record_of(cell("a"))
        store.commit(run_id, record)
        left = store.files.write(f"rows/{run_id}/left.samples.parquet", record.samples, Sample)
        store.files.put("rows/of-another-database/x.samples.parquet", b"")
        assert left == f"{place}#rows/{run_id}/left.samples.parquet"
        for status in ("interrupted", "complete"):
            store.finish_run(run_id, status)
            store.hold(run_id)
            assert check(results) == []
            store.release(run_id)
            assert [found.blobs for found in check(results)] == [(left,)] * (status == "complete")
    assert repair(check(results), results) == 1
    assert check(results) == []
    assert (tmp_path / "elsewhere/rows/of-another-database/x.samples.parquet").exists()


def test_a_run_under_way_is_left_alone(results):
    with Store.open(results) as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record_of(cell("a")))
        (results / "rows" / run_id / "z.parquet.partial").write_bytes(b"")
        (results / "rows" / run_id / "z.samples.parquet").write_bytes(b"")
        assert codes(results) == [("note", "kept_records")]
    assert codes(results) == [("warning", "partial_files"), ("note", "unfinished"), ("note", "kept_records")]
