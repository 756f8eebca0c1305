"""Metrics of labels against scikit-learn, and by hand."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from bench.metrics.accuracy import Accuracy
from bench.metrics.base import Metric
from bench.metrics.calibration_error import BINS, CalibrationError
from bench.metrics.macro_f1 import MacroF1
from bench.metrics.matthews import Matthews
from bench.metrics.micro_f1 import MicroF1
from bench.metrics.weighted_f1 import WeightedF1
from bench.record import Sample
from tests.metrics.pairs import LABELS, adversarial_labels, label_samples

SETS = [label_samples(), *adversarial_labels()]


def scored(metric: Metric, samples: list[Sample]) -> float:
    return float(metric.value(metric.statistics(samples, LABELS).sum(axis=0)))


def split(samples: list[Sample]) -> tuple[list[str], list[str]]:
    return [s.reference for s in samples], [str(s.prediction) for s in samples]


def f1(average: str) -> Any:
    return lambda true, given: f1_score(true, given, average=average, zero_division=0)


CASES: list[tuple[Metric, Any]] = [
    (Accuracy(), accuracy_score),
    (MacroF1(), f1("macro")),
    (MicroF1(), f1("micro")),
    (WeightedF1(), f1("weighted")),
    (Matthews(), matthews_corrcoef),
]


@pytest.mark.parametrize(("metric", "library"), CASES, ids=[metric.name for metric, _ in CASES])
@pytest.mark.parametrize("samples", SETS, ids=["random", "one-class", "all-wrong", "one-example", "never-expected"])
def test_equals_scikit_learn(metric: Metric, library: Any, samples: list[Sample]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = library(*split(samples))
    assert scored(metric, samples) == pytest.approx(expected, abs=1e-9)


def test_accuracy_and_f1_by_hand() -> None:
    samples = [Sample(i, "", t, p) for i, (t, p) in enumerate([("a", "a"), ("a", "b"), ("b", "b"), ("b", None)])]
    labels = ("a", "b")

    def value(metric: Metric) -> float:
        return float(metric.value(metric.statistics(samples, labels).sum(axis=0)))

    assert value(Accuracy()) == 0.5
    assert value(MacroF1()) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert value(MicroF1()) == pytest.approx(4 / 7)
    assert value(WeightedF1()) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_a_missing_prediction_is_one_more_class_to_matthews() -> None:
    true, given = ["a", "a", "b", "b"], ["a", None, "b", "a"]
    samples = [Sample(i, "", t, p) for i, (t, p) in enumerate(zip(true, given, strict=True))]
    value = Matthews().value(Matthews().statistics(samples, ("a", "b")).sum(axis=0))
    assert float(value) == pytest.approx(matthews_corrcoef(true, [p or "" for p in given]), abs=1e-12)


def calibration_by_loop(samples: list[Sample]) -> float:
    found = []
    for low in range(BINS):
        inside = []
        for sample in samples:
            confidence = float(np.max(np.exp(np.asarray(sample.scores))))
            if low / BINS < confidence <= (low + 1) / BINS:
                inside.append((confidence, sample.prediction == sample.reference))
        if inside:
            gap = abs(np.mean([c for c, _ in inside]) - np.mean([right for _, right in inside]))
            found.append(len(inside) / len(samples) * gap)
    return float(sum(found))


def test_calibration_error_equals_the_definition_bin_by_bin() -> None:
    samples = label_samples(scores=True)
    assert scored(CalibrationError(), samples) == pytest.approx(calibration_by_loop(samples), abs=1e-9)


def test_calibration_error_by_hand() -> None:
    scores = (float(np.log(0.9)), float(np.log(0.1)))
    samples = [Sample(i, "", "a" if i < 6 else "b", "a", scores=scores) for i in range(10)]
    value = CalibrationError().value(CalibrationError().statistics(samples, ("a", "b")).sum(axis=0))
    assert float(value) == pytest.approx(0.3)


def test_without_scores_calibration_is_undefined() -> None:
    assert np.isnan(scored(CalibrationError(), label_samples(n=20)))


@pytest.mark.parametrize("scores", [(), (-np.inf, -np.inf), (np.nan, 0.0)])
def test_scores_without_a_highest_count_as_none(scores: tuple[float, ...]) -> None:
    right = Sample(0, "", "a", "a", scores=(float(np.log(0.75)), float(np.log(0.25))))
    samples = [right, Sample(1, "", "a", "b", scores=scores)]
    assert scored(CalibrationError(), samples) == pytest.approx(0.25)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
def test_f1_of_answers_that_are_no_label_is_that_over_the_labels(average: str) -> None:
    samples = [
        Sample(i, "", s.reference, "none of these" if i % 7 == 0 else s.prediction)
        for i, s in enumerate(label_samples())
    ]
    metric = {"macro": MacroF1(), "micro": MicroF1(), "weighted": WeightedF1()}[average]
    expected = f1_score(*split(samples), labels=LABELS, average=average, zero_division=0)
    assert scored(metric, samples) == pytest.approx(expected, abs=1e-9)
