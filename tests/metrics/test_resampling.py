"""Every metric's value over stacked replicates equals its value on the resampled rows, written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.metrics.base import Metric
from bench.metrics.catalogue import METRICS
from bench.record import Sample
from bench.tasks.metrics import resolve
from tests.metrics.pairs import ANSWERS, LABELS, answers_of, label_samples, random_texts, resampled_as, text_samples

BUILT_IN = sorted(METRICS.built_in)


def likelihoods(n: int = 60) -> list[Sample]:
    rng = np.random.default_rng(3)
    return [
        Sample(i, str(i), "text", None, nll=float(rng.gamma(9)), scored_tokens=int(t), scored_bytes=int(4 * t))
        for i, t in enumerate(rng.integers(3, 40, size=n))
    ]


def samples_for(metric: Metric) -> list[Sample]:
    if "likelihood" in metric.kinds:
        return likelihoods()
    if (kind := answers_of(metric)) is not None:
        return ANSWERS[kind][0](60)
    return label_samples(60, scores=True) if "label" in metric.kinds else text_samples(random_texts(60))


@pytest.mark.parametrize("name", BUILT_IN)
def test_stacked_replicates_equal_rows_written_out(name: str) -> None:
    metric: Metric = METRICS[name]()
    samples = samples_for(metric)
    rng = np.random.default_rng(5)
    drawn = rng.integers(0, len(samples), size=(2, 3, len(samples)))
    rows = metric.statistics(samples, LABELS)
    values = np.asarray(metric.value(rows[drawn].sum(axis=-2)))
    assert values.shape == (2, 3)
    written, source = resampled_as(name, samples)
    metric = METRICS[written]()
    for place in np.ndindex(2, 3):
        again = metric.statistics([source[i] for i in drawn[place]], LABELS)
        assert values[place] == pytest.approx(float(metric.value(again.sum(axis=0))), abs=1e-9)


@pytest.mark.parametrize("name", BUILT_IN)
def test_nothing_scored_is_undefined_and_the_last_column_counts(name: str) -> None:
    metric: Metric = METRICS[name]()
    rows = metric.statistics(samples_for(metric), LABELS)
    assert (rows[:, -1] == 1).all()
    assert math.isnan(float(metric.value(np.zeros(rows.shape[1]))))
    assert metric.statistics([], LABELS).shape[0] == 0


def test_perplexity_and_bits_per_byte_by_hand() -> None:
    samples = [
        Sample(0, "", "abcd", None, nll=math.log(8.0), scored_tokens=1, scored_bytes=2),
        Sample(1, "", "abcd", None, nll=math.log(2.0), scored_tokens=3, scored_bytes=6),
    ]
    perplexity, bits = resolve(["perplexity", "bits_per_byte"], "language-modelling")
    assert float(perplexity.value(perplexity.statistics(samples, ()).sum(axis=0))) == pytest.approx(2.0)
    assert float(bits.value(bits.statistics(samples, ()).sum(axis=0))) == pytest.approx(0.5)


def test_a_lost_likelihood_is_undefined_not_zero() -> None:
    samples = [Sample(0, "", "abcd", None, nll=None, scored_tokens=4, scored_bytes=4)]
    for metric in resolve([], "language-modelling"):
        assert math.isnan(float(metric.value(metric.statistics(samples, ()).sum(axis=0))))
