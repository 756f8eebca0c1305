"""Whatever a stranger's error, name or answer holds, no command hands it to the terminal raw."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.cli import bench
from bench.cli.output import LEAST_CHARACTERS, print_table
from bench.decision import Question, decide
from bench.running.progress import PlainProgress
from bench.store import Store
from bench.store.export import export_run
from bench.text import is_obeyed
from tests.factories import Sketch, make_record
from tests.report.conftest import view_named
from tests.report.runs import TASKS

ERROR = "ValueError: \x1b]0;own\x07\x1b[31mRED \x9b5m\u202e"
SHOWN = r"\x1b]0;own\x07\x1b[31mRED \x9b5m\u202e"
_FAILED = make_record(Sketch("bad", status="failed", reason=ERROR), TASKS[0])
FAILED = replace(_FAILED, cell=replace(_FAILED.cell, model="bad\x1b[2J"))


def raw(text: str) -> list[str]:
    return [char for char in text if is_obeyed(char) and char not in "\n\t"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_show_escapes_names_and_errors(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    view = view_named("two")
    spoilt = tuple(replace(entry, status="failed", reason=ERROR) for entry in view.entries)
    tasks = (replace(view.tasks[0], entries=spoilt),)
    spoilt_view = replace(view, entries=spoilt, tasks=tasks, decision=decide(spoilt, Question.of(view.suite)))
    monkeypatch.setattr("bench.cli.results.open_view", lambda *_: spoilt_view)
    monkeypatch.setenv("COLUMNS", "500")  # nothing is cut
    done = CliRunner().invoke(bench, ["show", *options])
    assert done.exit_code == 0, done.output
    assert raw(done.output) == []
    if options:
        assert json.loads(done.output)["cells"][0]["reason"] == ERROR
    else:
        assert SHOWN in done.output


def test_progress_escapes_names_and_errors() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream)
    progress.begin("RUN", 1, 0)
    progress.finish(FAILED)
    assert raw(stream.getvalue()) == []
    assert SHOWN in stream.getvalue()


def test_an_error_of_bench_itself_is_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bench.__main__ import main

    assert main(["show", "--results", str(tmp_path / "no\x1b[31msuch")]) != 0
    assert raw(capsys.readouterr().err) == []


def test_exported_csv_holds_no_formula(tmp_path: Path) -> None:
    view = view_named("one")
    record = make_record(Sketch("=1+1"), TASKS[0])
    samples = tuple(replace(sample, prediction="@SUM(A1)", reference="-2") for sample in record.samples)
    with Store.open(tmp_path / "results") as store:
        plan = ((record.cell.id, record.cell.label),)
        run = store.begin_run(replace(view.info, id="", plan=plan))
        store.commit(run, replace(record, samples=samples))
        store.finish_run(run, "complete")
        stored = store.load("latest")
    for path in export_run(stored, "csv", tmp_path / "out"):
        for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")):
            assert not [cell for cell in row if cell.startswith(("=", "+", "@", "\t", "\r"))], path.name
    samples_text = (tmp_path / "out" / "samples.csv").read_text(encoding="utf-8")
    assert "'@SUM(A1)" in samples_text and "'-2" in samples_text and "'=1+1" in samples_text


@pytest.mark.parametrize("columns", [20, 120, 160])
def test_show_cuts_a_long_reason_to_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "ValueError: " + "a long explanation " * 20
    view = view_named("two")
    failed = tuple(replace(entry, status="failed", reason=reason) for entry in view.entries)
    tasks = (replace(view.tasks[0], entries=failed),)
    failed_view = replace(view, entries=failed, tasks=tasks, decision=decide(failed, Question.of(view.suite)))
    monkeypatch.setattr("bench.cli.results.open_view", lambda *_: failed_view)
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = CliRunner().invoke(bench, ["show"]).output.splitlines()
    cut = [line for line in lines if line.endswith("…")]
    assert len(cut) == len(failed)
    start = cut[0].index("ValueError")
    room = max(LEAST_CHARACTERS, columns - start)
    assert all(room - 3 < len(line) - start <= room for line in cut)
    as_json = json.loads(CliRunner().invoke(bench, ["show", "--json"]).output)
    assert {cell["reason"] for cell in as_json["cells"]} == {reason}


def test_a_table_without_a_terminal_is_a_hundred_columns_wide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(["model", "why"], [["small", "x" * 300]], fit=True)
    print_table(["model", "why"], [["small", "x" * 300]])
    lines = capsys.readouterr().out.splitlines()
    assert [len(line) for line in lines if "x" in line] == [100, 307]


def test_a_doubt_that_the_number_is_of_something_else_stands_below_the_table(tmp_path, capsys):
    (tmp_path / "rows.jsonl").write_text('{"document": "x", "summary": "今天天气很好"}\n' * 4, encoding="utf-8")
    (tmp_path / "suite.yaml").write_text(
        "name: zh\nmodels: [{name: floor, family: baseline, strategy: lead}]\n"
        "tasks: [{name: t, kind: summarisation, data: {path: rows.jsonl}}]\nmeasure: off\n"
    )
    results = str(tmp_path / "results")
    assert main(["run", str(tmp_path / "suite.yaml"), "--results", results, "--no-report", "--executor", "inline"]) == 0
    capsys.readouterr()
    assert main(["show", "--results", results]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "metric_options" in line]
    assert "floor · t" in line
