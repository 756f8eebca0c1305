"""A race from the command line with real workers, and a whole run after it."""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.doubts.window_too_short import FewBatches
from bench.record import ASKED
from bench.store import Store

pytestmark = pytest.mark.slow

ROWS = 300
MODULE = '''\
"""Models that guess with a skill of their own, and write down every text that they were given while scoring."""

import time
import zlib
from pathlib import Path


class Guess:
    def __init__(self, skill, trace):
        self.skill, self.trace = skill, Path(trace)

    def classify(self, texts, labels):
        with self.trace.open("a") as file:
            file.writelines(f"{text}\\n" for text in texts)
        time.sleep(0.01 * len(texts))
        return [self.scores(text, labels) for text in texts]

    def scores(self, text, labels):
        luck = zlib.crc32(f"{self.skill} {text}".encode()) % 1000 / 1000
        right = text.split()[0] == labels[0]
        chosen = 0 if right == (luck < self.skill) else 1
        return [1.0 + luck if place == chosen else luck / 2 for place in range(len(labels))]


def good(trace):
    return Guess(0.95, trace)


def middling(trace):
    return Guess(0.7, trace)


def poor(trace):
    return Guess(0.3, trace)
'''
SUITE = """\
name: raced
defaults: {device: cpu, threads: 1, batch_size: 64}
models:
  - {name: good, family: torch-module, factory: "guess:good", options: {trace: TRACE/good}}
  - {name: middling, family: torch-module, factory: "guess:middling", options: {trace: TRACE/middling}}
  - {name: poor, family: torch-module, factory: "guess:poor", options: {trace: TRACE/poor}}
  - {name: lead, family: baseline, strategy: lead}  # does not do the task, and takes no part
tasks:
  - {name: side, kind: classification, data: {path: rows.jsonl}, labels: [left, right]}
measure: {profile: quick, window_s: 0.02, energy: "off"}
objectives: [quality, latency_p50_s]
"""
INLINE = ("--executor", "inline")
"""Said on the command line, which then starts no server before it has read the suite."""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "guess.py").write_text(MODULE)
    sides = ["left" if place % 3 else "right" for place in range(ROWS)]
    rows = [{"text": f"{side} {place}", "label": side} for place, side in enumerate(sides)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    path = tmp_path / "suite.yaml"
    path.write_text(SUITE.replace("TRACE", str(tmp_path)))
    return path


def bench(*arguments: object) -> tuple[int, dict, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return code, json.loads(out.getvalue() or "{}"), err.getvalue()


def run(suite: Path, *options: str) -> dict:
    said_so = ("--results", suite.parent / "results", *INLINE, "--json", "--no-report")
    code, document, said = bench("run", suite, *said_so, *options)
    assert code == 0, said
    return document


def answered(document: dict) -> dict[str, int]:
    return {cell["model"]: cell["quality"]["accuracy"]["n"] for cell in document["cells"] if cell["quality"]}


def picked(document: dict) -> str | None:
    return document["decision"]["tasks"]["side"]["recommendation"]["pick"]


def test_a_race_stops_early_and_a_whole_run_takes_its_answers_over(suite: Path) -> None:
    raced = run(suite, "--until", "decided", "--margin", "2")
    counts = answered(raced)
    assert raced["run"]["race"]["tasks"]["side"]["pick"] == picked(raced) == "good"
    certified(suite)
    assert throughput_windows(suite) == {"the throughput window of 0.006 s held 1 batch"}
    early = {cell["model"] for cell in raced["cells"] if cell["status"] == "settled"}
    assert "poor" in early and counts["poor"] < ROWS / 2
    fronted = run(suite, "--until", "front", "--margin", "2")
    assert taken_over(suite) == counts and throughput_windows(suite) == {"the throughput window of 0.02 s held 1 batch"}
    doubted = {cell["model"]: {doubt["code"] for doubt in cell["doubts"]} for cell in fronted["cells"]}
    assert all("answers_reused" in doubted[model] for model in counts)
    counts = answered(fronted)
    before = len((suite.parent / "poor").read_text().splitlines())
    whole = run(suite)
    assert answered(whole) == dict.fromkeys(counts, ROWS)
    assert {cell["status"] for cell in whole["cells"]} == {"ok", "unsupported"} and "race" not in whole["run"]
    assert throughput_windows(suite) == {"the throughput window of 0.02 s held 1 batch"}
    poor = next(cell for cell in whole["cells"] if cell["model"] == "poor")
    assert "answers_reused" in {doubt["code"] for doubt in poor["doubts"]}
    scored = Counter((suite.parent / "poor").read_text().splitlines()[before:])
    assert sum(count > 0 for count in scored.values()) >= ROWS - counts["poor"]


def taken_over(suite: Path) -> dict[str, int]:
    """Count the answers that the first processes of the newest run took over."""
    with Store.open(suite.parent / "results", create=False) as store:
        return {r.cell.model: r.notes[ASKED]["taken_over"] for r in store.load().records if r.samples and not r.process}


def throughput_windows(suite: Path) -> set[str]:
    """Say how long the newest run's throughput windows were to be: of a race, the least that the profile has."""
    with Store.open(suite.parent / "results", create=False) as store:
        doubts = [doubt for record in store.load().records for doubt in record.doubts]
    return {doubt.message.partition(" (")[0] for doubt in doubts if doubt.code == FewBatches.code}


def certified(suite: Path) -> None:
    """Certify the race, judge it again, and see a changed score found."""
    file = suite.parent / "race.json"
    assert bench("certify", "-o", file, "--json", "--results", suite.parent / "results")[0] == 0
    code, document, _ = bench("certify", "--check", file, "--json")
    assert code == 0 and document["differences"] == [] and document["tasks"]["side"]["pick"] == "good"
    changed = json.loads(file.read_text())
    changed["tasks"]["side"]["scores"]["poor"]["accuracy"][0][0] += 1.0
    file.write_text(json.dumps(changed))
    code, document, said = bench("certify", "--check", file, "--json")
    assert code == 4 and len(said.strip().splitlines()) == 1
    kinds = {(own["kind"], own["where"]) for own in document["differences"]}
    assert {("content", ""), ("scores", "poor, accuracy")} <= kinds
    for options in (["-o", file, "--check", file], []):
        assert bench("certify", *options)[0] == 2


def test_race_options_that_cannot_be_are_one_line(suite: Path) -> None:
    for option, value in (("--risk", "0.7"), ("--risk", "5%"), ("--margin", "-1"), ("--budget", "soon")):
        code, _, said = bench("run", suite, "--results", suite.parent / "results", option, value)
        assert code != 0 and len(said.strip().splitlines()) == 1 and option in said


def test_the_table_and_the_answer_say_that_it_was_a_race_and_that_the_front_is_settled(suite: Path) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        where = ["--results", str(suite.parent / "results"), *INLINE]
        main(["run", str(suite), *where, "--until", "front", "--no-report"])
    assert "Race: " in out.getvalue() and "settled" in out.getvalue() and f"of {ROWS}" in out.getvalue()
    assert "front settled" in out.getvalue()
    _, document, _ = bench("show", "--results", suite.parent / "results", "--json")
    front = document["run"]["race"]["tasks"]["side"]["front"]
    assert set(front) == {"good", "middling", "poor"} and front["good"]["membership"] in ("on", "tie")
