"""Metrics of one's own, as a user would write them: `tests.metrics.plugins:function` in a suite."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence

from bench.metrics.base import Floats, Metric
from bench.metrics.rows import counted, mean
from bench.record import Sample


def valid_json(predictions: Sequence[str], references: Sequence[str]) -> list[float]:
    """Returns 1 for each prediction that is JSON, else 0."""
    return [float(_accepts(json.loads, text)) for text in predictions]


def valid_python(predictions: Sequence[str], references: Sequence[str]) -> list[float]:
    """Returns 1 for each prediction that Python's parser takes, else 0."""
    return [float(_accepts(ast.parse, text)) for text in predictions]


def _accepts(parse: object, text: str) -> bool:
    try:
        parse(text)  # type: ignore[operator]
    except (ValueError, SyntaxError):
        return False
    return True


class JsonValidity(Metric):
    """Share of answers that are JSON, as a metric in full: a proportion, so that its interval is Wilson's."""

    name = "json_validity"
    title = "Valid JSON"
    definition = "Share of answers that are JSON."
    kinds = frozenset({"summarisation", "translation", "question-answering"})
    proportion = True

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Returns rows `(valid, 1)`, shape `(n, 2)`."""
        return counted(valid_json([sample.prediction or "" for sample in samples], []))

    def value(self, sums: Floats) -> Floats:
        """Returns the share that is valid."""
        return mean(sums)
