"""What a kill leaves goes when the next run begins, and nothing else does."""

import signal
import subprocess
import sys

import pytest

from bench.store import Store
from bench.store.maintenance import check
from tests.store.test_rescue import INFO, cell, record_of

KILLED = """
import os, sys
from pathlib import Path
import bench.store.archive as archive
import bench.store.files as files
from bench.store import Store
from tests.store.test_rescue import INFO, cell, record_of
store = Store.open(Path(sys.argv[1]))
run_id = store.begin_run(INFO)
store.commit(run_id, record_of(cell("a")))
def die(*_, **__):
    os.kill(os.getpid(), 9)
if sys.argv[2] == "writing rows":
    files.os.fsync = die
else:
    store.journal.keep = die
store.commit(run_id, record_of(cell("b")))
"""


def names_in(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("moment", ["writing rows", "before the journal"])
def test_it_goes_when_the_next_run_begins(tmp_path, moment):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), moment], timeout=60)
    assert done.returncode == -signal.SIGKILL
    [folder] = (tmp_path / "rows").iterdir()
    before = names_in(folder)
    with Store.open(tmp_path) as store:
        store.finish_run(store.begin_run(INFO), "complete")
        left = before - names_in(folder)
        assert left and all("partial" in name or ".parquet" in name for name in left)
        assert len(store.load(folder.name).records[0].samples) == 2
    assert [finding.code for finding in check(tmp_path) if finding.level != "note"] == []


def test_what_a_running_process_is_writing_stays(tmp_path):
    with Store.open(tmp_path) as store, Store.open(tmp_path) as other:
        run_id = store.begin_run(INFO)
        (tmp_path / "rows" / run_id / "x.samples.parquet").write_bytes(b"")
        other.begin_run(INFO)
        assert (tmp_path / "rows" / run_id / "x.samples.parquet").exists()


def test_rows_that_only_the_journal_names_stay(tmp_path):
    with Store.open(tmp_path) as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record_of(cell("a")))
        store.database.change(lambda connection: connection.exec_driver_sql("DELETE FROM records"))
    names = names_in(tmp_path / "rows" / run_id)
    with Store.open(tmp_path) as store:
        store.begin_run(INFO)
    assert names_in(tmp_path / "rows" / run_id) == names
