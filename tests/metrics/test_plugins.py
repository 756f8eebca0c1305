"""The validity of JSON and of code as metrics of one's own, by path and by entry point."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from bench.errors import InputError
from bench.record import Sample
from bench.tasks.metrics import resolve

JSON = ['{"a": 1}', "[1, 2", "", "null", "{'a': 1}", "x = 1"]


def value_of(metric: Any, texts: list[str]) -> float:
    samples = [Sample(i, str(i), "", text) for i, text in enumerate(texts)]
    return float(metric.value(metric.statistics(samples, ()).sum(axis=0)))


@pytest.mark.parametrize(("name", "expected"), [("valid_json", 2 / 6), ("valid_python", 5 / 6)])
def test_validity_by_its_path(name: str, expected: float) -> None:
    metric = resolve([f"tests.metrics.plugins:{name}"], "translation")[0]
    assert value_of(metric, JSON) == pytest.approx(expected)
    rows = metric.statistics([Sample(0, "0", "", "1"), Sample(1, "1", "", "(")], ())
    assert rows.tolist() == [[1.0, 1.0], [0.0, 1.0]]


def test_validity_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import plugins
    from bench.metrics import catalogue
    from bench.metrics.module import External, find

    assert isinstance(find("tests.metrics.plugins:valid_json"), External)
    points = [
        EntryPoint("json_validity", "tests.metrics.plugins:JsonValidity", "bench.metrics"),
        EntryPoint("accuracy", "tests.metrics.plugins:JsonValidity", "bench.metrics"),
        EntryPoint("other", "tests.metrics.plugins:JsonValidity", "bench.metrics"),
        EntryPoint("function", "tests.metrics.plugins:valid_json", "bench.metrics"),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "bench.metrics" else [])
    metrics = catalogue.Metrics()
    monkeypatch.setattr(catalogue, "METRICS", metrics)
    metric = resolve(["json_validity"], "question-answering")[0]
    assert metric.name == "json_validity" and metric.proportion
    assert value_of(metric, JSON) == pytest.approx(2 / 6)
    assert catalogue.words_of("json_validity").title == "Valid JSON"
    assert metrics.target("accuracy") == "bench.metrics.accuracy:Accuracy"  # none of ours is replaced
    with pytest.raises(InputError, match="own name 'json_validity'"):
        metrics.find("other")
    with pytest.raises(InputError, match="is no Metric"):
        metrics.find("function")
