"""Load is offered when it is meant to be, to all alike; failures are infinitely late; a late client is found out."""

from __future__ import annotations

import asyncio
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.__main__ import main
from bench.candidates.served.api import Writing, asked
from bench.candidates.served.client import Client
from bench.candidates.served.exchange import Ending, Exchange, Usage
from bench.candidates.served.keep import Spending
from bench.candidates.served.patience import Patience
from bench.errors import InputError
from bench.measure.load.arrivals import schedule
from bench.measure.load.capacity import Capacity, Rung, is_saturated, rung_of
from bench.measure.load.level import NS_PER_S, Level, Offered, closed_level, open_level
from bench.measure.load.outcome import estimate, numbers_of
from bench.measure.load.run import Asked, Load, run_load
from bench.measure.load.served import loaded_of
from bench.measure.measured import Loaded
from bench.suite.load import LoadSpec, parse_slo
from benchmarks.fake_server import Fake, Fault, Law
from tests.served.conftest import endpoint_of

pytestmark = pytest.mark.slow


def exchange(
    intended_s: float, took_s: float, *, lag_s: float = 0.0, ending: Ending = "ok", first_s: float = 0.1
) -> Exchange:
    start = int(intended_s * NS_PER_S)
    chunks = [start + int(first_s * NS_PER_S), start + int(took_s * NS_PER_S)]
    return Exchange(
        start,
        start + int(lag_s * NS_PER_S),
        start + int(took_s * NS_PER_S),
        chunks if ending == "ok" else [],
        ending,
        usage=Usage(3, 5),
    )


def level_of(exchanges: list[Exchange], window_s: float = 10.0) -> Level:
    return Level(1.0, None, window_s, tuple(Offered(place, each) for place, each in enumerate(exchanges)))


def loaded(fake: Fake, rates: tuple[float, ...] | None, **asked_keys: object) -> Load:
    spec = endpoint_of(fake.url)
    prompts = tuple(f"prompt {number}" for number in range(5))
    offer = Asked(prompts, lambda prompt: asked(spec, prompt, Writing(8)), **asked_keys)  # type: ignore[arg-type]

    async def work() -> Load:
        async with Client(spec) as client:
            return await run_load(Patience(client, Spending(spec, None)), offer, rates, rung_s=0.15, most=8)

    return asyncio.run(work())


@given(kind=st.sampled_from(["poisson", "gamma", "constant"]), rate=st.floats(0.5, 200), seed=st.integers(0, 99))
def test_a_schedule_is_seeded_and_keeps_its_rate_and_its_window(kind: str, rate: float, seed: int) -> None:
    instants = schedule(kind, rate, 5.0, seed)  # type: ignore[arg-type]
    assert instants == schedule(kind, rate, 5.0, seed)  # type: ignore[arg-type]
    assert len(instants) == max(1, round(5 * rate))
    assert list(instants) == sorted(instants) and instants[0] >= 0 and instants[-1] <= 5.0 + 1 / rate


def test_gaps_have_the_spread_of_their_kind() -> None:
    spread = {}
    for kind in ("constant", "poisson", "gamma"):
        gaps = np.diff(schedule(kind, 2000.0, 10.0, 1))  # type: ignore[arg-type]
        spread[kind] = gaps.std() / gaps.mean()
    assert spread["constant"] < 1e-6 and spread["poisson"] == pytest.approx(1, abs=0.05)
    assert spread["gamma"] == pytest.approx(2, abs=0.2)


def test_latency_counts_from_the_intended_moment() -> None:
    (row,) = level_of([exchange(1.0, 0.5, lag_s=0.3)]).requests
    assert row.latency_s == pytest.approx(0.5) and row.ttft_s == pytest.approx(0.1)
    assert row.lag_s == pytest.approx(0.3) and row.tpot_s == pytest.approx(0.4 / 4)


def test_failures_are_infinitely_late_and_told_apart() -> None:
    rows = [exchange(t / 10, 0.5) for t in range(90)]
    rows += [exchange(9 + t / 10, 0.01, ending="throttled") for t in range(6)] + [exchange(9.9, 0.01, ending="cut")] * 4
    found = numbers_of(level_of(rows), {"ttft": 0.2, "latency": 1.0})
    assert found.latency[0.5].value == pytest.approx(0.5) and math.isinf(found.latency[0.95].value)
    assert found.endings == {"ok": 90, "throttled": 6, "cut": 4}
    assert found.good_share == pytest.approx(0.9)
    assert found.goodput == found.achieved_rate == pytest.approx(90 / 10, rel=0.05)


def test_a_request_is_good_when_it_keeps_every_limit() -> None:
    rows = [exchange(t, 0.5, first_s=0.1 if t % 2 else 0.4) for t in range(10)]
    assert numbers_of(level_of(rows), {"ttft": 0.2}).good_share == 0.5
    assert numbers_of(level_of(rows), {"ttft": 0.2, "tpot": 0.01}).good_share == 0.0
    assert numbers_of(level_of(rows)).good_share is None


def test_a_client_that_lags_has_its_level_withheld() -> None:
    assert numbers_of(level_of([exchange(t, 0.01, lag_s=0.0004) for t in range(20)])).withheld is None
    late = [exchange(t, 0.01, lag_s=0.0006 if t < 2 else 0.0) for t in range(20)]
    assert numbers_of(level_of(late)).withheld is not None
    slow = [exchange(t, 1.0, lag_s=0.002) for t in range(20)]
    assert numbers_of(level_of(slow)).withheld is None, "2 ms are nothing beside a second"


def test_intervals_by_batch_means_are_wider_where_requests_depend_on_each_other() -> None:
    rng = np.random.default_rng(3)
    alone = rng.exponential(1.0, 1000)
    waves = np.repeat(rng.exponential(1.0, 20), 50)
    one, other = estimate(alone, 0.5), estimate(waves, 0.5)
    assert one.low is not None and one.high is not None and other.low is not None and other.high is not None
    assert one.low < np.log(2) < one.high and other.high - other.low > 2 * (one.high - one.low)
    assert estimate(alone[:40], 0.95).low is None


def test_no_request_waits_for_another_in_an_open_level() -> None:
    async def slow(place: int, intended_ns: int | None) -> Exchange:
        assert intended_ns is not None
        await asyncio.sleep(0.2)
        return Exchange(intended_ns, intended_ns, intended_ns + 1)

    level = asyncio.run(open_level(slow, [0.0, 0.01, 0.02], 0.03, 100.0))
    starts = [row.exchange.intended_ns for row in level.requests]
    assert [round((start - starts[0]) / 1e6) for start in starts] == [0, 10, 20]


def loaded_with(slo: dict[str, str], *levels: list[Exchange]) -> Loaded:
    """Levels at 10, 20, … requests a second."""
    rows = [
        Level(10.0 * number, None, len(each) / (10.0 * number), level_of(each).requests)
        for number, each in enumerate(levels, 1)
    ]
    return loaded_of(Load(None, tuple(rows), (2, 0, 1)), LoadSpec(slo=slo))


def test_the_rate_within_the_slo_is_the_last_before_a_limit_breaks() -> None:
    good, slow = ([exchange(t / 10, took) for t in range(100)] for took in (0.5, 3.0))
    failing = [exchange(t / 10, 0.5, ending="cut" if t % 10 == 0 else "ok") for t in range(100)]
    for levels, rate in (((good, good, slow), 20.0), ((good, failing, good), 10.0), ((slow, good), 0.0)):
        facts = {fact.name: fact.value for fact in loaded_with({"latency_p95": "<= 1 s"}, *levels).facts}
        assert facts["slo_rate_per_s"] == rate
    assert {fact.name: fact.value for fact in loaded_with({}, good).facts}["slo_rate_per_s"] is None


def test_requests_of_a_level_are_stored_from_their_intended_moments() -> None:
    loaded = loaded_with({}, [exchange(1.0, 0.5, lag_s=0.2), exchange(2.0, 0.4, ending="timeout")])
    first, second = loaded.timings
    assert (first.examples, second.examples) == ((2,), (0,))
    assert (first.duration_ns, first.lag_ns, first.ending) == (500_000_000, 200_000_000, "ok")
    assert first.token_ns[0] == 100_000_000 and second.ending == "timeout" and second.token_ns == ()
    assert "client_lagged" in {doubt.code for doubt in loaded.doubts}


def test_a_closed_loop_keeps_its_number_under_way() -> None:
    under_way, most = 0, 0

    async def send(place: int, intended_ns: int | None) -> Exchange:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return Exchange(place * 10, place * 10, place * 10 + 5)

    level = asyncio.run(closed_level(send, 3, 0.0, least=12))
    assert most == 3 and len(level.requests) >= 12
    assert [row.number for row in level.requests] == sorted(row.number for row in level.requests)


def test_a_rung_counts_answers_while_all_are_under_way() -> None:
    rows = tuple(Offered(n, exchange(n * 0.1, 0.2, first_s=0.1)) for n in range(101))
    rung = rung_of(Level(None, 2, 10.2, rows))
    assert rung.rate == pytest.approx(10, rel=0.02) and rung.mean_s == pytest.approx(0.2)
    assert rung.little == pytest.approx(1, rel=0.02)


def test_saturation_is_no_growth_and_longer_times() -> None:
    assert not is_saturated([Rung(1, 10, 0.1, 0)])
    assert not is_saturated([Rung(1, 10, 0.1, 0), Rung(2, 20, 0.1, 0)])
    assert is_saturated([Rung(2, 20, 0.1, 0), Rung(4, 20.5, 0.195, 0)])
    assert Capacity(20.5, (Rung(1, 10, 0.1, 0), Rung(2, 20, 0.1, 0), Rung(4, 20.5, 0.195, 0)), True).knee == 2


def test_a_real_queue_saturates_where_its_servers_do(fake: Fake) -> None:
    fake.behaviour.first, fake.behaviour.servers, fake.behaviour.tokens = Law(0.02), 2, 1
    found = loaded(fake, None, window_s=0.3)
    assert found.capacity is not None and len(found.capacity.rungs) >= 3
    assert found.capacity.rate <= 2 / 0.02 * 1.3, (
        "more than its servers can do: answers were counted that were not there"
    )
    assert [level.salted for level in found.levels] == [True] * 4 + [False]
    rates = [level.offered_rate for level in found.levels]
    assert rates[:4] == sorted(rates[:4]) and rates[4] == rates[0]  # type: ignore[type-var]


def test_all_candidates_get_the_same_requests_in_the_same_order_and_no_prompt_twice(fake: Fake) -> None:
    one = loaded(fake, (40.0, 80.0), window_s=0.25)
    first = [str(body["prompt"]) for body in fake.behaviour.bodies]
    fake.behaviour.bodies.clear()
    other = loaded(fake, (40.0, 80.0), window_s=0.25)
    second = [str(body["prompt"]) for body in fake.behaviour.bodies]
    assert one.order == other.order
    assert sorted(first) == sorted(second)  # neighbours may overtake one another on the way
    assert [len(level.requests) for level in one.levels] == [10, 20, 10]
    salted = first[: -len(one.levels[-1].requests)]
    assert len(set(salted)) == len(salted)
    assert set(first[-10:]) == {f"prompt {number}" for number in range(5)}


def test_failures_of_a_real_server_are_kept(fake: Fake) -> None:
    fake.behaviour.fault = Fault.THROTTLED
    (level, _) = loaded(fake, (40.0,), window_s=0.2).levels
    assert {row.exchange.ending for row in level.requests} == {"throttled"}
    assert fake.answered == 32 + 2 * 8, "nothing is sent twice"


@pytest.mark.parametrize(
    ("keys", "needle"),
    [
        ({"slo": {"ttft_p96": "<= 1 s"}}, "did you mean"),
        ({"slo": {"ttft_p95": ">= 1 s"}}, "'<= 300 ms'"),
        ({"slo": {"ttft_p95": "<= 3 bananas"}}, "ms"),
        ({"arrivals": "trace"}, "give both"),
        ({"arrivals": "trace", "trace": [1.0, 1.0, 1.0]}, "at least two"),
        ({"levels": []}, "levels"),
        ({"levels": [0.0]}, "levels"),
    ],
)
def test_a_load_that_means_nothing_is_refused(keys: dict[str, object], needle: str) -> None:
    with pytest.raises(ValueError, match=needle):
        LoadSpec.model_validate(keys)


def test_limits_are_read_as_seconds() -> None:
    assert LoadSpec(slo={"ttft_p95": "<= 300 ms", "tpot_p95": "<= 50 ms"}).limits == {"ttft": 0.3, "tpot": 0.05}
    with pytest.raises(InputError):
        parse_slo("tpot_p95", "<= 0 s")


def test_a_quick_look_without_a_suite(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "load",
        fake.url,
        "--model",
        "fake-1",
        "--rate",
        "40",
        "--seconds",
        "0.25",
        "--slo",
        "ttft_p95 <= 5 s",
        "--json",
    ]
    assert main(words) == 0
    first, control = json.loads(capsys.readouterr().out)["levels"]
    assert first["requests"] == 10 and first["endings"] == {"ok": 10} and first["good_share"] == 1.0
    assert first["salted"] and not control["salted"]
    assert main([*words[:-1], "--target", "100"]) == 0
    out = capsys.readouterr().out
    assert "within the SLO" in out and ("replicas for 100 requests/s: 3" in out or "withheld" in out)


@pytest.mark.parametrize(
    "words",
    [
        ["load", "127.0.0.1:9", "--model", "m"],
        ["load", "http://127.0.0.1:9/v1", "--model", "m", "--slo", "ttft <= 1 s"],
        ["load", "http://127.0.0.1:9/v1", "--model", "m", "--prompts", "/dev/null"],
        ["load", "http://127.0.0.1:9/v1", "--model", "m", "--target", "100"],
        ["load", "http://127.0.0.1:9/v1", "--model", "m", "--key-env", "BENCH_NO_SUCH_KEY"],
    ],
)
def test_a_quick_look_that_cannot_be_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) in (2, 3)
    assert len(capsys.readouterr().err.strip().splitlines()) <= 3


@pytest.mark.parametrize(
    ("option", "number"), [("--rate", "0"), ("--rate", "nan"), ("--target", "inf"), ("--seconds", "inf")]
)
def test_a_number_that_cannot_be_is_refused_before_anybody_is_asked(
    option: str, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", "http://127.0.0.1:9/v1", "--model", "m", option, number]) == 2
    assert f"'{option}'" in capsys.readouterr().err
