"""Readings at a level of load: named by its rate, recomputed for another SLO, paired with the lowest level."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.catalogue.readings import AT_LEVEL, READINGS, canonical
from bench.catalogue.reasons import ReasonCode
from bench.compare.levels import not_of_a_level, quality_under_load
from bench.errors import InputError, SuiteError
from bench.metrics.catalogue import METRICS, check_name
from bench.planning import make_plan, open_suite
from bench.record import Cell, Record, Sample, Timing
from bench.suite import CellJob
from bench.suite.limits import parse_limit, parse_where
from bench.summary import Entry, summarise
from tests.served.conftest import suite_of

SLO = {"latency_p95": "<= 1 s"}
EXAMPLES = 60


def timing(rate: float, place: int, took_s: float, answer: str | None, ending: str = "ok") -> Timing:
    start = int(place / rate * 1e9)
    return Timing(
        "level",
        0,
        place,
        (place % EXAMPLES,),
        int(took_s * 1e9),
        start,
        3,
        4,
        token_ns=(int(took_s * 5e8), int(took_s * 1e9)),
        offered_per_s=rate,
        lag_ns=0,
        ending=ending,
        salted=True,
        answer=answer,
    )


def entry_of(levels: dict[float, list[Timing]], tmp_path, **load) -> Entry:
    suite = suite_of(tmp_path, "http://127.0.0.1:9/v1", examples=EXAMPLES)
    rates = ", ".join(f"{rate:g}" for rate in levels)
    slo = load.pop("slo", SLO)
    words = ", ".join(f'{name}: "{limit}"' for name, limit in slo.items())
    extra = "".join(f", {key}: {value}" for key, value in load.items())
    suite.write_text(suite.read_text() + f"load: {{levels: [{rates}], window_s: 10, slo: {{{words}}}{extra}}}\n")
    plan = make_plan(open_suite(str(suite)), tmp_path / "results")
    cell = next(cell for cell in plan.written(tmp_path / "results") if cell.model == "served")
    assert isinstance(cell, Cell) and isinstance(cell.job, CellJob) and cell.job.load is not None
    samples = tuple(Sample(n, str(n), f"number {n}", f"number {n}", answers=(f"number {n}",)) for n in range(EXAMPLES))
    rows = tuple(row for level in levels.values() for row in level)
    record = Record(cell, "ok", None, samples=samples, timings=rows, notes={"profile": "quick"})
    (entry,) = summarise([record])
    return entry


def steady(rate: float, took_s: float = 0.5, wrong: int = 0) -> list[Timing]:
    count = round(10 * rate)
    return [
        timing(rate, n, took_s * (1 + 0.01 * (n % 7)), "no" if n % EXAMPLES < wrong else f"number {n % EXAMPLES}")
        for n in range(count)
    ]


def test_a_reading_at_a_level_is_a_reading() -> None:
    about = READINGS["ttft_p95_s@20"]
    assert about.unit == "s" and not about.higher_is_better and "20" in about.title
    assert "goodput_per_s@2.5" in READINGS and "goodput_per_s" not in READINGS and "parameters@20" not in READINGS
    assert not any("@" in name for name in READINGS), "levels are not listed: there is no end of them"
    assert canonical("goodput_per_s@20.0") == "goodput_per_s@20"
    assert parse_limit("goodput_per_s@20", ">= 18 /s").value == 18
    assert parse_where("latency_p95_s@20 <= 300 ms").name == "latency_p95_s@20"


@pytest.mark.parametrize("name", ["goodput_per_s", "goodput_per_s@soon", "good_share@0", "goodput_per_s@-1"])
def test_a_reading_without_its_level_is_told_how(name: str) -> None:
    with pytest.raises(InputError, match="@20"):
        check_name(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("latency_p95@20", "did you mean 'latency_p95_s@20'"),
        ("throughput@5", "valid names: good_share@5, goodput_per_s@5"),
        ("bytes", "valid names: accuracy"),
        ("latency_ms", "did you mean 'latency_p50_s'"),
    ],
)
def test_a_wrong_name_is_answered_by_what_it_means(name: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        check_name(name)


def test_every_reading_of_every_level_is_there(tmp_path) -> None:
    entry = entry_of({10.0: steady(10), 30.0: steady(30, 0.9)}, tmp_path, target_per_s=100)
    for rate, count in ((10, 100), (30, 300)):
        for name in AT_LEVEL:
            quantity = entry.efficiency[f"{name}@{rate}"]
            assert quantity.value is not None, name
        assert entry.efficiency[f"goodput_per_s@{rate}"].value == pytest.approx(count / 10.5, rel=0.1)
    low = entry.efficiency["latency_p50_s@10"]
    assert low.value == pytest.approx(0.515, rel=0.02) and low.has_interval
    assert not entry.efficiency["latency_p99_s@10"].has_interval, "100 requests say little of the 99th percentile"
    assert entry.efficiency["slo_rate_per_s"].value == 30 and entry.efficiency["replicas"].value == 4


def test_what_fails_has_no_percentile_and_says_so(tmp_path) -> None:
    failing = [timing(10, n, 0.5, None if n % 10 == 0 else "x", "timeout" if n % 10 == 0 else "ok") for n in range(100)]
    entry = entry_of({10.0: failing}, tmp_path)
    tail = entry.efficiency["latency_p95_s@10"]
    assert tail.value is None and "10 of 100" in str(tail.reason)
    assert entry.efficiency["good_share@10"].value == pytest.approx(0.9)
    assert entry.efficiency["replicas"].value is None and entry.efficiency["slo_rate_per_s"].value == 0


def test_failures_in_a_row_leave_an_interval_no_end_and_n_is_not_blamed(tmp_path) -> None:
    failing = [timing(10, n, 0.5, None if n < 10 else "x", "timeout" if n < 10 else "ok") for n in range(100)]
    untimed = [replace(row, token_ns=row.token_ns if row.iteration < 40 else ()) for row in steady(30)]
    entry = entry_of({10.0: failing, 30.0: untimed}, tmp_path)
    middle, tail = (entry.efficiency[f"latency_p{q}_s@10"] for q in (50, 99))
    assert middle.value == pytest.approx(0.5) and not middle.has_interval and middle.reason is not None
    assert middle.reason.code is ReasonCode.UNDEFINED_ON_RESAMPLES and "10 of 100 requests failed" in str(middle.reason)
    assert middle.reason.settles_nothing, "as little as too few requests do"
    assert tail.value is None
    first = entry.efficiency["ttft_p50_s@30"].reason
    assert first is not None and first.code is ReasonCode.TOO_FEW and "50 of 300" in str(first)


def test_another_slo_is_judged_by_the_same_requests(tmp_path) -> None:
    levels = {10.0: steady(10), 30.0: steady(30, 0.9)}
    strict = entry_of(levels, tmp_path / "strict", slo={"latency_p95": "<= 700 ms"})
    loose = entry_of(levels, tmp_path / "loose", slo={"latency_p95": "<= 2 s"})
    assert strict.cell.id == loose.cell.id, "an SLO measures nothing again"
    rates = [entry.efficiency["slo_rate_per_s"].value for entry in (strict, loose)]
    assert rates == [10, 30] and strict.efficiency["good_share@30"].value == 0


def test_quality_under_load_is_paired_with_the_lowest_level(tmp_path) -> None:
    entry = entry_of({10.0: steady(10), 20.0: steady(20), 30.0: steady(30, wrong=20)}, tmp_path)
    same, worse = quality_under_load([entry])
    assert (same.level.rate, worse.level.rate) == (20, 30)
    assert same.row.identical and same.row.p_holm == 1 and same.row.n == EXAMPLES
    assert worse.row.difference < 0 and worse.row.p_holm < 0.001 and worse.row.flips.changed == 20


def judged_by(entry: Entry, name: str) -> Entry:
    """Have an entry scored by a metric of scores or likelihoods."""
    scored = [replace(s, scores=(0.1, 0.9), answers=("0", "1"), nll=3.0, scored_tokens=2) for s in entry.samples]
    quality = {name: next(iter(entry.quality.values()))}
    return replace(entry, samples=tuple(scored), metrics={name: METRICS[name]}, quality=quality)


@pytest.mark.parametrize("name", ["ndcg", "ece", "perplexity"])
def test_what_no_level_has_of_its_own_is_compared_with_nothing(name: str, tmp_path) -> None:
    entry = entry_of({10.0: steady(10), 30.0: steady(30, wrong=20)}, tmp_path)
    other = judged_by(entry, name)
    assert not_of_a_level(other) and not not_of_a_level(entry)
    assert quality_under_load([other]) == []
    assert len(quality_under_load([entry, other])) == 1, "it is no member of Holm's family"


def test_holms_family_holds_all_levels_of_all_candidates(tmp_path) -> None:
    one = entry_of({10.0: steady(10), 30.0: steady(30, wrong=7)}, tmp_path)
    alone, together = quality_under_load([one]), quality_under_load([one] * 8)
    assert together[0].row.p_holm == pytest.approx(min(1.0, 8 * alone[0].row.p_holm))


def test_by_chance_nothing_is_found_more_often_than_is_said() -> None:
    """Under equal quality at all levels the family errs in at most one run of twenty: McNemar's test, by seeds."""
    from bench.stats.paired import holm, mcnemar

    rng, alarms = np.random.default_rng(5), 0
    for _ in range(400):
        base = rng.random(80) < 0.8
        p = []
        for _ in range(4):
            other = np.where(rng.random(80) < 0.1, rng.random(80) < 0.8, base)
            p.append(mcnemar(int((base & ~other).sum()), int((~base & other).sum())))
        alarms += min(holm(p)) <= 0.05
    assert alarms / 400 < 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize(
    ("load", "needle"),
    [
        ("", "load.levels"),
        ("load: {levels: auto}\n", "write them out"),
        ("load: {levels: [5, 10]}\n", "'load.levels' has 5, 10"),
    ],
)
def test_a_level_that_is_not_offered_is_refused_with_its_place(load: str, needle: str, tmp_path) -> None:
    path = suite_of(tmp_path, "http://127.0.0.1:9/v1")
    path.write_text(path.read_text() + load + 'constraints: {"latency_p95_s@20": "<= 300 ms"}\n')
    with pytest.raises(SuiteError, match=r"suite\.yaml:") as refused:
        make_plan(open_suite(str(path)), tmp_path / "results")
    assert needle in str(refused.value) and len(str(refused.value).splitlines()) == 1


def test_metrics_and_readings_share_no_name_with_a_level() -> None:
    assert not set(AT_LEVEL) & set(METRICS)
