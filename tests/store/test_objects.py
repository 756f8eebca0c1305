"""Results in an object store: a real server of S3's protocol on the loopback, and what may go wrong with it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fsspec.implementations.local import LocalFileSystem

from bench.candidates.fetched import fetch
from bench.cli import bench
from bench.errors import BenchError, StoreError, UsageError
from bench.nightly.night import folder_of
from bench.report.server import Site, page_of
from bench.store import RunInfo, Store, objects
from bench.store.blobs import open_blobs
from bench.store.elsewhere import address_of, results_folder
from bench.store.maintenance import check
from bench.store.mirror import Mirror
from bench.store.objects import ObjectBlobs
from bench.store.rows import RowFiles

pytest.importorskip("s3fs")
pytest.importorskip("moto")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of the drivers' own connections

from tests.store.s3_server import BUCKET, S3Server  # noqa: E402

SUITE = """\
name: s
defaults: {device: cpu, executor: inline}
models:
  - {name: floor, family: baseline, strategy: majority}
  - {name: copy, family: baseline, strategy: copy}
tasks:
  - {name: topic, kind: classification, data: {path: data.jsonl}}
measure: "off"
"""
PLACE = f"s3://{BUCKET}/team"


@pytest.fixture(scope="module")
def running() -> Iterator[S3Server]:
    """Start one server for all tests."""
    server = S3Server()
    yield server
    server.close()


@pytest.fixture
def server(running: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """Empty the server, and let this process know it."""
    running.faults.clear()
    for name in running.names():
        running.client.delete_object(Bucket=BUCKET, Key=name)
    for name, value in {
        "AWS_ENDPOINT_URL": running.url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "BENCH_STORE": f"sqlite:///{tmp_path}/bench.db",
    }.items():
        monkeypatch.setenv(name, value)
    running.requests.clear()
    rows = [{"text": f"note {i}", "label": "ab"[i % 2]} for i in range(6)]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "suite.yaml").write_text(SUITE)
    return running


def bench_with(tmp_path: Path, *words: str, place: str = PLACE) -> Result:
    command, *rest = words
    named = [str(tmp_path / "suite.yaml")] if command in ("run", "nightly") else []
    named += (
        ["--executor", "inline"] if command == "run" else []
    )  # so that no server is started before the suite is read
    return CliRunner().invoke(bench, [command, *named, *rest, "--results", place])


def test_a_run_lies_in_the_bucket_and_is_read_from_anywhere(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, logs and the report are blobs; a machine that has nothing of them reads the run, and asks once for rows."""
    said = bench_with(tmp_path, "run")
    assert said.exit_code == 0, said.output
    methods = [method for method, _ in server.requests]
    assert sorted(methods) == ["GET", "GET", "PUT", "PUT"]  # whether there is such a bucket; rows, and the report
    names = server.names()
    assert {name.split("/")[1] for name in names} == {"rows", "reports"}  # inline, no cell printed anything
    assert f"report: {PLACE}/reports/" in said.output
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
    server.requests.clear()
    with Store.open(results_folder(PLACE), f"sqlite:///{tmp_path}/bench.db", create=False) as store:
        first = store.load()
        assert [method for method, _ in server.requests] == ["GET"]  # one of the two candidates has answers
        server.requests.clear()
        assert store.load().records == first.records
        assert server.requests == []
    assert len(first.records[0].samples) == 6
    assert bench_with(tmp_path, "report").exit_code == 0
    assert bench_with(tmp_path, "show").exit_code == 0


def test_nights_of_two_machines_and_what_reads_and_clears_them(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each machine adds its night, and takes nothing away; serve, check and prune see both."""
    database = f"sqlite:///{tmp_path}/bench.db"
    for machine in ("one", "two"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / machine))
        server.requests.clear()
        said = bench_with(tmp_path, "nightly")
        assert said.exit_code == 0, said.output
    with Store.open(results_folder(PLACE), database) as store:
        second, first = (run.id for run in store.runs())
    assert [path for method, path in server.requests if method == "PUT" and first in path] == []
    assert f"index: {PLACE}/nightly/s/index.html" in said.output
    index = read(server, "nightly/s/index.html")
    for night in (first, second, "latest"):
        assert json.loads(read(server, f"nightly/s/{night}/night.json"))["done"] is True
        assert f'href="{night}/report.html"' in index or night == "latest"
    assert f"nightly/s/{first}/report.html" in {name.removeprefix("team/") for name in server.names()}

    nights = folder_of(results_folder(PLACE), "s")
    (nights / second / "summary.md").write_text("another")
    server.requests.clear()
    Mirror(results_folder(PLACE), nights).upload()
    assert [path for method, path in server.requests if method == "PUT"] == [
        f"/{BUCKET}/team/nightly/s/{second}/summary.md"
    ]

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "three"))
    site = Site(results_folder(PLACE), database, partial(page_of, store_url=database))
    assert f"/run/{first}" in site.answer("/").text
    assert "accuracy" in site.answer(f"/run/{first}").text
    server.faults += [("GET", "expired")] * 9
    refused = site.answer(f"/run/{second}")
    assert (refused.status, "expired; renew" in refused.text) == (503, True)
    server.faults.clear()
    assert check(results_folder(PLACE), database) == []
    server.faults += [("GET", "expired")] * 9
    [finding] = check(results_folder(PLACE), database)
    assert finding.code == "rows_unreadable"
    assert "expired; renew" in finding.what
    server.faults.clear()

    with closing(sqlite3.connect(tmp_path / "bench.db")) as connection, connection:
        connection.execute("UPDATE runs SET started_at = '2026-01-01' || substr(started_at, 11) WHERE id = ?", [first])
    assert CliRunner().invoke(bench, ["store", "prune", "--keep-nights", "1", "--results", PLACE]).exit_code == 0
    [left] = [name for name in server.names() if "/rows/" in name]
    assert second in left
    with Store.open(results_folder(PLACE), database, create=False) as store:
        assert ("floor · topic", 0) in store.load(first).gone


def read(server: S3Server, name: str) -> str:
    body = server.client.get_object(Bucket=BUCKET, Key=f"team/{name}")["Body"].read()
    assert isinstance(body, bytes)
    return body.decode()


def test_a_question_is_one_request(server: S3Server, tmp_path: Path) -> None:
    blobs = ObjectBlobs(PLACE, tmp_path / "copies")
    names = [f"rows/r/{number}.parquet" for number in range(3)]
    for name in names:
        blobs.put(name, b"rows")
    blobs.put("reports/r.html", b"page")
    server.requests.clear()
    assert blobs.exists(names[0])
    assert blobs.get("reports/r.html") == b"page"
    assert blobs.get(names[0]) == b"rows"  # the copy
    named = [f"{PLACE}#{name}" for name in (*names, "rows/r/other.parquet")]
    assert RowFiles(tmp_path, PLACE).found(named) == set(named[:3])
    assert [method for method, _ in server.requests] == ["HEAD", "GET", "GET"]


@pytest.mark.parametrize(("fault", "times"), [("slow_down", 2), ("cut", 4), ("stall", 1)])
def test_what_passes_is_tried_again(
    server: S3Server, fault: str, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four cuts pass only where s3fs tries again whatever aiobotocore calls the break of a connection, and an upload of
    which nothing is taken only where there is an end to waiting."""
    monkeypatch.setattr(objects, "ANSWER_S", 0.5)
    blobs = ObjectBlobs(f"{PLACE}/{fault}", tmp_path / "copies")
    server.faults += [("PUT", fault)] * times
    blobs.put("rows/r/x.parquet", b"whole")
    assert not server.faults
    assert len(server.requests) == times + 1
    blobs = ObjectBlobs(f"{PLACE}/{fault}", tmp_path / "another machine")
    assert blobs.get("rows/r/x.parquet") == b"whole"


@pytest.mark.parametrize(
    ("fault", "words"),
    [("slow_down", "throttles"), ("expired", "expired; renew"), ("denied", "may not do that")],
)
def test_what_does_not_pass_loses_nothing_and_is_told(server: S3Server, fault: str, words: str, tmp_path: Path) -> None:
    """The rows are kept on this machine, the run is whole, and one line says what happened."""
    server.faults += [("PUT", fault)] * 40  # more than are tried again
    said = bench_with(tmp_path, "run", "--no-report")
    assert said.exit_code == 0, said.output
    [line] = [line for line in said.output.splitlines() if "did not take" in line]
    assert PLACE in line
    assert words in line
    with Store.open(results_folder(PLACE), f"sqlite:///{tmp_path}/bench.db") as store:
        assert len(store.load().records[0].samples) == 6


def test_a_store_that_takes_and_gives_nothing_is_told(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "ANSWER_S", 0.1)
    blobs = ObjectBlobs(PLACE, tmp_path / "copies")
    blobs.put("rows/r/x.parquet", b"whole")
    for method, ask in (
        ("PUT", lambda: blobs.put("rows/r/y.parquet", b"whole")),
        ("GET", lambda: [*blobs.list("rows/")]),
    ):
        server.faults += [(method, "stall")] * 10
        with pytest.raises(OSError, match="does not answer in time"):
            ask()
        server.faults.clear()
    assert [blob.name for blob in blobs.list("rows/")] == ["rows/r/x.parquet"]


def test_nothing_half_written_is_ever_read(server: S3Server, tmp_path: Path) -> None:
    blobs = ObjectBlobs(PLACE, tmp_path / "copies")
    server.faults += [("PUT", "cut")] * 50
    with pytest.raises(OSError, match=r"cannot be reached|in time|closed"):
        blobs.put("rows/r/x.parquet", b"whole")
    server.faults.clear()
    assert not blobs.exists("rows/r/x.parquet")
    with pytest.raises(FileNotFoundError):
        blobs.get("rows/r/x.parquet")
    assert list(blobs.list("rows/")) == []


LARGE = 11 * 2**20
"""Bytes of an upload in parts, where one has the least that S3 takes."""
KILLED = f"""\
from pathlib import Path
import os, sys
from bench.store import RunInfo, Store, objects
objects.PART_BYTES = 5 * 2**20
info = RunInfo("s", "", "hash", "bench run", "machine", "quick")
with Store.open(Path(sys.argv[1]), sys.argv[2]) as store:
    store.files.put(f"rows/{{store.begin_run(info)}}/x.parquet", os.urandom({LARGE}))
"""


def test_a_large_upload_that_is_killed_or_refused_in_the_middle(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No part is ever read or left behind, and the same command goes on."""
    monkeypatch.setattr(objects, "PART_BYTES", 5 * 2**20)
    database, results = f"sqlite:///{tmp_path}/bench.db", results_folder(PLACE)
    server.faults += [("PUT", "kill")]
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(results), database])
    server.victim = process.pid
    assert process.wait() == -signal.SIGKILL
    assert (server.names(), len(server.uploads())) == ([], 1)
    with Store.open(results, database) as store:
        run = store.find("latest").id
        begun = [f"team/{name}" for name in (f"logs/{run}/x.log", f"nightly/s/{run}/report.html", "logs/other/x.log")]
        for name in begun:
            server.client.create_multipart_upload(Bucket=BUCKET, Key=name)
        assert store.resume(RunInfo("s", "", "hash", "bench run", "machine", "quick")) == run
        assert {*server.uploads()} == {*begun[1:]}
        Mirror(results, folder_of(results, "s")).drop_uploads(run)
        assert server.uploads() == begun[2:], "nobody knows whose that is"
        drop_all(server)
        content, path = os.urandom(LARGE), f"rows/{run}/x.parquet"
        server.faults += [("PUT", "slow_down"), ("PUT", "denied")]
        assert store.files.put(path, content) == path, "it is kept here"
        assert "may not do that" in (store.files.told() or "")
        assert store.files.get(path) == content
        assert (server.names(), server.uploads()) == ([], [])
        server.faults += [("PUT", "cut")]
        named = store.files.put(path, content)
    blobs = ObjectBlobs(PLACE, tmp_path / "another machine")
    assert (named, blobs.get(path) == content) == (f"{PLACE}#{path}", True)


def drop_all(server: S3Server) -> None:
    for upload in server.client.list_multipart_uploads(Bucket=BUCKET)["Uploads"]:
        named = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
        server.client.abort_multipart_upload(Bucket=BUCKET, **named)


def test_half_an_answer_is_asked_for_again_and_never_kept(server: S3Server, tmp_path: Path) -> None:
    ObjectBlobs(PLACE, tmp_path / "others").put("rows/r/x.parquet", b"whole" * 1000)
    blobs = ObjectBlobs(PLACE, tmp_path / "copies")
    server.faults += [("GET", "half")] * 50
    with pytest.raises(OSError, match=r"cannot be reached|in time|closed"):
        blobs.get("rows/r/x.parquet")
    server.faults[1:] = []
    assert blobs.get("rows/r/x.parquet") == b"whole" * 1000
    assert not server.faults


def test_a_place_that_shows_uploads_in_parts_shows_them_under_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = ObjectBlobs(f"local://{tmp_path}/place", tmp_path / "copies")

    def cut(store: LocalFileSystem, path: str, value: bytes, **_: object) -> None:
        Path(path).write_bytes(value[:3])
        raise ConnectionError("the connection broke")

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "pipe_file", cut)
        with pytest.raises(OSError, match="cannot be reached"):
            blobs.put("rows/r/x.parquet", b"whole")
    assert not blobs.exists("rows/r/x.parquet")
    assert list(blobs.list("rows/")) == []
    blobs.put("rows/r/x.parquet", b"whole")
    assert [blob.size_bytes for blob in blobs.list()] == [5]


def test_only_a_bucket_that_the_store_does_not_have_is_told_of(server: S3Server, tmp_path: Path) -> None:
    blobs = ObjectBlobs(f"{PLACE}/bucket", tmp_path / "copies")
    with pytest.raises(FileNotFoundError):
        blobs.get("rows/r/x.parquet")
    assert list(blobs.list("rows/")) == []
    blobs.delete("rows/r/x.parquet")
    with pytest.raises(OSError, match="there is no bucket 'nobody-has-this'; create it"):
        ObjectBlobs("s3://nobody-has-this/bucket", tmp_path / "copies").put("rows/r/x.parquet", b"1")
    in_memory = open_blobs("memory://a-bucket/x")  # its driver says the path and nothing else
    with pytest.raises(FileNotFoundError):
        in_memory.get("rows/r/x.parquet")


def test_what_to_do_is_told_by_the_code_and_not_by_the_name(server: S3Server, tmp_path: Path) -> None:
    blobs = ObjectBlobs(f"{PLACE}/expired-timeout-503", tmp_path / "copies")
    server.faults += [("PUT", "denied")]
    with pytest.raises(OSError, match="may not do that"):
        blobs.put("x", b"")


def test_a_lost_credential_is_told_where_rows_are_read(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that cannot be read now are not gone: no summary takes their place."""
    assert bench_with(tmp_path, "run", "--no-report").exit_code == 0
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
    server.faults += [("GET", "expired"), ("HEAD", "expired")] * 9
    said = bench_with(tmp_path, "show")
    server.faults.clear()
    assert isinstance(said.exception, StoreError)
    assert "expired; renew" in str(said.exception)


@pytest.mark.parametrize(
    ("place", "store", "words"),
    [
        ("s3://nobody-has-this/team", None, "there is no bucket 'nobody-has-this'; create it"),
        (PLACE, "", "keeps no database; name one with --store"),
        ("s4://bucket/team", None, "no place for results"),
        ("s3://", None, "no place for results"),
        ("s3://me:secret@bucket/team", None, "leave the password out"),
    ],
)
def test_mistakes_are_one_line_before_anything_runs(
    server: S3Server, place: str, store: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store is not None:
        monkeypatch.delenv("BENCH_STORE")
    said = bench_with(tmp_path, "run", place=place)
    assert isinstance(said.exception, BenchError)
    assert words in str(said.exception)
    assert "\n" not in str(said.exception)
    assert "secret" not in str(said.exception)


def without_credentials(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(home))


def test_no_credentials(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_credentials(tmp_path, monkeypatch)
    with pytest.raises(StoreError, match="credentials"):
        Store.open(results_folder(f"{PLACE}/without"), f"sqlite:///{tmp_path}/bench.db")


def test_a_checkpoint_lies_in_the_bucket_and_what_is_wrong_with_it_is_told(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in {"config.json": b"{}", "deep/words.txt": b"a"}.items():
        server.client.put_object(Bucket=BUCKET, Key=f"models/status/{name}", Body=content)
    fetch.cache_clear()
    folder = fetch(f"s3://{BUCKET}/models/status")
    assert {path.name: path.read_bytes() for path in folder.rglob("*.*")} == {"config.json": b"{}", "words.txt": b"a"}
    for address, words in {
        "s3://nobody-has-this/status": "there is no bucket 'nobody-has-this'; create it",
        f"s3://{BUCKET}/models/other": "there is no checkpoint at 's3://bench/models/other'",
    }.items():
        with pytest.raises(BenchError, match=words):
            fetch(address)
    server.client.put_object(Bucket=BUCKET, Key="models/status/config.json", Body=b"[]")
    fetch.cache_clear()
    assert fetch(f"s3://{BUCKET}/models/status") != folder
    without_credentials(tmp_path, monkeypatch)
    with pytest.raises(BenchError, match="'s3://bench/models/third' cannot be fetched: put credentials into"):
        fetch(f"s3://{BUCKET}/models/third")


def test_any_scheme_of_fsspec_and_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    blobs = open_blobs("memory://bench/x")
    blobs.put("rows/r/a.parquet", b"1")
    assert [blob.name for blob in blobs.list("rows/")] == ["rows/r/a.parquet"]
    blobs.delete("rows/r/a.parquet")
    assert not blobs.exists("rows/r/a.parquet")
    assert results_folder(f"file://{tmp_path}/plain") == tmp_path / "plain"
    assert results_folder("plain") == Path("plain")
    assert address_of(results_folder("memory://bench/x/")) == "memory://bench/x"
    for name in ("/etc/passwd", "a/../../b", ""):
        with pytest.raises(FileNotFoundError, match="leads out"):
            blobs.put(name, b"")
    with pytest.raises(UsageError):
        results_folder("nothing://x")
