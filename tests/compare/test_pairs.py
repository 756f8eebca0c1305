from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from bench.compare.pairs import Comparison, Estimates, Untested, compare
from bench.compare.quality import PairedTest
from bench.compare.remarks import (
    Apart,
    FewProcesses,
    NoCell,
    NoRatio,
    NotCompared,
    OneFamily,
    OneGroup,
    OneProcess,
    UndefinedMetric,
    Unpaired,
)
from bench.record import Record
from bench.stats.paired import mcnemar
from bench.summary import Entry, summarise
from bench.words.documents import comparison_document
from tests.factories import Sketch, Task, make_record

LM = Task("lm", "language-modelling")


def _entries(sketch: Sketch, *tasks: Task, seed: int = 0, examples: int = 150, processes: int = 1) -> list[Entry]:
    return summarise(
        [make_record(sketch, task, examples=examples, seed=seed, process=k) for task in tasks for k in range(processes)]
    )


def _both(*tasks: Task, processes: int = 1) -> Comparison:
    one, two = Sketch("one", 0.9, 0.010), Sketch("two", 0.7, 0.020, memory_bytes=400e6)
    sides = (_entries(side, *tasks, processes=processes) for side in (one, two))
    return compare(*sides, "one", "two")


def test_accuracy_by_exact_mcnemar_with_flips() -> None:
    found = _both(Task("topic")).quality[0]
    a, b = (_entries(Sketch(n, s), Task("topic"))[0].samples for n, s in (("one", 0.9), ("two", 0.7)))
    right = [(x.prediction == x.reference, y.prediction == y.reference) for x, y in zip(a, b, strict=True)]
    only_a, only_b = sum(x and not y for x, y in right), sum(y and not x for x, y in right)
    assert found.p == pytest.approx(mcnemar(only_a, only_b)) and found.test is PairedTest.MCNEMAR
    assert (found.flips.broken, found.flips.fixed) == (only_a, only_b)
    assert found.difference == pytest.approx((only_b - only_a) / 150)
    assert (found.ci_low or 0) < found.difference < (found.ci_high or 0) < 0
    assert found.differs and not found.b_is_better


def test_holm_covers_every_metric_of_every_task() -> None:
    found = _both(Task("topic"), Task("en-de", "translation"), LM, processes=3)
    assert {row.metric for row in found.quality} >= {"accuracy", "macro_f1", "bleu", "chrf", "bits_per_byte"}
    tested = [row for row in found.efficiency if row.p is not None]
    assert {row.reading for row in tested} == {
        "latency_p50_s",
        "latency_p95_s",
        "throughput_examples_per_s",
        "energy_per_example_j",
    }
    family = [*found.quality, *tested]
    expected = multipletests([row.p for row in family], method="holm")[1]
    np.testing.assert_allclose([row.p_holm for row in family], expected)
    assert found.remarks[-1] == OneFamily(len(family))
    assert all(row.p_holm >= row.p for row in found.quality)
    flips = {row.metric: row.flips.n for row in found.quality}
    assert flips["bleu"] and not flips["bits_per_byte"]
    json.dumps(comparison_document(found), allow_nan=False)


def test_a_small_difference_is_not_shown_and_says_how_many_examples_would() -> None:
    found = compare(
        _entries(Sketch("one", 0.80), Task("topic")),
        _entries(Sketch("two", 0.79), Task("topic")),
        "one",
        "two",
    ).quality[0]
    assert found.p_holm > 0.05 and not found.differs
    if found.examples_needed is not None:
        assert found.examples_needed == pytest.approx(150 * (found.detectable / abs(found.difference)) ** 2, abs=1)


def test_identical_runs_show_no_difference() -> None:
    entries = _entries(Sketch("one"), Task("topic"), LM)
    found = compare(entries, entries, "last night", "tonight")
    assert all(row.p == 1.0 and row.difference == 0 and row.flips.changed == 0 for row in found.quality)
    assert not any(row.differs for row in found.efficiency)


def test_ratios_of_efficiency_have_intervals_and_a_direction() -> None:
    rows = {row.reading: row for row in _both(Task("topic"), processes=3).efficiency}
    p50, speed, memory = rows["latency_p50_s"], rows["throughput_examples_per_s"], rows["peak_rss_bytes"]
    assert (p50.ci_low or 9) < p50.ratio < (p50.ci_high or 0) and p50.ratio == pytest.approx(2, rel=0.15)
    assert p50.differs and speed.differs and not p50.b_is_better and not speed.b_is_better
    assert memory.ci_low is None and memory.p is None and memory.p_holm is None
    assert memory.ratio == 2 and memory.differs is None and memory.untested is Untested.NO_NOISE_KNOWN


def test_one_process_each_is_shown_and_not_tested() -> None:
    found = _both(Task("topic"))
    timed = [row for row in found.efficiency if row.untested is Untested.ONE_PROCESS]
    assert {row.reading for row in timed} >= {"latency_p50_s", "latency_p95_s", "throughput_examples_per_s"}
    assert all(row.p is None and row.differs is None and row.ci_low is not None for row in timed)
    assert OneProcess() in found.remarks and OneProcess() not in _both(Task("topic"), processes=2).remarks


def test_others_of_the_task_tell_how_much_one_process_may_differ() -> None:
    names = [f"m{i}" for i in range(8)]
    luck = np.random.default_rng(2).normal(0, 0.02, (8, 2))
    records = [
        make_record(Sketch(name, latency_s=0.01 * (1 + (name == "m1")) * np.exp(luck[i, k])), "topic", process=k)
        for i, name in enumerate(names)
        for k in range(2 if i > 1 else 1)
    ]
    entries = {entry.candidate: entry for entry in summarise(records)}
    row = compare([entries["m0"]], [entries["m1"]], "m0", "m1", readings=("latency_p50_s",)).efficiency[0]
    assert row.untested is None and row.differs and 1.7 < (row.ci_low or 0) < row.ratio < (row.ci_high or 0) < 2.4


def test_energy_is_paired_by_its_repeats() -> None:
    drift = (1.0, 1.6, 0.7, 1.3)

    def side(name: str, joules: float, luck: float) -> list[Record]:
        each = [joules * slow * (1 + luck * (-1) ** k) for k, slow in enumerate(drift)]
        return [make_record(Sketch(name, energy_j=j), "topic", process=k) for k, j in enumerate(each)]

    one, two = summarise([*side("one", 1.0, 0.01), *side("two", 1.1, -0.01)])
    row = compare([one], [two], "one", "two", readings=("energy_per_example_j",)).efficiency[0]
    assert row.untested is None and row.differs
    assert 1.05 < (row.ci_low or 0) < 1.1 < (row.ci_high or 9) < 1.15  # unpaired, the rounds would hide it
    same = summarise([*side("one", 1.0, 0.0), *side("two", 1.1, 0.0)])
    exact = compare(same[:1], same[1:], "one", "two", readings=("energy_per_example_j",)).efficiency[0]
    assert exact.untested is Untested.NO_NOISE_KNOWN  # what never varies tells nothing of chance


def test_interleaved_repeats_are_compared_round_by_round() -> None:
    drift = (1.0, 1.3, 0.8, 1.2)

    def side(name: str, cost: float) -> list[Record]:
        sketches = [Sketch(name, latency_s=0.01 * cost * slow, spread=0.02) for slow in drift]
        return [make_record(sketch, "topic", process=k) for k, sketch in enumerate(sketches)]

    one, two = summarise([*side("one", 1.0), *side("two", 1.05)])
    whole = compare([one], [two], "one", "two", readings=("latency_p50_s",))
    assert FewProcesses() in whole.remarks and FewProcesses() not in _both(Task("topic")).remarks
    found = whole.efficiency[0]
    assert 1.0 < (found.ci_low or 0) < 1.05 < (found.ci_high or 0) < 1.1
    assert found.differs and not found.b_is_better


def test_a_ratio_lies_within_its_interval_where_processes_are_unequal() -> None:
    def side(name: str, costs: tuple[float, ...]) -> list[Record]:
        sizes = (20, 20, 1000)
        return [
            make_record(Sketch(name, latency_s=0.01 * cost, spread=0.005), "topic", process=k, requests=requests)
            for k, (cost, requests) in enumerate(zip(costs, sizes, strict=True))
        ]

    one, two = summarise([*side("one", (1.0, 1.0, 1.0)), *side("two", (1.0, 1.01, 1.5))])
    row = compare([one], [two], "one", "two", readings=("latency_p50_s",)).efficiency[0]
    assert row.ci_low is not None and row.ci_high is not None and row.ci_low < row.ratio < row.ci_high
    assert row.b / row.a > 1.45 and row.ratio == pytest.approx((1.01 * 1.5) ** (1 / 3), rel=0.01)
    assert row.ratio == pytest.approx((row.ci_low * row.ci_high) ** 0.5)


def test_an_estimate_against_a_measurement_is_said() -> None:
    one, two = Sketch("one"), Sketch("two", energy_j=0.6, energy_source="estimate")
    found = compare(_entries(one, Task("topic")), _entries(two, Task("topic")), "one", "two")
    energy = next(row for row in found.efficiency if row.reading == "energy_per_example_j")
    assert energy.estimates is Estimates.ONE


def test_only_common_examples_are_compared_and_what_cannot_be_is_said() -> None:
    a = _entries(Sketch("one"), Task("topic"), examples=100)
    b = _entries(Sketch("two"), Task("topic"), examples=60)
    assert compare(a, b, "one", "two").quality[0].n == 60
    foreign = [replace(b[0], samples=tuple(replace(s, example_id=f"z{s.index}") for s in b[0].samples))]
    assert compare(a, foreign, "one", "two").remarks[0] == Unpaired("topic", "", None)
    assert compare(a, [], "one", "two").remarks[0] == NoCell("topic", "", "two")
    dead = _entries(Sketch("two", status="oom", reason="9 GiB"), Task("topic"))
    assert compare(a, dead, "one", "two").remarks[0] == NotCompared("topic", "", "two", "oom", "9 GiB")


def test_groups_are_compared_by_the_clustered_bootstrap() -> None:
    task = Task("topic", groups=20)
    rows = compare(_entries(Sketch("one", 0.9), task), _entries(Sketch("two", 0.6), task), "one", "two").quality
    assert {row.test for row in rows} == {PairedTest.CLUSTERED}
    assert np.all([row.p < 0.05 for row in rows])


def test_a_ratio_that_one_test_would_find_may_not_stand_among_many() -> None:
    many = [Task(f"t{i}") for i in range(8)]

    def whole(*tasks: Task) -> Comparison:
        luck = np.random.default_rng(6).normal(0, 0.02, (len(many), 2, 3))
        entries = summarise(
            [
                make_record(Sketch(name, 0.9, cost * np.exp(luck[i, m, k])), task, process=k)
                for i, task in enumerate(tasks)
                for m, (name, cost) in enumerate((("one", 0.01), ("two", 0.0107)))
                for k in range(3)
            ]
        )
        sides = ([entry for entry in entries if entry.candidate == name] for name in ("one", "two"))
        return compare(*sides, "one", "two", readings=("latency_p50_s",))

    alone, among = whole(*many[:1]), whole(*many)
    assert among.efficiency[0].p == alone.efficiency[0].p
    assert any((row.p or 1) < 0.05 < (row.p_holm or 0) for row in among.efficiency)
    for row in among.efficiency:
        assert row.p is not None and row.p_holm is not None and row.ci_low is not None and row.ci_high is not None
        assert (row.p < 0.05) == (not row.ci_low <= 1 <= row.ci_high)
        assert row.differs == (row.p_holm <= 0.05)


def test_one_group_is_not_tested_and_an_example_without_one_is_its_own() -> None:
    sides = [_entries(Sketch(name, skill), Task("topic"), examples=40) for name, skill in (("one", 0.9), ("two", 0.4))]

    def grouped(entry: Entry, alone: int) -> list[Entry]:
        samples = tuple(replace(s, group=None if s.index < alone else "g") for s in entry.samples)
        return [replace(entry, samples=samples)]

    found = compare(*(grouped(entry, 0) for (entry,) in sides), "one", "two")
    assert found.quality == () and OneGroup("topic", "") in found.remarks
    mixed = compare(*(grouped(entry, 25) for (entry,) in sides), "one", "two")
    assert {(row.test, row.groups) for row in mixed.quality} == {(PairedTest.CLUSTERED, 26)}


def test_whole_runs_are_compared_model_by_model() -> None:
    def night(skill: float) -> list[Entry]:
        return summarise([make_record(Sketch(n, s), "topic", examples=150) for n, s in (("x", 0.9), ("y", skill))])

    found = compare(night(0.9), night(0.5), "monday", "tuesday", remarks=[Apart.OTHER_TIME])
    assert {row.model for row in found.quality} == {row.model for row in found.efficiency} == {"x", "y"}
    x, y = (next(row for row in found.quality if row.model == name) for name in ("x", "y"))
    assert x.difference == 0 and y.p_holm < 0.05
    assert y.differs and not y.b_is_better
    assert Apart.OTHER_TIME in found.remarks
    gone = compare(night(0.9), night(0.9)[:1], "monday", "tuesday")
    assert gone.remarks[0] == NoCell("topic", "y", "tuesday")


def test_few_discordant_examples_are_said() -> None:
    one = _entries(Sketch("one", 0.95), Task("topic"), examples=40)
    samples = list(one[0].samples)
    index = next(i for i, s in enumerate(samples) if s.prediction == s.reference)
    samples[index] = replace(samples[index], prediction="lost" if samples[index].reference != "lost" else "delayed")
    record = replace(make_record(Sketch("two", 0.95), "topic", examples=40), samples=tuple(samples))
    row = compare(one, summarise([record]), "one", "two").quality[0]
    assert row.flips.broken == 1 and row.few_discordant
    assert not _both(Task("topic")).quality[0].few_discordant


def test_a_metric_without_a_value_is_not_tested() -> None:
    one, two = _entries(Sketch("one"), LM, examples=40), make_record(Sketch("two"), LM, examples=40)
    broken = (replace(two.samples[0], nll=float("nan")), *two.samples[1:])
    found = compare(one, summarise([replace(two, samples=broken)]), "one", "two")
    assert found.quality == ()
    assert UndefinedMetric("lm", "", "perplexity", ("two",)) in found.remarks
    json.dumps(comparison_document(found), allow_nan=False)


def test_processes_that_differ_much_leave_a_ratio_open_but_finite() -> None:
    def side(*joules: float) -> list[Entry]:
        return summarise([make_record(Sketch("m", energy_j=j), "topic", process=k) for k, j in enumerate(joules)])

    found = compare(side(1.0, 1.6), side(1.1, 2.0), "one", "two", readings=("energy_per_example_j",))
    row = found.efficiency[0]
    assert row.p is not None and row.p > 0.05 and np.isfinite([row.ci_low or np.nan, row.ci_high or np.nan]).all()
    json.dumps(comparison_document(found), allow_nan=False)


def test_nothing_is_a_multiple_of_0_and_that_is_said() -> None:
    nothing, some = (_entries(Sketch(name, energy_j=j), Task("topic")) for name, j in (("a", 0.0), ("b", 1.0)))
    found = compare(nothing, some, "a", "b", readings=("energy_per_example_j",))
    assert found.efficiency == () and NoRatio("topic", "", ("energy_per_example_j",)) in found.remarks


def test_what_only_the_second_has_is_said() -> None:
    found = compare(_entries(Sketch("one"), LM), _entries(Sketch("two"), LM, Task("topic")), "one", "two")
    assert NoCell("topic", "", "one") in found.remarks
