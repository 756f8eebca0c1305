"""nDCG, MRR and recall of orders: worked by hand, and scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from bench.metrics.catalogue import METRICS
from bench.record import Sample


def sample(scores, grades) -> Sample:
    return Sample(0, "0", "", "", scores=tuple(map(float, scores)), answers=tuple(map(str, grades)))


def value(name: str, rows: list[Sample], k: int = 10) -> float:
    metric = METRICS[name]().configured({"k": str(k)})
    return float(metric.value(metric.statistics(rows, ()).sum(axis=0)))


def test_worked_by_hand() -> None:
    row = sample([0.9, 0.5, 0.7, 0.1], [0, 3, 1, 2])  # in order: 0, 1, 3, 2
    gain = 1 / math.log2(3) + 3 / 2 + 2 / math.log2(5)
    best = 3 + 2 / math.log2(3) + 1 / 2
    assert value("ndcg", [row]) == pytest.approx(gain / best)
    assert value("mrr", [row]) == 0.5
    assert value("recall_at_k", [row], 3) == pytest.approx(2 / 3)
    assert value("mrr", [row], 1) == 0
    assert value("mrr", [row, sample([1, 0], [1, 0])]) == 0.75


@pytest.mark.parametrize("k", [1, 3, 10])
def test_ndcg_is_scikit_learns_where_nothing_is_tied(k: int) -> None:
    rng = np.random.default_rng(7)
    scores, grades = rng.normal(size=(20, 12)), rng.integers(0, 4, (20, 12))
    grades[:, 0] = 1
    rows = [sample(*pair) for pair in zip(scores, grades, strict=True)]
    assert value("ndcg", rows, k) == pytest.approx(ndcg_score(grades, scores, k=k))


def test_a_tie_goes_against_the_model() -> None:
    assert value("mrr", [sample([0, 0, 0], [1, 0, 0])]) == pytest.approx(1 / 3)
    assert METRICS["mrr"]().configured({"k": "5"}).signature == "k:5"
