"""Exports: the same numbers in every form."""

import json

import pandas as pd
import pytest

from bench.errors import StoreError, UsageError
from bench.record import Cell, Doubt, Record
from bench.store import RunInfo, StoredRun
from bench.store.export import ReadingRow, export_run
from tests.running.executors.fakes import record_of

CELL = Cell("m", "causal-lm", "float32", "t", "classification", None, {"m": 1})
OTHER = Cell("n", "encoder", "float32", "t", "classification", None, {"m": 2})
RUN = StoredRun(
    RunInfo("suite", "", "hash", "bench run", "machine", "quick", id="RUN"),
    (record_of(CELL, 1, 7.0), Record(OTHER, "oom", "too big", doubts=(Doubt("c", "m", "r"),))),
    {("m · t", 1): "EARLIER"},
)
TABLES = ("cells", "readings", "facts", "samples", "timings")


def _reading(name, about, value, low=None, high=None, **changes):
    keys = {"run": "RUN", "task": "t", "candidate": "m", "model": "m", "variant": "float32"}
    numbers = {"value": value, "low": low, "high": high, "n": 40, "level": None if low is None else 0.95}
    rest = {"unit": "ratio", "higher_is_better": True, "source": "clock", "reason": None}
    return ReadingRow(about=about, reading=name, **keys | numbers | rest | changes)


READINGS = (
    _reading("accuracy", "quality", 0.8, 0.7, 0.9),
    _reading("macro_f1", "quality", 0.6, 0.5, 0.7),
    _reading("peak_rss_bytes", "efficiency", None, reason="=HYPERLINK(1)"),
)


def _read_lines(path):
    return pd.DataFrame(map(json.loads, path.read_text().splitlines()))


@pytest.mark.parametrize(("form", "read"), [("csv", pd.read_csv), ("parquet", pd.read_parquet), ("jsonl", _read_lines)])
def test_tables_join_on_their_keys(tmp_path, form, read):
    written = export_run(RUN, form, tmp_path / "out", READINGS)
    assert [path.name for path in written] == [f"{name}.{form}" for name in TABLES]
    cells, readings, facts, samples, timings = (read(path) for path in written)
    assert list(readings["reading"]) == ["accuracy", "macro_f1", "peak_rss_bytes"]
    assert list(readings["low"])[:2] == [0.7, 0.5] and pd.isna(readings["value"][2])
    assert (cells["quality_metric"][0], cells["quality_high"][0], cells["quality_n"][0]) == ("accuracy", 0.9, 40)
    assert pd.isna(cells["quality"][1])
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
    assert found["readings"] == []
    assert (second["status"], second["reason"]) == ("oom", "too big")


def test_a_run_without_records_exports_empty_tables(tmp_path):
    written = export_run(StoredRun(RUN.info, ()), "parquet", tmp_path)
    assert [len(pd.read_parquet(path)) for path in written] == [0, 0, 0, 0, 0]


def test_a_spreadsheet_takes_no_reason_for_a_formula(tmp_path):
    export_run(RUN, "csv", tmp_path, READINGS)
    assert pd.read_csv(tmp_path / "readings.csv")["reason"][2] == "'=HYPERLINK(1)"


def test_an_unknown_form_names_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'parquet'"):
        export_run(RUN, "parqet", tmp_path)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another place"):
        export_run(RUN, "csv", tmp_path / "file")
