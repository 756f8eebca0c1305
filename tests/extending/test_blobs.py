"""A blob store of a third party: one file and an entry point; a run is written and read back through it."""

import json
import sqlite3

import pytest

from bench.errors import InputError, UsageError
from bench.store import Store
from bench.store.blobs import SCHEMES, Blob, open_blobs
from bench.store.blobs.file import FolderBlobs
from tests.extending.package import bench_all, ended_all, environment, install
from tests.store.test_archive import INFO, cell
from tests.store.test_rescue import record_of

PLUG_IN = '''
"""Blobs as rows of one SQLite file: shelf:///PATH."""

import sqlite3
from contextlib import closing

from bench.store.blobs import Blob


def open_blobs(address):
    return Shelf(address.removeprefix("shelf://"))


class Shelf:
    def __init__(self, path):
        self.path = path
        self._do("CREATE TABLE IF NOT EXISTS blobs (name TEXT PRIMARY KEY, content BLOB)")

    def _do(self, statement, *values):
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def put(self, name, content):
        self._do("INSERT OR REPLACE INTO blobs VALUES (?, ?)", name, content)

    def get(self, name):
        rows = self._do("SELECT content FROM blobs WHERE name = ?", name)
        if not rows:
            raise FileNotFoundError(name)
        return rows[0][0]

    def exists(self, name):
        return bool(self._do("SELECT 1 FROM blobs WHERE name = ?", name))

    def delete(self, name):
        self._do("DELETE FROM blobs WHERE name = ?", name)

    def list(self, prefix=""):
        rows = self._do("SELECT name, length(content) FROM blobs ORDER BY name")
        return iter([Blob(name, size) for name, size in rows if name.startswith(prefix)])
'''
SUITE = """\
name: shelved
defaults: {device: cpu, max_examples: 40}
models:
  - {name: floor, family: baseline, strategy: majority}
tasks:
  - {name: status, kind: classification, data: {builtin: waybills, columns: {label: status}}, metrics: [accuracy]}
measure: "off"
objectives: [accuracy, weights_bytes]
"""


@pytest.mark.slow
def test_a_run_is_written_and_read_back_through_it(tmp_path):
    installed = install(tmp_path / "site", {"bench.blobs": {"shelf": "shelf:open_blobs"}}, ("shelf", PLUG_IN))
    (tmp_path / "suite.yaml").write_text(SUITE)
    results, address = tmp_path / "results", f"shelf://{tmp_path}/blobs.sqlite"
    bench_all(
        tmp_path,
        installed,
        f"run suite.yaml --blobs {address}",
        "export --format json -o run.json",
        "store check",
    )
    assert not list(results.glob("rows/*/*.parquet"))
    connection = sqlite3.connect(tmp_path / "blobs.sqlite")
    kinds = {name.split("/")[0] for (name,) in connection.execute("SELECT name FROM blobs")}
    assert kinds == {"rows", "logs"}
    [record] = json.loads((tmp_path / "run.json").read_text())["records"]
    assert len(record["samples"]) == 40
    assert record["log_path"].startswith(f"{address}#logs/")
    connection.execute("UPDATE blobs SET content = x'00' WHERE name LIKE '%.parquet'")
    connection.commit()
    connection.close()
    [checked] = ended_all(tmp_path, installed, "store check")
    assert checked[0] == 4
    shown, checked = ended_all(tmp_path, environment(), "show", "store check")
    assert (shown[0], "not in this results folder" in shown[1]) == (0, True)  # the summaries are there without it
    assert checked[0] == 4


@pytest.fixture
def other_folder(tmp_path):
    return f"file://{tmp_path}/else where".replace(" ", "%20")


def test_another_folder_by_its_address(tmp_path, other_folder):
    with Store.open(tmp_path / "results", blobs=other_folder) as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record_of(cell("a")))
        store.finish_run(run_id, "complete")
    assert len(list((tmp_path / "else where" / "rows").glob("*/*.parquet"))) == 2
    assert not list((tmp_path / "results" / "rows").glob("*/*.parquet"))
    with Store.open(tmp_path / "results") as store:  # where the rows are is in the database
        assert store.load(run_id).records == (record_of(cell("a")),)
        assert store.reuse(store.begin_run(INFO), cell("a"), 0) is not None


def test_one_that_does_not_take_a_file_loses_nothing(tmp_path, other_folder):
    (tmp_path / "else where").write_text("a file, in which no folder can be made")
    with Store.open(tmp_path / "results", blobs=other_folder) as store:
        run_id = store.begin_run(INFO)
        store.commit(run_id, record_of(cell("a")))
        assert store.load(run_id).records == (record_of(cell("a")),)
    assert len(list((tmp_path / "results" / "rows").glob("*/*.parquet"))) == 2


def test_the_protocol(tmp_path):
    blobs = FolderBlobs(tmp_path)
    blobs.put("rows/r/a", b"one")
    blobs.put("rows/r/a", b"two!")
    blobs.put("rows/s", b"")
    assert blobs.get("rows/r/a") == b"two!"
    assert [blobs.exists(name) for name in ("rows/r/a", "rows/r", "nothing")] == [True, False, False]
    assert list(blobs.list("rows/r")) == [Blob("rows/r/a", 4)]
    assert [blob.name for blob in blobs.list()] == ["rows/s", "rows/r/a"]
    blobs.delete("rows/r/a")
    blobs.delete("rows/r/a")
    assert not (tmp_path / "rows" / "r").exists()
    for name in ("../x", "/etc/passwd", "a/../../x", "", "a\0b"):
        with pytest.raises(FileNotFoundError):
            blobs.get(name)
        with pytest.raises(FileNotFoundError):
            blobs.put(name, b"")


def test_what_is_no_address_of_one(tmp_path):
    assert "file" in SCHEMES
    with pytest.raises(InputError, match=r"no blob store is named 'nosuch'; valid names: .*file"):
        open_blobs("nosuch://x")
    for address in ("rows", "file://host/rows", "file:rows"):
        with pytest.raises(UsageError):
            open_blobs(address)
    with pytest.raises(UsageError, match="leave the password out") as error:
        open_blobs("nosuch://me:hunter22@x")
    assert "hunter22" not in str(error.value)
