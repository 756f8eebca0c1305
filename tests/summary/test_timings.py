from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.catalogue.reasons import ReasonCode, loose, one_process, too_few
from bench.record import Record, Timing
from bench.stats import order, processes
from bench.summary import Quantity, summarise, timings
from tests.factories import Sketch, make_record, make_run


def _latency(*nanos: int, tokens: tuple[tuple[int, ...], ...] = ()) -> list[Timing]:
    stamps = tokens or ((),) * len(nanos)
    return [Timing("latency", 0, i, (i,), ns, token_ns=t) for i, (ns, t) in enumerate(zip(nanos, stamps, strict=True))]


def _read(found: list[Timing]) -> dict[str, object]:
    record = replace(make_record(), timings=tuple(found))
    return dict(timings.readings(timings.collect([record]), timings.gaps(found), np.random.default_rng(0)))


def test_token_times_by_hand() -> None:
    ms = 10**6
    found = _latency(70 * ms, 40 * ms, tokens=((10 * ms, 30 * ms, 70 * ms), (40 * ms,)))
    read = _read(found)
    assert read["ttft_p50_s"].value == pytest.approx(0.010)  # type: ignore[attr-defined]
    assert read["tpot_p50_s"].value == pytest.approx(0.030)  # type: ignore[attr-defined]
    assert read["tpot_p50_s"].n == 1  # type: ignore[attr-defined]
    assert read["itl_p95_s"].value == pytest.approx(0.040)  # type: ignore[attr-defined]


def test_throughput_by_hand() -> None:
    found = [
        Timing("throughput", 0, 0, (0, 1, 2, 3), 10**9, input_tokens=40, output_tokens=8),
        Timing("throughput", 0, 1, (4, 5), 2 * 10**9, input_tokens=20, output_tokens=7),
    ]
    read = _read(found)
    assert read["throughput_examples_per_s"].value == pytest.approx(2.0)  # type: ignore[attr-defined]
    assert read["throughput_input_tokens_per_s"].value == pytest.approx(20.0)  # type: ignore[attr-defined]
    assert read["throughput_output_tokens_per_s"].value == pytest.approx(5.0)  # type: ignore[attr-defined]
    assert read["throughput_examples_per_s"].reason.code is ReasonCode.TOO_FEW  # type: ignore[attr-defined]


def test_missing_is_none_with_a_reason_never_zero() -> None:
    read = _read([Timing("throughput", 0, 0, (0,), 10**9)])
    for name in ("latency_p50_s", "ttft_p50_s", "tpot_p50_s", "itl_p95_s", "throughput_output_tokens_per_s"):
        assert read[name].value is None and read[name].reason  # type: ignore[attr-defined]


def test_p95_of_few_requests_has_no_interval_and_says_so() -> None:
    few, many = (
        timings.readings(timings.collect([make_record(requests=n)]), [], np.random.default_rng(0)) for n in (71, 72)
    )
    assert few["latency_p95_s"].ci_high is None
    assert few["latency_p95_s"].reason == too_few(71, "requests", 72)
    assert many["latency_p95_s"].has_interval and many["latency_p95_s"].reason is None


def test_one_process_has_the_order_statistic_interval_and_several_are_no_narrower() -> None:
    records = make_run([Sketch("a")], requests=100, processes=3)
    timed = timings.collect(records)
    pooled = np.concatenate(timed["latency"])
    read = summarise(records)[0].efficiency["latency_p50_s"]
    plain = order.quantile_interval(pooled, 0.5) or (0, 0)
    assert read.n == 300 and read.value == order.quantile(pooled, 0.5)
    assert (read.ci_low or 9) <= plain[0] and (read.ci_high or 0) >= plain[1]
    alone = summarise(records[:1])[0].efficiency["latency_p50_s"]
    assert (alone.ci_low, alone.ci_high) == order.serial_quantile_interval(timed["latency"][0], 0.5)
    assert alone.reason == one_process(processes.ONE_PROCESS_SAID)


def _slowed(record: Record, by: float) -> Record:
    return replace(record, timings=tuple(replace(t, duration_ns=round(by * t.duration_ns)) for t in record.timings))


def _width(quantity: Quantity) -> float:
    return (quantity.ci_high or 0) - (quantity.ci_low or 0)


def test_processes_that_disagree_widen_the_interval() -> None:
    records = make_run([Sketch("a")], requests=200, processes=3)
    apart = [*records[:2], _slowed(records[2], 2.0)]
    same, wide = (summarise(group)[0].efficiency["latency_p50_s"] for group in (records, apart))
    assert _width(wide) > 5 * _width(same)


def test_the_spread_of_processes_is_pooled_over_the_candidates_of_a_task() -> None:
    factors = np.exp(np.random.default_rng(1).normal(0, 0.05, (8, 2)))
    sides = [
        [
            _slowed(record, by)
            for record, by in zip(make_run([Sketch(f"m{i}")], requests=100, processes=2), of, strict=True)
        ]
        for i, of in enumerate(factors)
    ]
    alone = summarise(sides[0])[0]
    among, *_, last = summarise([record for side in sides for record in side])
    assert among.spreads["latency_p50_s"].freedom == 8 and alone.spreads["latency_p50_s"].freedom == 1
    assert _width(among.efficiency["latency_p50_s"]) < _width(alone.efficiency["latency_p50_s"]) / 2
    assert among.paired_spreads["latency_p50_s"].freedom == 7 and not alone.paired_spreads
    single = summarise([*sides[0][:1], *(record for side in sides[1:] for record in side)])[0]
    assert single.efficiency["latency_p50_s"].reason == loose(processes.ONE_POOLED_SAID)
    assert _width(single.efficiency["latency_p50_s"]) > _width(among.efficiency["latency_p50_s"])
    assert last.spreads is not None


@pytest.mark.parametrize("wrong", [0, -5])
def test_durations_that_no_clock_gives_are_refused_with_the_reason(wrong: int) -> None:
    record = make_record(requests=80)
    first, *others = record.timings
    read = summarise([replace(record, timings=(replace(first, duration_ns=wrong), *others))])[0].efficiency
    refused = read["latency_p50_s"]
    assert refused.value is None and refused.ci_low is None
    assert refused.reason is not None and refused.reason.code is ReasonCode.NO_VALUES
    assert read["throughput_examples_per_s"].value is not None


def test_an_interval_that_covers_more_than_it_claims_says_so() -> None:
    mixed = np.random.default_rng(0).permutation(400).tolist()
    coarse = _latency(*[10**6 * (1 + i // 40) for i in mixed])
    assert _read(coarse)["latency_p50_s"].reason == loose(order.TIED_SAID)  # type: ignore[attr-defined]
    fine = _latency(*[10**6 * (1 + i) for i in mixed])
    assert _read(fine)["latency_p50_s"].reason is None  # type: ignore[attr-defined]
    read = summarise(make_run([Sketch("a")], requests=100, processes=3))[0].efficiency
    several = loose(processes.FEW_PROCESSES_SAID)
    assert read["latency_p50_s"].reason == read["throughput_examples_per_s"].reason == several


def test_requests_that_depend_on_those_before_are_worth_fewer() -> None:
    rng = np.random.default_rng(3)
    steps, level = rng.normal(size=400), 0.0
    logs = [level := 0.8 * level + step for step in steps]
    values = [round(10**7 * math.exp(0.1 * value)) for value in logs]
    serial, shuffled = (_read(_latency(*each)) for each in (values, rng.permutation(values).tolist()))
    assert _width(serial["latency_p50_s"]) > 1.5 * _width(shuffled["latency_p50_s"])  # type: ignore[index]
