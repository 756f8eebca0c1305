"""What is known of a difference: predicted, and within a boundary."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from bench.racing.gaps import Bounded, Population, Predicted, Sample, half_width, population_of, sample_of


def test_a_prediction_of_a_pair_is_that_of_sampling_without_replacement():
    gap = Predicted(Sample(0.02, 0.25, 100, 0.25))
    error = math.sqrt(0.25 / 100 * (1 - 0.25))
    assert gap.over(0.0) == pytest.approx(student.sf(-0.02 / error, 99))


def test_what_is_answered_is_not_drawn_towards_the_others():
    population = Population(np.array([1e-12]), np.array([1.0]))
    half, whole = (Predicted(Sample(0.1, 0.25, 100, done), population) for done in (0.5, 1 - 1e-9))
    assert half.over(0.051) < 0.5 < half.over(0.049)
    assert whole.over(0.0999) > 0.99


def test_a_spread_that_is_all_noise_is_drawn_together_more():
    wide, narrow = population_of(np.array([0.0, 1.0, 2.0]), 0.01), population_of(np.array([0.0, 0.1, 0.2]), 0.01)
    sample = Sample(0.1, 0.02, 1, 0.1)
    means = [float((p.variances / (p.variances + 0.01)) @ p.weights) for p in (wide, narrow)]
    assert means[0] > 0.9 > 0.6 > means[1]
    assert 0 < Predicted(Sample(0.1, 0.02, 30, 0.1), narrow).over(0.1) < 0.5 and sample.units == 1


def test_a_pair_that_agreed_on_everything_has_a_variance():
    sample = sample_of(np.zeros(40), 0.0, 0.2, 1.0, 0.1)
    assert sample.variance == pytest.approx((10 * 0.2 + 1.0) / 50)


def test_the_boundary_is_that_of_a_bridge():
    rng = np.random.default_rng(1)
    differences = rng.normal(size=400)
    differences = (differences - differences.mean()) / differences.std(ddof=1)
    half = half_width(differences, 1.0, 3.0, 0.4, 0.01)
    bridge = math.sqrt(1000 * math.log(100) / 2) / 400
    assert bridge < half < 1.15 * bridge


def test_without_a_difference_the_boundary_is_that_of_an_unseen_one():
    half = half_width(np.zeros(100), 0.0, 1.0, 0.1, 0.05)
    assert half == pytest.approx(math.sqrt((1 - 0.05 ** (1 / 100)) * math.log(20) / (2 * 100 * 0.1)))


def test_a_boundary_is_sure_only_outside_itself():
    gap = Bounded(0.1, 0.05)
    assert [gap.over(x) for x in (0.04, 0.06, 0.12, 0.16)] == [1.0, 0.5, 0.5, 0.0]


def test_few_walks_ever_leave_the_boundary():
    left = 0
    for seed in range(150):
        rng = np.random.default_rng([5, seed])
        differences = rng.choice([-1.0, 0.0, 1.0], 600, p=[0.15, 0.7, 0.15])
        total = differences.mean()
        counts = [40, 60, 90, 135, 200, 300, 450]
        left += any(
            abs(differences[:n].mean() - total) > half_width(differences[:n], 0.3, 1.0, n / 600, 0.05) for n in counts
        )
    assert left <= 0.1 * 150
