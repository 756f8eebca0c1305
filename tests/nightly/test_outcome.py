"""What a night came to, and how it is told: exit code, last line, Markdown, JUnit XML."""

import json
from xml.etree import ElementTree as Xml

import pytest

from bench.nightly.junit import junit_xml
from bench.nightly.markdown import as_markdown
from bench.nightly.outcome import read_outcome, write_outcome
from tests.nightly.outcomes import alarm, cell, judged, line, outcome

BAD = cell("big", "oom", "over the limit")


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (outcome(gate=judged(line())), 0),
        (outcome(gate=judged(line()), problems=("alert: nobody",)), 1),
        (outcome(gate=judged(line()), cut="the deadline", problems=("x",)), 8),
        (outcome(cell(), BAD, gate=judged(line()), cut="the deadline"), 5),
        (outcome(cell(), BAD, gate=judged(line("regressed"), code=6), cut="the deadline"), 6),
    ],
)
def test_the_exit_code_is_that_of_the_worst(found, code):
    assert found.exit_code == code
    assert found.is_problem == (code != 0)


def test_an_alarm_is_a_problem_only_when_it_says_worse():
    assert outcome(gate=judged(line(), alarms=(alarm(),))).is_problem
    assert not outcome(gate=judged(line(), alarms=(alarm(worse=False),))).is_problem


def test_the_last_line_says_all_that_matters_first():
    found = outcome(
        cell(), BAD, cell("late", "skipped"), gate=judged(line()), cut="the deadline came", problems=("a", "b")
    )
    assert found.sentence == (
        "suite: Stopped: the deadline came; 1 of 3 cells are done. 1 of 3 cells failed: big · topic oom. "
        "Sentence of unchanged. Trouble: a (and 1 more)"
    )


def test_a_night_reads_back_as_it_was_written(tmp_path):
    found = outcome(gate=judged(line("regressed"), code=6))
    write_outcome(found, tmp_path)
    told = read_outcome(tmp_path)
    assert told is not None
    assert (told["verdict"], told["exit_code"], told["sentence"]) == ("regressed", 6, found.sentence)
    assert told["gate"]["lines"][0]["reading"] == "latency_p50_s"
    (tmp_path / "night.json").write_text("{half")
    assert read_outcome(tmp_path) is None


def test_an_alert_carries_what_changed_and_no_more():
    brief = outcome(gate=judged(line("regressed"), line("improved", "b"), line("unchanged", "c"), code=6)).brief()
    assert [(change["model"], change["verdict"]) for change in brief["changes"]] == [
        ("small", "regressed"),
        ("b", "improved"),
    ]
    assert brief["text"] == "suite: Sentence of regressed."
    json.dumps(brief, allow_nan=False)


def test_junit_has_a_case_for_every_cell_and_reading():
    found = outcome(
        cell(),
        BAD,
        cell("late", "skipped", "no time"),
        gate=judged(line("regressed", text="a < b & \x00c"), line("improved", "b"), line("suspected", "c"), code=6),
    )
    root = Xml.fromstring(junit_xml(found))
    counts = {suite.get("name"): [suite.get(k) for k in ("tests", "failures", "errors", "skipped")] for suite in root}
    assert counts == {"cells": ["3", "0", "1", "1"], "gate": ["3", "1", "0", "1"]}
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["6", "1", "1", "2"]
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "a < b & \ufffdc"
    assert root.find("./testsuite[@name='cells']").get("time") == "4.500"


@pytest.mark.parametrize(("code", "failures"), [(6, ["small"]), (0, [])])
def test_junit_shows_a_suspicion_as_a_failure_where_it_fails_the_night(code, failures):
    root = Xml.fromstring(junit_xml(outcome(gate=judged(line("suspected", text="small"), line(), code=code))))
    assert [failure.get("message") for failure in root.iter("failure")] == failures


def test_junit_says_that_the_gate_was_not_asked():
    root = Xml.fromstring(junit_xml(outcome(problems=("gate: broken",))))
    assert root.find("./testsuite[@name='gate']/testcase/error").get("message") == "gate: broken"


def test_markdown_shows_what_moved_and_folds_the_rest():
    hostile = "a|b\n<script> @all"
    text = as_markdown(outcome(BAD, gate=judged(line("regressed", hostile), line(model="calm"), code=6)))
    moved, _, folded = text.partition("<details>")
    assert "| regressed | a\\|b \\<script\\> \\@all · topic · latency\\_p50\\_s |" in moved
    assert "calm" in folded and "calm" not in moved
    assert "big · topic: oom, over the limit" in folded
    assert all(row.count(" | ") == 2 for row in moved.splitlines() if row.startswith("| regressed"))


def test_the_findings_are_the_last_line_without_the_suite(tmp_path):
    night = outcome(gate=judged(line()))
    write_outcome(night, tmp_path)
    document = read_outcome(tmp_path)
    assert document is not None
    assert document["sentence"] == f"{night.suite}: {document['findings']}"
