from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest

from bench.measure.energy_pass import Metered, energy_facts, metered
from bench.measure.idle import Idle, idle_baseline
from bench.measure.trace import Pass
from bench.meters.energy import Energy
from bench.record import Fact, Timing
from tests.measure.fakes import MS, FakeClock, FakeEnergy, FakeWorkload, meters, steady


def work(tokens: int = 0) -> Pass:
    found = Pass("energy")
    for turn in range(4):
        found.keep(Timing("energy", 0, turn, (0, 1, 2, 3), 2_500 * MS, output_tokens=tokens), ())
    return found


def facts(found: Metered, **options: Any) -> dict[str, Fact]:
    return {fact.name: fact for fact in energy_facts(found, options.get("rejected", ()), 0)}


def test_gross_and_net_by_hand() -> None:
    """400 J in 10 s over 16 examples and 80 tokens, idling at 15 W: 25 J, 5 J a token, net (400 − 150) /
    16."""
    energy = Energy(400.0, 10.0, "rapl", "packages", None, 396.0, 404.0)
    found = facts(Metered(work(tokens=20), energy, idle=Idle(Energy(75.0, 5.0, "rapl", "packages"))))
    assert found["energy_per_example_j"].value == 25.0
    assert (found["energy_per_example_j"].low, found["energy_per_example_j"].high) == (24.75, 25.25)
    assert found["energy_per_output_token_j"].value == 5.0
    assert found["idle_power_w"].value == 15.0
    assert found["energy_net_per_example_j"].value == pytest.approx(250 / 16)
    assert {found[name].source for name in found if found[name].unit in ("J", "W")} == {"rapl"}
    assert found["energy_window_s"].value == 10.0


def test_model_without_tokens_has_no_energy_per_token() -> None:
    assert "energy_per_output_token_j" not in facts(Metered(work(), Energy(1.0, 1.0, "rapl", "x")))


def test_no_figure_is_none_with_every_reason() -> None:
    found = facts(Metered(work(), Energy(None, 10.0, "unavailable", "GPU", "no meter")), rejected=("nvml: lost",))
    for name in ("energy_window_j", "energy_per_example_j", "energy_net_per_example_j"):
        assert found[name].value is None
    assert found["energy_per_example_j"].reason == "nvml: lost; no meter"


def test_estimate_has_no_net() -> None:
    found = facts(Metered(work(), Energy(8.0, 1.0, "estimate", "CPU time", "estimate: 2 CPU s × 4 W", 2.0, 30.0)))
    assert found["energy_per_example_j"].value == 0.5
    assert found["energy_net_per_example_j"].value is None
    assert "no idle baseline" in (found["energy_net_per_example_j"].reason or "")


def test_unreadable_baseline_leaves_gross_alone() -> None:
    found = facts(Metered(work(), Energy(160.0, 10.0, "rapl", "x"), idle=Idle(Energy(None, 5.0, "rapl", "x", "gone"))))
    assert found["energy_per_example_j"].value == 10.0
    assert (found["energy_net_per_example_j"].value, found["energy_net_per_example_j"].reason) == (
        None,
        "gone",
    )


def test_host_beside_a_gpu_is_kept_apart() -> None:
    found = facts(Metered(work(), Energy(160.0, 10.0, "nvml_counter", "GPU 0"), host=Energy(50.0, 10.0, "rapl", "CPU")))
    assert (found["energy_per_example_j"].value, found["host_energy_window_j"].value) == (10.0, 50.0)
    assert found["host_energy_window_j"].source == "rapl"


def test_meter_runs_around_the_pass_alone() -> None:
    clock = FakeClock()
    workload = FakeWorkload(clock, [3], steady([3]))
    instruments = meters(clock, FakeEnergy(clock, workload))
    idle = idle_baseline(instruments, 5.0)
    clock.sleep(7.0)
    request = workload.request([0])

    def run(window: AbstractContextManager[None]) -> Pass:
        clock.sleep(3.0)  # preparing
        with window:
            request(None)
        clock.sleep(3.0)  # collecting garbage
        return work()

    found = metered(instruments, run, idle)
    assert idle.energy.joules == pytest.approx(10.0)
    assert found.load is not None and idle.load is not None
    assert found.energy.seconds == pytest.approx(0.003)
    assert found.energy.joules == pytest.approx(0.03)
