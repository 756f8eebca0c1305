"""`bench history`, `bench gate` and `bench tag` on stored nights."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli.gate import gate, tag
from bench.cli.history import history
from bench.errors import UsageError
from bench.store import Store
from tests.factories import Sketch
from tests.history.nights import night


@pytest.fixture
def results(tmp_path):
    with Store.open(tmp_path) as store:
        night(store, [Sketch("a"), Sketch("b")])
        night(store, [Sketch("a"), Sketch("b", skill=0.4)])
    return str(tmp_path)


def run(command, *arguments):
    return CliRunner().invoke(command, arguments)


def test_history_as_table_json_and_csv(results):
    table = run(history, "s", "--results", results)
    assert table.exit_code == 0 and "2 nights, 1 environment" in table.output and "█▁" in table.output
    found = json.loads(run(history, "s", "--results", results, "--only", "accuracy", "--json").output)
    assert {series["reading"] for series in found["series"]} == {"accuracy"} and len(found["nights"]) == 2
    rows = list(csv.DictReader(io.StringIO(run(history, "s", "--results", results, "--csv").output)))
    assert {row["model"] for row in rows} == {"a", "b"} and len({row["run_id"] for row in rows}) == 2


def test_runs_that_there_is_no_time_to_summarise_are_left_out_and_counted(results, monkeypatch):
    with Store.open(Path(results)) as store:
        for info in store.runs("s"):
            store.keep_summaries(info.id, [])
    monkeypatch.setattr("bench.cli.history.MAKING_S", 0.0)
    short = json.loads(run(history, "s", "--results", results, "--json").stdout)
    assert (short["left_out"], short["nights"]) == (2, [])
    assert "left out: 2 older runs" in run(history, "s", "--results", results).stderr
    whole = json.loads(run(history, "s", "--results", results, "--json", "--all").stdout)
    assert (whole["left_out"], len(whole["nights"])) == (0, 2)
    again = json.loads(run(history, "s", "--results", results, "--json").stdout)
    assert again == whole


def test_an_unknown_suite_gets_the_nearest_name(results):
    assert isinstance(run(history, "x", "--results", results).exception, UsageError)


def test_the_gate_fails_with_six_and_ends_with_the_sentence(results):
    said = run(gate, "--no-rerun", "--results", results)
    assert said.exit_code == 6
    assert said.output.strip().splitlines()[-1].startswith("Regressed: b on topic: accuracy")
    assert json.loads(run(gate, "--no-rerun", "--json", "--results", results).output)["verdict"] == "regressed"


def test_a_tag_is_a_baseline(results):
    assert run(tag, "latest", "good", "--results", results).exit_code == 0
    assert isinstance(run(tag, "latest", "no good", "--results", results).exception, UsageError)
    assert isinstance(run(gate, "--baseline", "tag:good", "--results", results).exception, UsageError)
