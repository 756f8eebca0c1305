"""Whole nights from end to end: started by Debian's cron, and stored on a PostgreSQL server."""

import contextlib
import io
import json
import os
import sys
import time
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.history import read_history
from bench.schedule import crontab
from bench.store import Store
from tests.schedule.entries import entry, put_command
from tests.schedule.test_cron_runs import CRON, cron  # noqa: F401 - a fixture
from tests.store.servers import Server

LONGEST_S = 540
"""Up to two minutes until cron begins, and a night of seconds on a machine that may have other work."""
SUITE = """\
name: freight
defaults: {device: cpu, max_examples: 40}
models:
  - {name: floor, family: baseline, strategy: majority}
tasks:
  - {name: status, kind: classification, data: {builtin: waybills, columns: {label: status}}, metrics: [accuracy]}
measure: {profile: quick, window_s: 0.05, energy: "off"}
"""

pytestmark = pytest.mark.slow


def write_suite(folder):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "my suite.yaml"
    path.write_text(SUITE)
    return path


@pytest.mark.skipif(not Path(CRON).exists(), reason="there is no cron")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start cron")
def test_cron_runs_a_whole_night(cron, tmp_path):  # noqa: F811
    base = tmp_path / "odd 100 %"
    suite = write_suite(base)
    here = Path(__file__).parents[2]
    put_command(base / "bin", "python", f'PYTHONPATH="{here}" exec "{sys.executable}" "$@"\n')
    made = entry(base, suite=str(suite), deadline="23:59")
    crontab.install(made, when="* * * * *")
    lock, told = made.results / "locks/nightly.lock", None
    try:
        end = time.monotonic() + LONGEST_S
        while told is None and time.monotonic() < end:
            time.sleep(0.5)
            cron.keep()
            if lock.exists():
                crontab.remove(made)  # one night is enough
            told = next((p for p in made.results.glob("nightly/freight/2*/night.json") if done(p)), None)
        while told is not None and not said_last(made.log) and time.monotonic() < end:
            time.sleep(0.1)  # the last line comes after the file that says that all is done
    finally:
        crontab.remove(made)
    said = made.log.read_text() if made.log.exists() else "cron wrote no log"
    assert told is not None, said
    night = json.loads(told.read_text())
    assert (night["exit_code"], night["counts"], night["verdict"]) == (0, {"ok": 1}, "insufficient history"), said
    assert night["sentence"] in said
    assert (made.results / "nightly/freight/index.html").exists()


def said_last(log):
    return any(line.startswith("freight: ") for line in log.read_text().splitlines())


def done(path):
    return bool(json.loads(path.read_text())["done"])


def test_nights_on_a_postgresql_server(tmp_path):
    suite, server = write_suite(tmp_path), Server()
    try:
        server.start()
        url = server.database("nights")
        first, second = (nightly(tmp_path, suite, url) for _ in range(2))
        assert (first["verdict"], first["exit_code"]) == ("insufficient history", 0)
        assert second["gate"]["baseline"] == first["run_id"] and second["exit_code"] == 0
        assert second["verdict"] in ("unchanged", "improved", "suspected")
        results = tmp_path / "results"
        with Store.open(results, url) as store:
            assert [night.run_id for night in read_history(store, "freight").nights] == [
                first["run_id"],
                second["run_id"],
            ]
        assert not (results / "bench.db").exists()
        assert first["run_id"] in Path(second["pages"]["index"]).read_text()
        tagged = bench(tmp_path, "tag", "latest", "good", "--store", url)
        assert f"{second['run_id']} of 'freight' is now 'good'" in tagged
        assert "freight: 2 nights, 1 environment" in bench(tmp_path, "history", str(suite), "--store", url)
    finally:
        server.close()


def nightly(folder, suite, url):
    return json.loads(bench(folder, "nightly", str(suite), "--store", url, "--json"))


def bench(folder, *arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments))
    assert code == 0, err.getvalue()
    return out.getvalue()
