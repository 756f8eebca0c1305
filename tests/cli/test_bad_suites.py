"""Ten wrong suites: one clear message each with file, line, column and remedy; exit code 2; nothing written."""

from __future__ import annotations

import json
import re
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
    "unknown key": (
        "kind: classification",
        "kind: classification\n    metric: [f1]",
        ROWS,
        ":8:5 tasks[0].metric",
        "unknown key 'metric'; did you mean 'metrics'?",
    ),
    "misspelt family": (
        "family: baseline, strategy: majority",
        "family: baselin, strategy: majority",
        ROWS,
        ":3:19 models[0].family",
        "did you mean 'baseline'?",
    ),
    "misspelt kind": (
        "kind: classification",
        "kind: clasification",
        ROWS,
        ":7:5 tasks[0].kind",
        "did you mean 'classification'?",
    ),
    "misspelt strategy": (
        "strategy: majority",
        "strategy: mayority",
        ROWS,
        ":3:37 models[0].strategy",
        "did you mean 'majority'?",
    ),
    "key of another family": (
        "family: baseline, strategy: majority",
        "family: encoder, checkpoint: a/b, factory: bench:x",
        ROWS,
        "models[0].factory",
        "'factory' is for torch-module",
    ),
    "no key that the family needs": (
        "family: baseline, strategy: majority",
        "family: encoder",
        ROWS,
        ":3:5 models[0]",
        "family 'encoder' needs the key 'checkpoint' or a 'fit'",
    ),
    "scoring where nothing is chosen": (
        "kind: classification",
        "kind: translation\n    scoring: likelihood",
        '{"source": "a", "target": "b"}\n',
        ":8:5 tasks[0].scoring",
        "leave it out of a translation task",
    ),
    "wrong type": ("name: tickets", "name: 12", ROWS, ":1:1 name", "12 should be text; put it in quotes"),
    "missing file": ("topic.jsonl", "topics.jsonl", ROWS, ":8:5 tasks[0].data", "did you mean 'topic.jsonl'?"),
    "bad unit": ("<= 50 ms", "<= 50 mss", ROWS, ":9:15 constraints.latency_p95_s", "did you mean 'ms'?"),
    "duplicate names": ("name: lead", "name: floor", ROWS, ":2:1 models", "two entries are named 'floor'"),
    "empty task list": (
        "tasks:\n  - name: topic\n    kind: classification\n    data: {path: topic.jsonl}",
        "tasks: []",
        ROWS,
        ":5:1 tasks",
        "should have more entries",
    ),
    "missing column": ("", "", '{"text": "a", "lable": "x"}\n', ":8:5 tasks[0].data", "did you mean 'lable'?"),
    "row that is not JSON": (
        "",
        "",
        '{"text": "a", "label": "x"}\n{"text": b}\n',
        "topic.jsonl:2:10",
        "this row is not JSON",
    ),
}


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


MANY = {
    "names": (
        [
            ("family: baseline, strategy: majority", "family: baselin"),
            ("<= 50 ms", "<= 50 mss"),
            ("{path: topic.jsonl}", "{path: topic.jsonl}\n    metrics: [acuracy]"),
        ],
        [":3:19 models[0].family", ":9:5 tasks[0].metrics", ":10:15 constraints.latency_p95_s"],
    ),
    "keys and names": (
        [
            ("kind: classification", "kind: classification\n    metric: [f1]"),
            ("<= 50 ms", "<= 50 mss"),
            ("family: baseline, strategy: majority", "family: baselin, strategy: majority"),
            ("name: tickets", "name: tickets\nobjectives: [acuracy, latency_p95_s]"),
        ],
        [":9:5 tasks[0].metric:", ":4:19 models[0].family", ":2:14 objectives[0]", ":11:15 constraints.latency_p95_s"],
    ),
}


@pytest.mark.parametrize("name", list(MANY))
def test_every_mistake_is_told_at_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, places = MANY[name]
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "suite.yaml").write_text(text)
    (tmp_path / "topic.jsonl").write_text(ROWS)
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "suite.yaml"]) == 2
    shown = capsys.readouterr().err
    assert [place for place in places if place not in shown] == [], shown
    assert len(shown.strip().splitlines()) == len(places), shown


def test_the_good_suite_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "suite.yaml").write_text(GOOD)
    (tmp_path / "topic.jsonl").write_text(ROWS)
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "suite.yaml"]) == 0
    assert "2 models × 1 task: 1 cell to run, 1 unsupported, 0 models to train first." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "quickstrat"], "did you mean 'quickstart'"),
        (["rum", "quickstart"], "did you mean 'run'"),
        (["run", "nowhere.yaml"], "there is no such file"),
        (["run", "suites/quikstart.yaml"], "did you mean the embedded suite 'quickstart'?"),
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


def test_suites_that_are_not_named_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(11):
        (tmp_path / f"suite{number:02}.yaml").touch()
    assert main(["run", "elsewhere.yaml"]) == 2
    shown = capsys.readouterr().err
    assert f" and {11 - shown.count('.yaml, ') - 1} more" in shown


SCRIPT = """\
name: scripts
models:
  - {name: lead, family: baseline, strategy: lead}
tasks:
  - {name: titles, kind: summarisation, data: {path: zh.jsonl}}
"""


def test_validate_tells_what_the_data_leave_in_doubt_and_the_setting_that_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "zh.jsonl").write_text('{"document": "今天的天气很好。我们去散步。", "summary": "今天的天气很好。"}\n')
    (tmp_path / "suite.yaml").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "suite.yaml", "--json"]) == 0
    (doubt,) = json.loads(capsys.readouterr().out)["doubts"]
    assert doubt["where"] == "titles" and doubt["code"] == "references_overlooked"
    setting = re.search(r"metric_options: \{.*\}\}", doubt["remedy"])
    assert setting is not None
    assert main(["validate", "suite.yaml"]) == 0
    assert setting[0] in capsys.readouterr().out
    (tmp_path / "suite.yaml").write_text(SCRIPT.replace("zh.jsonl}", f"zh.jsonl}}, {setting[0]}"))
    assert main(["validate", "suite.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["doubts"] == []
