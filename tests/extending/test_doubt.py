"""A doubt of a third party: one class behind one entry point, raised in a real run, stored, listed and reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.store import Store
from tests.extending.packages import bench, install

SOURCE = '''\
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts import DoubtKind


@dataclass(frozen=True, kw_only=True)
class ShoutedAnswers(DoubtKind):
    """Answers in capitals."""

    code: ClassVar[str] = "shouted_answers"
    title: ClassVar[str] = "Answers in capitals"
    advice: ClassVar[str] = "ask the model to whisper"
    stage: ClassVar = "scored"

    count: int

    @property
    def message(self):
        return f"{self.count} answers are in capitals"

    @classmethod
    def examine(cls, evidence):
        if count := sum((sample.prediction or "").isupper() for sample in evidence.samples):
            yield cls(count=count, readings=evidence.metrics)


@dataclass(frozen=True, kw_only=True)
class SingleThread(DoubtKind):
    """A measuring on one thread."""

    code: ClassVar[str] = "single_thread"
    title: ClassVar[str] = "One thread"
    advice: ClassVar[str] = "set defaults.threads"
    stage: ClassVar = "measured"
    readings: tuple[str, ...] = ("latency",)

    requests: int

    @property
    def message(self):
        return f"{self.requests} requests on one thread"

    @classmethod
    def examine(cls, evidence):
        requests = sum(timing.phase == "latency" for timing in evidence.timings)
        if evidence.environment["threads"] == 1 and requests:
            yield cls(requests=requests)
'''
SUITE = """\
name: plugged
defaults: {device: cpu, threads: 1}
models: [{name: floor, family: baseline, strategy: majority}]
tasks: [{name: topic, kind: classification, data: {path: rows.jsonl}}]
measure: {profile: quick, window_s: 0.05, energy: "off"}
objectives: [quality, latency_p50_s]
"""


@pytest.mark.slow
def test_doubts_of_a_package_are_raised_stored_listed_and_reported(tmp_path: Path) -> None:
    points = {"bench.doubts": {"shouted_answers": "ShoutedAnswers", "single_thread": "SingleThread"}}
    site = install(tmp_path / "site", "loud_doubts", SOURCE, points)
    rows = [json.dumps({"text": f"text {place}", "label": "UP"}) for place in range(8)]
    (tmp_path / "rows.jsonl").write_text("\n".join([*rows, json.dumps({"text": "text", "label": "down"})]))
    (tmp_path / "suite.yaml").write_text(SUITE)

    _, doubts = bench(tmp_path, site, "run suite.yaml --report page.html --executor inline", "ls doubts --json")

    with Store.open(tmp_path / "results") as store:
        (record,) = store.load("latest").records
    raised = {doubt.code: doubt for doubt in record.doubts}
    assert raised["shouted_answers"].message == "9 answers are in capitals"
    assert raised["shouted_answers"].readings == ("accuracy", "macro_f1")
    requests = sum(timing.phase == "latency" for timing in record.timings)
    assert raised["single_thread"].message == f"{requests} requests on one thread"
    assert raised["single_thread"].remedy == "set defaults.threads"

    page = (tmp_path / "page.html").read_text()
    assert all(text in page for text in ("shouted_answers", "9 answers are in capitals", "ask the model to whisper"))

    listed = {row["code"]: row for row in json.loads(doubts)}
    assert listed["shouted_answers"]["what"] == "Answers in capitals"
    assert "drift" in listed
