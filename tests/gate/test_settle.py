"""The statistics of the rerun."""

import math

import numpy as np
import pytest
from scipy.stats import false_discovery_control, mstats

from bench.gate.quality import power_of
from bench.gate.settle import PairedReading, adjusted, judge, settle, trimmed_mean


def test_the_trimmed_mean_is_that_of_scipy():
    values = np.random.default_rng(1).standard_normal(12)
    mean, error, freedom = trimmed_mean(values)
    assert mean == pytest.approx(float(mstats.trimmed_mean(values, limits=(1 / 6, 1 / 6))))
    assert error == pytest.approx(float(mstats.trimmed_stde(values, limits=(1 / 6, 1 / 6))), rel=0.1)
    assert freedom == 7


def test_one_spike_does_not_hide_a_step():
    base = np.exp(0.01 * np.random.default_rng(2).standard_normal(12))
    slower = 1.1 * np.exp(0.01 * np.random.default_rng(4).standard_normal(12))
    slower[3] *= 1.5
    found = settle(base, slower)
    assert found is not None and found.p < 1e-4 and math.exp(found.shift) == pytest.approx(1.1, abs=0.02)


def test_verdicts_need_certainty_and_size():
    rng = np.random.default_rng(5)
    base = np.exp(0.01 * rng.standard_normal((4, 12)))
    step = math.log1p(0.03)
    factors = (1.10, 0.90, 1.0, 1.01)
    judged = judge([PairedReading(row, row[::-1] * f, step, False) for row, f in zip(base, factors, strict=True)])
    assert [one.verdict for one in judged] == ["regressed", "improved", "unchanged", "unchanged"]


def test_larger_is_better_turns_the_verdict():
    assert judge([PairedReading([1.0, 1.01, 0.99, 1, 1, 1.01], [1.2] * 6, 0.03, True)])[0].verdict == "improved"


def test_too_few_pairs_settle_nothing():
    assert judge([PairedReading([1.0, 1.0], [2.0, 2.0], 0.03, False)])[0].verdict == "suspected"


def test_counts_without_scatter():
    assert judge([PairedReading([8.0] * 6, [8.0] * 6, 0.03, False)])[0].verdict == "unchanged"
    assert judge([PairedReading([8.0] * 6, [9.0] * 6, 0.03, False)])[0].verdict == "regressed"


def test_benjamini_and_hochberg_by_hand():
    p = [0.01, 0.02, 0.03, 0.5]
    assert adjusted(p) == pytest.approx([0.04, 0.04, 0.04, 0.5])
    assert adjusted(p) == pytest.approx(list(false_discovery_control(p)))
    assert adjusted([]) == []


def test_the_power_of_the_issue():
    # n = 1000, 10 % disagreement: standard error √(0.1 − 0.02²)/√1000 = 0.00998
    assert power_of(0.02, 0.00998, level=0.025) == pytest.approx(0.517, abs=0.002)
