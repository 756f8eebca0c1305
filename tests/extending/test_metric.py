"""A new metric is one file in `bench/metrics`, or one class behind an entry point: nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bench.metrics
from bench.metrics.base import Metric
from bench.metrics.catalogue import Metrics, words_of
from bench.tasks.metrics import resolve
from tests.extending.packages import bench as run_bench
from tests.extending.packages import install

SOURCE = '''\
"""How brief answers are."""

from bench.metrics.base import Floats, Metric
from bench.metrics.rows import TEXT_KINDS, counted, mean, predictions


class Brevity(Metric):
    """Share of answers of at most three words. Rows: `brief, 1`."""

    name = "brevity"
    title = "Brevity of answers"
    definition = "Share of answers of at most three words."
    kinds = TEXT_KINDS
    proportion = True

    def statistics(self, samples, labels) -> Floats:
        return counted([float(len(text.split()) <= 3) for text in predictions(samples)])

    def value(self, sums) -> Floats:
        return mean(sums)
'''
SUITE = """\
name: brief
models: [{name: floor, family: baseline, strategy: lead}]
tasks: [{name: short, kind: summarisation, data: {path: rows.jsonl}, metrics: [brevity, rougeL]}]
measure: off
constraints: {brevity: ">= 50 %"}
"""


@pytest.mark.slow
def test_a_metric_of_a_package_scores_a_suite_and_is_listed_and_reported(tmp_path: Path) -> None:
    site = install(tmp_path / "site", "brief_answers", SOURCE, {"bench.metrics": {"brevity": "Brevity"}})
    texts = ["Three boxes left. They went.", "Tea. It went.", "There were seven boxes of tea. They went."]
    rows = [json.dumps({"document": text, "summary": "boxes"}) for text in texts * 4]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    (tmp_path / "suite.yaml").write_text(SUITE)

    ran, metrics = run_bench(tmp_path, site, "run suite.yaml --json --report page.html", "ls metrics --json")

    shown = json.loads(ran)
    quality = shown["cells"][0]["quality"]
    assert list(quality) == ["brevity", "rougeL"]
    assert quality["brevity"]["value"] == pytest.approx(8 / 12) and quality["brevity"]["ci_low"] is not None
    page = (tmp_path / "page.html").read_text()
    assert "Brevity of answers" in page and "brevity of answers" in page
    listed = {row["name"]: row for row in json.loads(metrics)}
    assert listed["brevity"]["title"] == "Brevity of answers" and listed["brevity"]["better"] == "higher"
    assert listed["brevity"]["target"] == "brief_answers:Brevity"


def test_a_metric_is_one_file_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brevity.py").write_text(SOURCE)
    monkeypatch.setattr(bench.metrics, "__path__", [*bench.metrics.__path__, str(tmp_path)])
    monkeypatch.setattr("bench.metrics.catalogue.METRICS", Metrics())
    [metric] = resolve(["brevity"], "summarisation")
    assert isinstance(metric, Metric) and metric.short == "Brevity of answers"
    assert words_of("brevity").phrase == "brevity of answers"
