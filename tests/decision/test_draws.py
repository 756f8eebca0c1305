from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.decision.draws import fact_draws, quality_draws, reading_draws
from bench.stats.resample import Resamples
from bench.summary import Quantity, summarise
from tests.factories import Sketch, Task, make_run

RNG = np.random.default_rng


def test_quality_draws_are_the_metric_of_the_shared_resamples() -> None:
    entries = summarise(make_run([Sketch("a", 0.9), Sketch("b", 0.6)], [Task("en-de", "translation")], examples=60))
    bare = [replace(e, quality={"bleu": replace(e.quality["bleu"], ci_low=None, ci_high=None)}) for e in entries]
    found = quality_draws(bare, ["bleu"], 100, 7)["bleu"]
    counts = next(Resamples(60, 100, 7).chunks())
    for column, entry in enumerate(entries):
        expected = entry.metrics["bleu"].value(counts @ entry.statistics["bleu"])
        np.testing.assert_allclose(found[:, column], expected)


def test_other_examples_are_drawn_apart_and_missing_ones_are_nan() -> None:
    entries = summarise(make_run(["a", "b"], examples=40))
    other = replace(entries[1], samples=(), statistics={})
    found = quality_draws([entries[0], other], ["accuracy"], 50, 1)["accuracy"]
    assert np.isfinite(found[:, 0]).all() and np.isnan(found[:, 1]).all()


def test_reading_draws_lie_about_the_reading_and_repeat() -> None:
    entry = summarise(make_run([Sketch("a")], requests=300, processes=3))[0]
    for name in ("latency_p50_s", "latency_p95_s", "latency_mean_s", "throughput_examples_per_s"):
        quantity = entry.efficiency[name]
        one, two = (reading_draws(entry, name, 800, 3, None, use_bounds=False) for _ in range(2))
        assert (one == two).all() and one.std() > 0
        assert (quantity.ci_low or 0) < np.median(one) < (quantity.ci_high or 0)
    assert np.isnan(reading_draws(entry, "ttft_p50_s", 10, 3, None, use_bounds=False)).all()


def test_facts_are_constant_or_students_t() -> None:
    three = Quantity(2.0, 1.0, 3.0, 3, "s", "clock", False)
    drawn = fact_draws("load_s", three, 20_000, RNG(0), 0, use_bounds=False)
    assert np.quantile(drawn, 0.975) == pytest.approx(3.0, abs=0.05) and drawn.min() >= 0
    peak = fact_draws("peak_rss_bytes", three, 10, RNG(0), 0, use_bounds=False)
    assert set(peak) == {2.0}


def test_estimates_share_one_error() -> None:
    one = Quantity(2.0, 1.0, 4.0, 1, "J", "estimate", False)
    a, b = (fact_draws("energy_per_example_j", one, 100, RNG(i), 5, use_bounds=True) for i in (0, 1))
    assert (a == b).all() and a.min() >= 1 and a.max() <= 4 and a.std() > 0
    assert set(fact_draws("energy_per_example_j", one, 10, RNG(0), 5, use_bounds=False)) == {2.0}


def test_draws_are_as_wide_as_an_interval_that_says_more_than_they_do() -> None:
    entry = summarise(make_run([Sketch("a")], [Task("topic")]))[0]
    name = entry.quality_metric or ""
    plain = quality_draws([entry], [name], 4000, 0)[name][:, 0]
    own = entry.quality[name]
    assert own.value is not None and own.ci_low is not None and own.ci_high is not None
    wide = replace(own, ci_low=own.value - 2 * (own.value - own.ci_low))
    stretched = quality_draws([replace(entry, quality={name: wide})], [name], 4000, 0)[name][:, 0]
    assert float(np.quantile(stretched, 0.025)) == pytest.approx(wide.ci_low, abs=1e-9)
    above = plain >= own.value
    assert np.array_equal(stretched[above], plain[above]) and (stretched[~above] < plain[~above]).all()
