"""Ten wrong suites: one clear message each with file, line, column and remedy; exit code 2; nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.__main__ import main

GOOD = """\
name: tickets
models:
  - {name: floor, family: baseline, strategy: majority}
  - {name: lead, family: baseline, strategy: lead}
tasks:
  - name: topic
    kind: classification
    data: {path: topic.jsonl}
constraints: {latency_p95_s: "<= 50 ms"}
"""
ROWS = '{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n'

BAD: dict[str, tuple[str, str, str, str, str]] = {
    # name: (old text, new text, rows, place, part of the message)
    "malformed YAML": ("family: baseline, strategy: majority}", "family: baseline", ROWS, ":4:5", "not valid YAML"),
    "unknown key": ("kind: classification", "kind: classification\n    metric: [f1]", ROWS,
                    ":8:5 tasks[0].metric", "unknown key 'metric'; did you mean 'metrics'?"),
    "misspelt family": ("family: baseline, strategy: majority", "family: baselin, strategy: majority", ROWS,
                        ":3:19 models[0].family", "did you mean 'baseline'?"),
    "wrong type": ("name: tickets", "name: 12", ROWS, ":1:1 name", "12 should be text; put it in quotes"),
    "missing file": ("topic.jsonl", "topics.jsonl", ROWS, ":8:5 tasks[0].data", "did you mean 'topic.jsonl'?"),
    "bad unit": ("<= 50 ms", "<= 50 mss", ROWS, ":9:15 constraints.latency_p95_s", "did you mean 'ms'?"),
    "duplicate names": ("name: lead", "name: floor", ROWS, ":2:1 models", "two entries are named 'floor'"),
    "empty task list": ("tasks:\n  - name: topic\n    kind: classification\n    data: {path: topic.jsonl}", "tasks: []",
                        ROWS, ":5:1 tasks", "should have more entries"),
    "missing column": ("", "", '{"text": "a", "lable": "x"}\n', ":8:5 tasks[0].data", "did you mean 'lable'?"),
    "row that is not JSON": ("", "", '{"text": "a", "label": "x"}\n{"text": b}\n', "topic.jsonl:2:10",
                             "this row is not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["validate", "run"])
@pytest.mark.parametrize("name", list(BAD))
def test_a_wrong_suite(
    name: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, rows, place, message = BAD[name]
    assert old in GOOD
    (tmp_path / "suite.yaml").write_text(GOOD.replace(old, new, 1) if old else GOOD)
    (tmp_path / "topic.jsonl").write_text(rows)
    monkeypatch.chdir(tmp_path)
    assert main([command, "suite.yaml"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "suite.yaml" in shown.err
    assert place in shown.err, shown.err
    assert message in shown.err, shown.err
    assert "Traceback" not in shown.err
    assert len(shown.err.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["suite.yaml", "topic.jsonl"]


def test_the_good_suite_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "suite.yaml").write_text(GOOD)
    (tmp_path / "topic.jsonl").write_text(ROWS)
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "suite.yaml"]) == 0
    assert "1 cells to run, 1 unsupported" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "quickstrat"], "did you mean 'quickstart'"),
        (["rum", "quickstart"], "did you mean 'run'"),
        (["run", "nowhere.yaml"], "there is no such file"),
        (["show", "latest"], "results"),
    ],
)
def test_wrong_commands(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) in (2, 4)
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err
    assert list(tmp_path.iterdir()) == []
