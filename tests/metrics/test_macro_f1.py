"""What macro F1 adds where a label is rare."""

from __future__ import annotations

import numpy as np
import pytest

from bench.metrics.macro_f1 import RARE, MacroF1

METRIC = MacroF1()


def _sums(hits: list[float], predicted: list[float], expected: list[float]) -> np.ndarray:
    return np.array([*hits, *predicted, *expected, sum(expected)])


def test_half_a_right_and_half_a_wrong_example_of_each_label_that_occurs() -> None:
    added = METRIC.half_examples(_sums([3, 20, 0], [3, 20, 0], [3, 20, 0]))
    assert added is not None and added.shape == (4, 10)
    hits, predicted, expected = METRIC.counts(added.sum(axis=0))
    assert hits.tolist() == [0.5, 0.5, 0.0] and expected.tolist() == [1.0, 1.0, 0.0]
    assert predicted.sum() == pytest.approx(2.0) and predicted[2] == 0.0 and added[:, -1].sum() == 2.0


def test_labels_that_are_common_need_nothing() -> None:
    assert METRIC.half_examples(_sums([RARE, 20], [RARE, 20], [RARE, 20])) is None
    assert METRIC.half_examples(np.zeros(7)) is None
