from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.catalogue.readings import ALIASES, READINGS
from bench.cli.listing import LISTINGS
from bench.metrics.catalogue import METRICS
from bench.store import Store


def _rows(capsys: pytest.CaptureFixture[str], what: str) -> dict[str, dict[str, str]]:
    assert main(["ls", what, "--json"]) == 0
    return {row.get("name", row.get("code")): row for row in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize("made", [False, True])
def test_no_runs_is_no_error_and_says_how_to_make_one(
    made: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    if made:
        Store.open(results).close()
    assert main(["ls", "runs", "--results", str(results)]) == 0
    assert f"No runs in {results}. Make one with 'bench run quickstart'" in capsys.readouterr().out
    assert main(["ls", "runs", "--json", "--results", str(results)]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert results.exists() == made


def test_every_name_a_suite_may_use_is_listed_with_unit_and_direction(capsys: pytest.CaptureFixture[str]) -> None:
    metrics, readings = _rows(capsys, "metrics"), _rows(capsys, "readings")
    assert set(metrics) == {*METRICS, *METRICS.groups} and set(readings) == {*READINGS, *ALIASES}
    described = [row for name, row in (metrics | readings).items() if name not in METRICS.groups]
    assert all(row["unit"] and row["better"] in ("higher", "lower") for row in described)
    assert metrics["accuracy"]["better"] == "higher" and metrics["bits_per_byte"]["better"] == "lower"
    assert "classification" in metrics["accuracy"]["kinds"]
    assert "peak_rss_bytes" in readings["peak_memory_bytes"]["what"]
    assert readings["peak_memory_bytes"]["unit"] == "bytes"


@pytest.mark.parametrize("what", LISTINGS)
def test_every_name_has_a_description(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = _rows(capsys, what)
    assert rows
    assert [name for name, row in rows.items() if not row["what"]] == []


def test_the_help_describes_every_listing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown and listing.what in shown for name, listing in LISTINGS.items())


def test_the_usage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "things"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == "Usage: bench ls [OPTIONS] WHAT"


def test_help_names_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "1 unexpected error" in shown
    assert all(f"{code} " in shown for code in (0, 2, 3, 4, 5, 130))


def test_the_schema_describes_every_reading_and_metric(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    objectives = {row.get("const"): row for row in schema["properties"]["objectives"]["items"]["anyOf"]}
    metrics = {row.get("const"): row for row in schema["$defs"]["TaskSpec"]["properties"]["metrics"]["items"]["anyOf"]}
    assert set(objectives) == {"quality", *READINGS, *ALIASES, *METRICS, None}
    assert set(metrics) == {*METRICS, *METRICS.groups, None}
    assert objectives["latency_p95_s"]["title"] == READINGS["latency_p95_s"].title
    assert all(row["description"] for row in objectives.values() if "const" in row)
