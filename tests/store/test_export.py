"""Exports: the same numbers in every form."""

import json

import pandas as pd
import pytest

from bench.errors import StoreError, UsageError
from bench.record import Cell, Doubt, Record
from bench.store import RunInfo, StoredRun
from bench.store.export import export_run
from tests.running.executors.fakes import record_of

CELL = Cell("m", "causal-lm", "float32", "t", "classification", None, {"m": 1})
OTHER = Cell("n", "encoder", "float32", "t", "classification", None, {"m": 2})
RUN = StoredRun(
    RunInfo("suite", "", "hash", "bench run", "machine", "quick", id="RUN"),
    (record_of(CELL, 1, 7.0), Record(OTHER, "oom", "too big", doubts=(Doubt("c", "m", "r"),))),
    {("m · t", 1): "EARLIER"},
)


@pytest.mark.parametrize(("form", "read"), [("csv", pd.read_csv), ("parquet", pd.read_parquet)])
def test_tables_join_on_their_keys(tmp_path, form, read):
    written = export_run(RUN, form, tmp_path / "out")
    assert [path.name for path in written] == [f"{name}.{form}" for name in ("cells", "facts", "samples", "timings")]
    cells, facts, samples, timings = (read(path) for path in written)
    assert list(cells["status"]) == ["ok", "oom"]
    assert cells["reused_from"][0] == "EARLIER"
    assert json.loads(cells["doubts"][1])[0]["code"] == "c"
    assert (facts["value"][0], facts["process"][0], facts["model"][0]) == (7.0, 1, "m")
    assert list(samples["reference"]) == ["yes", "no"]
    assert list(timings["duration_ns"]) == [1000, 2000]
    keys = ["run", "model", "variant", "task", "process"]
    assert len(cells.merge(samples, on=keys)) == 2
    assert len(cells.merge(timings, on=keys)) == 2


def test_json_holds_everything(tmp_path):
    [path] = export_run(RUN, "json", tmp_path / "deep" / "run.json")
    found = json.loads(path.read_text())
    assert found["run"]["id"] == "RUN"
    first, second = found["records"]
    assert first["cell_id"] == CELL.id
    assert first["samples"][0]["scores"] == [-0.5, -1.25]
    assert first["timings"][0]["token_ns"] == [400, 900]
    assert first["reused_from"] == "EARLIER"
    assert (second["status"], second["reason"]) == ("oom", "too big")


def test_a_run_without_records_exports_empty_tables(tmp_path):
    written = export_run(StoredRun(RUN.info, ()), "parquet", tmp_path)
    assert [len(pd.read_parquet(path)) for path in written] == [0, 0, 0, 0]


def test_an_unknown_form_names_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'parquet'"):
        export_run(RUN, "parqet", tmp_path)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another place"):
        export_run(RUN, "csv", tmp_path / "file")
