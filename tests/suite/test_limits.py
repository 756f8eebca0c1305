"""The one grammar of quantities and limits, and what the suite's schema makes of it."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from bench.errors import InputError, SuiteError, UsageError
from bench.suite import Suite
from bench.suite.limits import (
    Limit,
    parse_duration,
    parse_end,
    parse_limit,
    parse_margin,
    parse_memory,
    parse_rate,
    parse_time_of_day,
    parse_where,
)
from bench.suite.yaml_file import read

SUITE = """\
name: s
models: [{name: floor, family: baseline, strategy: majority}]
tasks: [{name: t, kind: classification, data: {path: data.jsonl}}]
"""


def test_limits_in_their_units() -> None:
    assert parse_limit("latency_p95_s", "<= 50 ms").value == pytest.approx(0.05)
    assert parse_limit("peak_memory_bytes", "< 2 GiB").value == 2 * 1024**3
    assert parse_limit("energy_per_example_j", "<= 0.5 J").value == 0.5
    assert parse_limit("accuracy", ">= 0.85").value == 0.85
    assert parse_limit("accuracy", ">= 85 %").value == 0.85
    best = parse_limit("bleu", ">= 95 % of best")
    assert best.of_best and best.value == 0.95 and not best.is_upper
    assert best.label == "bleu >= 95 % of best"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("latency_p95_s", "50 ms", "begin with"),
        ("latency_p95_s", "<= 50 GiB", "no unit of this quantity"),
        ("latency_p95_s", "<= 50", "has no unit"),
        ("latncy_p95_s", "<= 50 ms", "did you mean 'latency_p95_s'"),
        ("latency_p95@20", "<= 50 ms", "did you mean 'latency_p95_s@20'"),
        ("latency_p95_s", "<= -5 ms", "below 0"),
        ("latency_p95_s", "<= 1e400 ms", "finite"),
        ("latency_p95_s", "<= inf ms", "not a quantity"),
        ("latency_p95_s", "<= nan ms", "not a quantity"),
        ("accuracy", ">= -5 % of best", "below 0"),
        ("accuracy", ">= most % of best", "no share"),
        ("accuracy", ">= " + "9" * 5000, "finite"),
    ],
)
def test_bad_limits_say_what_to_write(name: str, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_limit(name, text)


@pytest.mark.parametrize(
    ("operator", "inside"), [("<=", (1, 1, 0)), ("<", (1, 0, 0)), (">=", (0, 1, 1)), (">", (0, 0, 1))]
)
def test_operators(operator: str, inside: tuple[int, ...]) -> None:
    limit = parse_limit("accuracy", f"{operator} 0.5")
    assert tuple(int(limit.admits(x)) for x in (0.4, 0.5, 0.6)) == inside


def test_where() -> None:
    limit = parse_where("latency_p95_s <= 50 ms")
    assert (limit.name, limit.operator, limit.value) == ("latency_p95_s", "<=", 0.05)
    assert parse_where("accuracy>=0.9").value == 0.9
    with pytest.raises(UsageError, match="NAME OPERATOR QUANTITY"):
        parse_where("fast please")
    with pytest.raises(UsageError, match="below 0"):
        parse_where("latency_p95_s <= -1 ms")


def test_margins_and_rates() -> None:
    assert parse_margin("latency_p95_s", "2 %") == (0.02, True)
    assert parse_margin("latency_p95_s", "5 ms") == (0.005, False)
    assert parse_margin("accuracy", "1 %") == (0.01, False)
    assert parse_margin("accuracy", 0.01) == (0.01, False)
    assert parse_rate("latency_p95_s", "20 ms per 0.01") == pytest.approx(0.5)
    for bad in ("20 ms", "0 ms per 0.01"):
        with pytest.raises(InputError):
            parse_rate("latency_p95_s", bad)
    for bad_margin in (-0.1, "-2 %", "-5 ms", float("nan"), float("inf")):
        with pytest.raises(InputError):
            parse_margin("latency_p95_s", bad_margin)


def test_times_and_durations() -> None:
    assert parse_duration("3h30m") == 12600 and parse_duration("90 min") == 5400
    assert parse_time_of_day("2:30") == time(2, 30)
    assert parse_end("06:00") == time(6) and parse_end("3 h") == 10800
    with pytest.raises(InputError, match="'10 min'"):
        parse_duration("soon")
    for bad in ("25:00", "NaN h", "-3 h", "0 h", "1e300 h", "99999999h1m", "soon"):
        with pytest.raises(InputError):
            parse_end(bad)
    assert parse_memory("1 KiB") == 1024
    for bad in ("1e400 GiB", "-1 GiB", "0 B", "lots"):
        with pytest.raises(InputError):
            parse_memory(bad)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("defaults: {memory_limit: 1e400 GiB}", "4:12 defaults.memory_limit"),
        ("defaults: {memory_limit: -1 GiB}", "4:12 defaults.memory_limit"),
        ("nightly: {deadline: '25:00'}", "4:11 nightly.deadline"),
        ("nightly: {deadline: NaN h}", "4:11 nightly.deadline"),
        ("nightly: {deadline: -3 h}", "4:11 nightly.deadline"),
        ("constraints: {accuracy: '>= 0.5', latency_p95_s: '<= -1 ms'}", "4:35 constraints.latency_p95_s"),
        ("constraints: {accuracy: 0.5}", "4:15 constraints.accuracy"),
        ("decision: {margins: {latency_p95_s: -1 ms}}", "4:22 decision.margins.latency_p95_s"),
        ("decision: {margins: {accuracy: .nan}}", "4:22 decision.margins.accuracy"),
        ("decision: {rates: {latency_p95_s: 0 ms per 0.01}}", "4:20 decision.rates.latency_p95_s"),
        ("prices: {machine_per_hour: .inf}", "4:10 prices.machine_per_hour"),
        ("decision: {epsilon: .inf}", "4:12 decision.epsilon"),
        ("description: !!bool maybe", "4:14"),
    ],
)
def test_each_mistake_has_one_line_with_its_place(tmp_path: Path, line: str, place: str) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(f"{SUITE}{line}\n", encoding="utf-8")
    with pytest.raises(SuiteError) as caught:
        read(path, Suite)
    assert str(caught.value).startswith(f"{path}:{place}") and "\n" not in str(caught.value)


def test_the_schema_parses_limits_once_and_writes_them_back_as_text() -> None:
    limits = {"latency_p95_s": "<= 50 ms", "accuracy": ">= 95 % of best"}
    model = {"name": "floor", "family": "baseline", "strategy": "majority"}
    task = {"name": "t", "kind": "classification", "data": {"builtin": "waybills"}}
    suite = Suite.model_validate({"name": "s", "models": [model], "tasks": [task], "constraints": limits})
    assert suite.constraints["latency_p95_s"] == Limit("latency_p95_s", "<=", 0.05, of_best=False, text="<= 50 ms")
    assert suite.model_dump(mode="json")["constraints"] == limits
    assert Suite.model_validate_json(suite.model_dump_json()) == suite
    assert suite.model_copy(update={"name": "t"}).constraints == suite.constraints
    values = Suite.model_json_schema()["properties"]["constraints"]["additionalProperties"]
    assert values == {"type": "string"}
