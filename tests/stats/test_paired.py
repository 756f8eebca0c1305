from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest
from scipy.stats import binom, ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from bench.plugins import load_object
from bench.record import Sample
from bench.stats import bootstrap, paired

Floats = NDArray[np.float64]


@given(st.integers(0, 200), st.integers(0, 200))
@settings(deadline=None)
def test_mcnemar_agrees_with_statsmodels(b: int, c: int) -> None:
    if b + c:
        expected = statsmodels_mcnemar([[0, b], [c, 0]], exact=True).pvalue
        assert paired.mcnemar(b, c) == pytest.approx(min(1.0, expected))
    else:
        assert paired.mcnemar(b, c) == 1.0


def test_holm_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 4, 20):  # few: each call of theirs collects the garbage of the whole process
        alike = rng.choice([0.0, 0.001, 0.02, 1.0], size)
        for p_values in (rng.uniform(size=size), rng.uniform(size=size) ** 4, alike):
            np.testing.assert_allclose(paired.holm(p_values.tolist()), multipletests(p_values, method="holm")[1])


def _systems() -> tuple[list[str], list[str], list[str]]:
    rng = np.random.default_rng(5)
    words = [f"w{i}" for i in range(40)]
    references = [[words[i] for i in rng.integers(40, size=12)] for _ in range(120)]

    def noisy(keep: float) -> list[str]:
        return [" ".join(w if rng.uniform() < keep else "x" for w in line) for line in references]

    return noisy(0.80), noisy(0.785), [" ".join(line) for line in references]


def _statistics(lines: list[str], references: list[str]) -> tuple[Floats, paired.Value]:
    metric = load_object("bench.metrics.bleu:Bleu")()
    samples = [Sample(i, str(i), ref, line) for i, (line, ref) in enumerate(zip(lines, references, strict=True))]
    return np.asarray(metric.statistics(samples, ()), dtype=float), metric.value


def _sacrebleu(test_type: str) -> float:
    one, two, references = _systems()
    found = PairedTest(
        [("base", one), ("new", two)],
        {"BLEU": BLEU(references=[references])},
        None,
        test_type=test_type,
        n_samples=2000,
    )()[1]["BLEU"]
    return float(found[1].p_value)


def test_a_difference_over_groups_is_a_paired_t_test_of_their_sums() -> None:
    rng = np.random.default_rng(5)
    a = np.column_stack([rng.normal(7, 1, 12), np.full(12, 10.0)])
    b = np.column_stack([a[:, 0] + rng.normal(0.5, 0.6, 12), np.full(12, 10.0)])
    found = paired.grouped_difference(a, b, lambda sums: sums[..., 0] / sums[..., 1])
    expected = ttest_1samp((b - a)[:, 0] / 10, 0.0)
    assert found.difference == pytest.approx((b - a)[:, 0].mean() / 10)
    assert found.p() == pytest.approx(expected.pvalue) and found.freedom == 11
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval()))
    assert found.p(below=False) == pytest.approx(found.p() / 2) == pytest.approx(1 - found.p(below=True))


def test_one_group_tells_nothing() -> None:
    rows = np.array([[7.0, 10.0]])
    found = paired.grouped_difference(rows, rows + np.array([1.0, 0.0]), lambda sums: sums[..., 0] / sums[..., 1])
    assert found.p() == 1.0 and found.interval() is None and found.difference == pytest.approx(0.1)
    only = np.array([[1.0, 1.0], [0.0, 0.0]])  # without the first the metric has no value
    with np.errstate(invalid="ignore"):
        assert paired.grouped_difference(only, only, lambda sums: sums[..., 0] / sums[..., 1]).groups == 1


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_mid_p_value_is_half_of_what_was_observed(only_a: int, only_b: int) -> None:
    at_least, more = binom.sf([only_a - 1, only_a], only_a + only_b, 0.5)
    mid = float(paired.mid_p_worse(only_a, only_b))
    assert mid == pytest.approx((at_least + more) / 2)
    assert mid + float(paired.mid_p_worse(only_b, only_a)) == pytest.approx(1.0)


def test_the_number_of_examples_is_told_as_a_range() -> None:
    found = paired.examples_range(0.014008, 0.01, 100)
    assert found is not None and found.most is not None
    assert found.least < (paired.examples_needed(0.014008, 0.01, 100) or 0) < found.most
    unclear = paired.examples_range(0.005, 0.01, 100)
    assert unclear is not None and unclear.most is None
    assert paired.examples_range(0.0, 0.01, 100) is None


@pytest.mark.filterwarnings("ignore")
def test_randomisation_of_bleu_agrees_with_sacrebleu() -> None:
    one, two, references = _systems()
    (a, value), (b, _) = _statistics(one, references), _statistics(two, references)
    ours = paired.randomisation_p(a, b, value, 4000, np.random.default_rng(0))
    assert ours == pytest.approx(_sacrebleu("ar"), abs=0.04)
    assert paired.randomisation_p(a, a, value, 50, np.random.default_rng(0)) == 1.0


def test_detectable_difference_by_hand() -> None:
    # z(0.975) + z(0.8) = 1.960 + 0.8416
    assert paired.detectable(0.01) == pytest.approx(0.028016, abs=1e-6)
    assert paired.examples_needed(0.014008, 0.01, 100) == pytest.approx(400, abs=1)
    assert paired.examples_needed(0.0, 0.01, 100) is None


@given(st.integers(0, 30), st.integers(0, 30), st.integers(60, 500))
@settings(deadline=None)
def test_paired_proportions_is_antisymmetric_and_shrinks(b: int, c: int, n: int) -> None:
    low, high = paired.paired_proportions(b, c, n) or (0, 0)
    back = paired.paired_proportions(c, b, n) or (0, 0)
    assert (low, high) == pytest.approx((-back[1], -back[0]))
    assert low <= (c - b) / (n + 2) <= high
    wider = paired.paired_proportions(b, c, n // 2 + 30) or (0, 0)
    assert n <= n // 2 + 30 or wider[1] - wider[0] > high - low
    assert paired.paired_proportions(0, 0, 0) is None


def test_flips() -> None:
    found = paired.flips(["a", "b", "c", "x"], ["a", "x", "b", "d"], ["a", "b", "b", "d"])
    assert (found.changed, found.fixed, found.broken, found.n) == (3, 2, 1, 4)
    assert paired.flips(["a"], ["b"], ["b"], labels=False).fixed == 0


@given(st.lists(st.integers(-30, 30), min_size=2, max_size=80), st.integers(-5, 5))
@settings(deadline=None)
def test_two_sided_p_by_counting(values: list[int], at: int) -> None:
    draws = np.array(values, dtype=float)
    found = paired.two_sided_p(draws, float(at))
    if len(set(values)) == 1:
        assert np.isnan(found)
        return
    below, above = sum(v <= at for v in values), sum(v >= at for v in values)
    assert found == pytest.approx(min(1.0, 2 * (min(below, above) + 1) / (len(values) + 1)))


def test_two_sided_p_agrees_with_scipys_t_test() -> None:
    for shift in (0.1, 0.2, 0.3):
        values = np.random.default_rng(1).normal(shift, 1.0, 150)
        drawn = bootstrap.mean_draws(values, 20_000, np.random.default_rng(2))
        expected = float(ttest_1samp(values, 0.0).pvalue)
        assert paired.two_sided_p(drawn, 0.0) == pytest.approx(expected, abs=0.01, rel=0.2)


def test_what_is_undefined_is_no_evidence() -> None:
    rows = np.column_stack([np.full(20, np.nan), np.ones(20)])
    other = np.column_stack([np.zeros(20), np.ones(20)])
    rng = np.random.default_rng(0)
    assert paired.randomisation_p(rows, other, lambda sums: sums[..., 0] / sums[..., 1], 100, rng) == 1.0
