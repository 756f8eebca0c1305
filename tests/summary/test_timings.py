from __future__ import annotations

import numpy as np
import pytest

from bench.catalogue.reasons import ReasonCode, loose, too_few
from bench.record import Timing
from bench.stats import bootstrap, order
from bench.summary import timings
from tests.factories import Sketch, make_record, make_run


def _latency(*nanos: int, tokens: tuple[tuple[int, ...], ...] = ()) -> list[Timing]:
    stamps = tokens or ((),) * len(nanos)
    return [Timing("latency", 0, i, (i,), ns, token_ns=t) for i, (ns, t) in enumerate(zip(nanos, stamps, strict=True))]


def _read(found: list[Timing]) -> dict[str, object]:
    from dataclasses import replace

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
    read = timings.readings(timed, [], np.random.default_rng(0))["latency_p50_s"]
    plain = order.quantile_interval(pooled, 0.5) or (0, 0)
    assert read.n == 300 and read.value == order.quantile(pooled, 0.5)
    assert (read.ci_low or 9) <= plain[0] and (read.ci_high or 0) >= plain[1]
    alone = timings.readings(timings.collect(records[:1]), [], np.random.default_rng(0))["latency_p50_s"]
    assert (alone.ci_low, alone.ci_high) == order.quantile_interval(timed["latency"][0], 0.5)


def test_processes_that_disagree_widen_the_interval() -> None:
    from dataclasses import replace

    records = make_run([Sketch("a")], requests=200, processes=3)
    slow = tuple(replace(t, duration_ns=2 * t.duration_ns) for t in records[2].timings)
    apart = [*records[:2], replace(records[2], timings=slow)]
    widths = []
    for group in (records, apart):
        read = timings.readings(timings.collect(group), [], np.random.default_rng(0))["latency_p50_s"]
        widths.append((read.ci_high or 0) - (read.ci_low or 0))
    assert widths[1] > 5 * widths[0]


def test_an_interval_that_covers_more_than_it_claims_says_so() -> None:
    coarse = _latency(*[10**6 * (i // 40) for i in range(400)])
    assert _read(coarse)["latency_p50_s"].reason == loose(order.TIED_SAID)  # type: ignore[attr-defined]
    fine = _latency(*[10**6 * i for i in range(400)])
    assert _read(fine)["latency_p50_s"].reason is None  # type: ignore[attr-defined]
    timed = timings.collect(make_run([Sketch("a")], requests=100, processes=3))
    read = timings.readings(timed, [], np.random.default_rng(0))
    assert (
        read["latency_p50_s"].reason == read["throughput_examples_per_s"].reason == loose(bootstrap.FEW_PROCESSES_SAID)
    )
