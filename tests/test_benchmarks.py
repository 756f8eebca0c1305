"""Benchmarks are tried as far as that goes without minutes: their help, and the contract that they share."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.record import Cell, Fact, Record

FOLDER = Path(__file__).parents[1] / "benchmarks"
LIBRARIES = {"contract", "gate_world", "machines_worlds", "plain_pass", "race_worlds", "random_models", "tiny_families"}
"""Modules that scripts import."""
PEERS = {"lm_eval_script", "optimum_script"}
"""Run by another program's Python, with what that has installed."""
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in LIBRARIES | PEERS)

sys.path.insert(0, str(FOLDER))
from contract import Contract, Ratio, interleaved, make_parser, ratio_of  # noqa: E402
from overhead import divide  # noqa: E402

sys.path.remove(str(FOLDER))


HELP = """\
import contextlib, io, json, os, runpy, sys
import torch, transformers, pandas, scipy.stats, bench.cli

folder, said = sys.argv[1], {}
sys.path.insert(0, folder)
for name in sys.argv[2:]:
    here, there = os.pipe()
    if (child := os.fork()) == 0:
        told, code = io.StringIO(), 1
        sys.argv = [os.path.join(folder, name + ".py"), "--help"]
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            try:
                runpy.run_path(sys.argv[0], run_name="__main__")
            except SystemExit as end:
                code = end.code or 0
            except BaseException as error:
                told.write(repr(error))
        with open(there, "w") as out:
            json.dump([code, told.getvalue()], out)
        os._exit(0)
    os.close(there)
    with open(here) as answer:
        said[name] = json.load(answer)
    os.waitpid(child, 0)
print(json.dumps(said))
"""
"""Runs every script in a process of its own that has read the large libraries already."""


@pytest.mark.slow
def test_every_script_has_a_help() -> None:
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", HELP, str(FOLDER), *SCRIPTS]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    said = json.loads(ended.stdout.splitlines()[-1])
    assert list(said) == SCRIPTS
    assert {name: told for name, (code, told) in said.items() if code != 0 or "--json" not in told} == {}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_shares_the_contract_and_is_listed(name: str) -> None:
    assert "from contract import" in (FOLDER / f"{name}.py").read_text()
    assert f"`{name}.py`" in (FOLDER / "README.md").read_text()


def test_bounds_are_kept_and_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = Contract()
    assert contract.hold("fast", 2.0, at_least=1.5)
    assert contract.close() == 0
    assert not contract.hold("small", 2.0, at_most=1.5)
    assert not contract.hold("undefined", math.nan, at_most=1.5)
    assert not contract.require("the same", False)
    contract.tell("a remark")
    assert contract.close(tmp_path / "lines.json") == 1
    marks = [line[:4] for line in capsys.readouterr().out.splitlines()]
    assert marks == ["PASS", "FAIL", "FAIL", "FAIL", "a re"]
    written = json.loads((tmp_path / "lines.json").read_text())
    assert written["passed"] is False and [line["passed"] for line in written["lines"]] == [True, False, False, False]


def test_a_ratio_is_judged_by_its_value_and_shows_its_interval(capsys: pytest.CaptureFixture[str]) -> None:
    ratio = ratio_of([2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.1])
    assert ratio.value == 2.0 and ratio.low <= 2.0 <= ratio.high and ratio.pairs == 8
    assert Contract().hold("ratio", ratio, at_least=2.0)
    assert "95 % interval" in capsys.readouterr().out


def test_too_few_pairs_have_no_interval() -> None:
    assert math.isnan(ratio_of([1.0, 1.0], [1.0, 2.0]).low)
    assert "too few" in str(Ratio(1.0, math.nan, math.nan, 2))


def test_sides_are_timed_in_turn() -> None:
    calls: list[str] = []
    seconds = interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 5)
    assert {name: len(values) for name, values in seconds.items()} == {"a": 5, "b": 5}
    assert all(set(calls[turn : turn + 2]) == {"a", "b"} for turn in range(0, 10, 2))


def test_options() -> None:
    assert make_parser("x", repeats=3).parse_args([]).repeats == 3
    assert make_parser("x").parse_args(["--json", "f"]).json == Path("f")


def test_the_time_of_a_run_is_divided_without_a_rest() -> None:
    cell = Cell("m", "f", "", "t", "classification")

    def record(start: str, wall_s: float, **facts: float) -> Record:
        listed = tuple(Fact(name, value, "s", "clock") for name, value in facts.items())
        return Record(cell, "ok", None, started_at=f"1970-01-01T00:00:{start}+00:00", wall_s=wall_s, facts=listed)

    records = [
        record("20", 10.0, window_load_s=2.0, window_latency_s=5.0, load_s=2.0),
        record("10", 6.0, window_load_s=1.0, admission_s=0.5),
        Record(cell, "unsupported", "why"),
    ]
    spent = divide(records, 5.0, 33.0, 9.0)
    assert spent.windows == {"load": 3.0, "latency": 5.0}
    assert spent.rest == {
        "before the first cell": 5.0,
        "admission": 0.5,
        "else within cells": 4.5 + 3.0,
        "between cells": 4.0,
        "after the last cell": 3.0,
    }
    assert spent.wall == spent.windows.total() + spent.rest.total() == 28.0
    assert spent.ratio == 3.5
