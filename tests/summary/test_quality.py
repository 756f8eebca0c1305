from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.catalogue.reasons import ReasonCode, all_alike, loose, too_few
from bench.decision.draws import quality_draws
from bench.metrics.accuracy import Accuracy
from bench.metrics.base import Floats
from bench.stats.proportion import FEW_SAID, clopper_pearson, wilson
from bench.summary import summarise
from bench.summary.quality import Scored, quantities, shared_resamples
from tests.factories import Sketch, Task, make_record, make_samples


def test_accuracy_has_wilsons_interval() -> None:
    entry = summarise([make_record(examples=80)])[0]
    right = sum(s.prediction == s.reference for s in entry.samples)
    found = entry.quality["accuracy"]
    assert found.value == pytest.approx(right / 80) and found.n == 80
    assert (found.ci_low, found.ci_high) == pytest.approx(wilson(right, 80))


def test_few_wrong_answers_take_the_exact_interval_and_say_so() -> None:
    entry = summarise([make_record(Sketch("sure", 0.99), examples=60)])[0]
    right = sum(s.prediction == s.reference for s in entry.samples)
    found = entry.quality["accuracy"]
    assert 60 - right < 5
    assert (found.ci_low, found.ci_high) == pytest.approx(clopper_pearson(right, 60)) and found.reason == loose(
        FEW_SAID
    )


def test_groups_widen_what_their_examples_repeat() -> None:
    record = make_record(examples=200)
    base = make_samples_of(record)[:20]
    repeated = tuple(replace(base[i // 10], index=i, example_id=str(i), group=str(i // 10)) for i in range(200))
    grouped = summarise([replace(record, samples=repeated)])[0].quality["accuracy"]
    alone = summarise([replace(record, samples=tuple(replace(s, group=None) for s in repeated))])[0].quality["accuracy"]
    assert grouped.value == alone.value
    assert (grouped.ci_high or 0) - (grouped.ci_low or 0) > 2 * ((alone.ci_high or 0) - (alone.ci_low or 0))


def make_samples_of(record: object) -> tuple:  # type: ignore[type-arg]
    return record.samples  # type: ignore[attr-defined,no-any-return]


def test_few_examples_have_no_interval() -> None:
    found = summarise([make_record(examples=9)])[0].quality["macro_f1"]
    assert found.value is not None and found.ci_low is None
    assert found.reason == too_few(9, "examples", 10)


def test_models_of_a_task_share_their_resamples() -> None:
    one, two = (make_samples(m, Task("topic"), 50) for m in make_sketches())
    a, b = shared_resamples(one), shared_resamples(two)
    first, second = (next(r.chunks()) for r in (a, b))
    assert (first == second).all()


def make_sketches() -> list:  # type: ignore[type-arg]
    from tests.factories import Sketch

    return [Sketch("a"), Sketch("b")]


def test_interval_of_bleu_by_explicit_resampling() -> None:
    entry = summarise([make_record(task=Task("en-de", "translation"), examples=150)])[0]
    statistics, metric = entry.statistics["bleu"], entry.metrics["bleu"]
    rng = np.random.default_rng(0)
    values: list[NDArray[np.float64]] = [
        metric.value(statistics[rng.integers(0, 150, 150)].sum(axis=0)) for _ in range(2000)
    ]
    low, high = np.quantile(values, [0.025, 0.975])
    found = entry.quality["bleu"]
    assert found.ci_low == pytest.approx(low, abs=0.15 * (high - low))
    assert found.ci_high == pytest.approx(high, abs=0.15 * (high - low))


def test_an_interval_that_may_cover_less_says_so() -> None:
    from tests.factories import Sketch

    perfect = summarise([make_record(Sketch("a", skill=1.0), examples=60)])[0].quality["accuracy"]
    assert perfect.ci_high == 1.0 and perfect.reason == loose(FEW_SAID)
    usual = summarise([make_record(examples=60)])[0].quality["accuracy"]
    assert usual.reason is None


def test_a_metric_that_raises_is_said_and_the_others_are_computed() -> None:
    own = "tests.metrics.test_module:raises"
    task = Task("topic", metrics=(own, "accuracy"))
    (entry,) = summarise([make_record(task=task, examples=30)])
    assert list(entry.quality) == [own, "accuracy"] and list(entry.statistics) == ["accuracy"]
    assert entry.quality["accuracy"].value is not None
    assert entry.quality[own].value is None and "raised RuntimeError: no" in str(entry.quality[own].reason)
    (doubt,) = entry.doubts
    assert (
        doubt.code == "metric_not_computed" and doubt.readings == (own,) and "raised RuntimeError: no" in doubt.message
    )
    assert entry.quality_metric == own, "another metric must not stand for the task's quality"


def test_a_metric_out_of_reach_stays_the_task_s_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.errors import HubError
    from bench.metrics.accuracy import Accuracy

    def prepare(self: Accuracy) -> None:
        raise HubError("not in the local cache")

    monkeypatch.setattr(Accuracy, "prepare", prepare, raising=False)
    (entry,) = summarise([make_record(examples=30)])
    assert entry.quality_metric == "accuracy" and entry.quality["accuracy"].value is None
    assert entry.quality["macro_f1"].value is not None


class Twice(Accuracy):
    """A metric with a mistake."""

    name = ""

    def value(self, sums: Floats) -> Floats:
        """Give double the share."""
        return 2 * super().value(sums)


def test_a_metric_beyond_its_range_has_no_value_and_says_so() -> None:
    samples = make_samples(Sketch("m", 0.9), Task("topic"), 40)
    metric = Twice()
    scored = Scored([metric], {"": metric.statistics(samples, ())}, shared_resamples(samples), {}, [""], "topic")
    (found,) = quantities([scored], worth_it=False)
    assert found[""].value is None and found[""].reason is not None
    assert found[""].reason.code is ReasonCode.IMPOSSIBLE


@pytest.mark.parametrize(("metric", "kind"), [("accuracy", "classification"), ("macro_f1", "classification")])
def test_answers_that_are_all_right_have_an_interval_with_a_width(metric: str, kind: str) -> None:
    record = make_record(task=Task("topic", kind), examples=40)
    for group in (None, "by five"):
        samples = tuple(replace(s, prediction=s.reference, group=group and str(s.index // 4)) for s in record.samples)
        entry = summarise([replace(record, samples=samples)])[0]
        found = entry.quality[metric]
        assert found.value == 1.0 and found.ci_high == 1.0 and 0.5 < (found.ci_low or 0) < 1.0 and not found.exact
        drawn = quality_draws([entry], [metric], 4000, 1)[metric][:, 0]
        assert np.ptp(drawn) > 0 and np.quantile(drawn, 0.025) == pytest.approx(found.ci_low, abs=0.02)


def test_an_example_without_a_group_is_a_group_of_its_own() -> None:
    samples = make_record(examples=30).samples
    mixed = shared_resamples([replace(s, group="a" if s.index < 10 else None) for s in samples])
    assert mixed.groups is not None and mixed.units == 21
    assert shared_resamples(samples).groups is None


def test_equal_values_without_bounds_have_no_interval() -> None:
    record = make_record(task=Task("lm", "language-modelling"), examples=40)
    samples = tuple(replace(s, nll=30.0, scored_tokens=20, scored_bytes=60) for s in record.samples)
    found = summarise([replace(record, samples=samples)])[0].quality["perplexity"]
    assert found.value is not None and found.ci_low is None and found.reason == all_alike(40)
