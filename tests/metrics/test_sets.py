"""F1 and accuracy of several labels at once, against scikit-learn's of indicator matrices."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from bench.metrics.catalogue import METRICS
from bench.record import Sample

LABELS = ("a", "b", "c", "d")


def test_the_numbers_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    given, right = rng.integers(0, 2, (2, 40, len(LABELS)))
    given[:2], right[1:3] = 0, 0  # nothing given, nothing right
    rows = []
    for place, pair in enumerate(zip(given, right, strict=True)):
        applied, wanted = ([label for label, on in zip(LABELS, row, strict=True) if on] for row in pair)
        rows.append(Sample(place, str(place), json.dumps(wanted), json.dumps(applied), answers=tuple(wanted)))
    for name, expected in (
        ("micro_f1", f1_score(right, given, average="micro")),
        ("macro_f1", f1_score(right, given, average="macro")),
        ("subset_accuracy", accuracy_score(right, given)),
    ):
        metric = METRICS[name]()
        assert float(metric.value(metric.statistics(rows, LABELS).sum(axis=0))) == pytest.approx(expected), name
