from __future__ import annotations

import pytest

from bench.measure.audit import Audit
from bench.measure.doubts import audit_doubts, energy_doubts, token_doubts, warmup_doubts, window_doubts
from bench.measure.energy_pass import Metered
from bench.measure.idle import Idle
from bench.measure.machine_doubts import interference_doubts
from bench.measure.trace import Pass
from bench.meters.energy import Energy
from bench.meters.interference import Interference
from bench.record import Timing

MS = 1_000_000


def timing(duration_ms: float = 5, **changes: object) -> Timing:
    return Timing("latency", 0, 0, (0,), round(duration_ms * MS), **changes)  # type: ignore[arg-type]


def seen(**changes: float | None) -> Interference:
    calm = {
        "wall_s": 5.0,
        "own_cpu_s": 5.0,
        "others_cpus": 0.01,
        "stolen_cpus": 0.0,
        "throttled_periods": 0,
        "throttled_s": 0.0,
    }
    return Interference(**(calm | changes))  # type: ignore[arg-type]


def trace(*timings: Timing, ended_by: str = "") -> Pass:
    found = Pass("latency")
    for one in timings:
        found.keep(one, ())
    found.end(ended_by)
    return found


@pytest.mark.parametrize(
    ("interference", "codes"),
    [
        (seen(), []),
        (seen(others_cpus=0.5), ["load_of_others"]),
        (seen(others_cpus=0.5, wall_s=0.1), []),
        (seen(stolen_cpus=0.2), ["stolen_time"]),
        (seen(throttled_periods=3, throttled_s=0.2), ["cgroup_throttled"]),
        (seen(throttled_periods=1, wall_s=0.05), ["cgroup_throttled"]),
        (seen(heat_events=2), ["cpu_throttled"]),
        (seen(others_cpus=None, stolen_cpus=None, throttled_periods=None, throttled_s=None), []),
    ],
)
def test_interference(interference: Interference, codes: list[str]) -> None:
    doubts = interference_doubts(interference, 4)
    assert [doubt.code for doubt in doubts] == codes
    assert all(doubt.process == 4 and doubt.remedy for doubt in doubts)


def test_message_has_the_numbers() -> None:
    assert "0.50 CPUs" in interference_doubts(seen(others_cpus=0.5), 0)[0].message


def test_warm_up_that_hit_its_cap() -> None:
    found = trace(timing(9), timing(7), timing(5), ended_by="cap")
    assert "5.00 ms" in warmup_doubts(found, 2, 0)[0].message
    found.ended_by = "steady"
    assert warmup_doubts(found, 2, 0) == []


def metered(
    joules: float | None,
    seconds: float,
    idle: float | None = None,
    reason: str | None = None,
    load: Interference | None = None,
    stood_still: bool = False,
    **about_idle: object,
) -> Metered:
    rest = None if idle is None else Idle(Energy(idle * 5, 5.0, "rapl", "x"), **about_idle)  # type: ignore[arg-type]
    energy = Energy(joules, seconds, "rapl", "x", reason, stood_still=stood_still)
    return Metered(Pass("energy"), energy, idle=rest, load=load)


@pytest.mark.parametrize(
    ("found", "hardware", "codes"),
    [
        (metered(100.0, 10.0, 2.0), True, []),
        (metered(100.0, 9.9, 2.0), True, ["window_too_short"]),
        (metered(100.0, 1.0), False, []),
        (metered(None, 10.0, reason="no change", stood_still=True), True, ["non_positive_energy"]),
        (metered(None, 10.0, reason="GPU is lost"), True, []),
        (metered(19.0, 10.0, 2.0), True, ["non_positive_energy"]),
        (metered(100.0, 10.0, 2.0, load=seen(others_cpus=0.5)), True, ["load_of_others"]),
        (metered(100.0, 10.0, 2.0, load=seen(others_cpus=0.5)), False, []),
        (metered(100.0, 10.0, 2.0, load=seen(throttled_periods=2)), True, ["cgroup_throttled"]),
        (metered(100.0, 10.0, 2.0, load=seen(), settled=False), True, ["idle_not_settled"]),
    ],
)
def test_energy(found: Metered, hardware: bool, codes: list[str]) -> None:
    assert [doubt.code for doubt in energy_doubts(found, hardware, 0)] == codes


def test_others_at_work_while_idling_touch_the_net_energy_alone() -> None:
    found = metered(100.0, 10.0, 2.0, load=seen(), settled=True)
    assert energy_doubts(found, True, 0) == []
    busy = Metered(found.work, found.energy, idle=Idle(Energy(10.0, 5.0, "rapl", "x"), load=seen(others_cpus=0.4)))
    doubt = energy_doubts(busy, True, 3)[0]
    assert (doubt.code, doubt.readings, doubt.process) == ("load_of_others", ("energy_net",), 3)
    assert "the idle window" in doubt.message


def test_throughput_window_of_two_batches() -> None:
    assert window_doubts(trace(*[timing()] * 3), 1.0, 0) == []
    assert window_doubts(trace(*[timing()] * 2), 1.0, 0)[0].code == "window_too_short"


def test_audit() -> None:
    assert audit_doubts(Audit(10, (), 0), 0) == []
    doubt = audit_doubts(Audit(30, tuple(range(7)), 7), 0)[0]
    assert doubt.code == "output_mismatch"
    assert "7 of 30" in doubt.message
    assert doubt.readings == ()


def test_stamps_must_match_the_tokens() -> None:
    silent = timing(output_tokens=2)
    assert "num_beams" in token_doubts([silent, silent], 0)[0].remedy
    good, bad = timing(token_ns=(1, 2), output_tokens=2), timing(token_ns=(1,), output_tokens=2)
    assert token_doubts([good], 0) == []
    assert "1 of 2" in token_doubts([good, bad], 0)[0].message
